package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"seatlock/lockstore/storetest/powerloss"
)

// straceWAL returns a command that logs what a program writes to a file, and when it waits
// for the disk.
func straceWAL(log, file string) []string {
	return []string{powerloss.Program, "-D", "-f", "-qq", "-y", "-ttt", "-T", "-xx", "-s", "16777216",
		"-P", file, "-e", "trace=pwrite64,pwritev,fdatasync", "-e", "signal=none", "-o", log, "--"}
}

// A walStep is a system call on the file.
type walStep struct {
	data       []byte // nil for a sync
	offset     int64
	begin, end int // its positions in the sequence of all begins and ends; end is -1 if it has none
	begun      time.Time
	ended      time.Time
}

var errStrace = errors.New("strace wrote something else than expected")

// readWAL reads what [straceWAL] recorded.
func readWAL(log string) ([]*walStep, error) {
	f, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var steps []*walStep
	open := make(map[string]*walStep) // by process
	in := bufio.NewReaderSize(f, 1<<20)
	for place := 0; ; place += 2 {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return steps, nil // the call of an unfinished line was not made
		}
		if err != nil {
			return nil, err
		}
		process, rest, _ := strings.Cut(line, " ")
		stamp, text, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
		at, err := seconds(stamp)
		if err != nil || strings.HasPrefix(text, "???") {
			continue // a process ended
		}
		if strings.HasPrefix(text, "+++") || strings.HasPrefix(text, "---") {
			continue
		}
		if strings.HasPrefix(text, "<... ") {
			if s := open[process]; s != nil && !strings.Contains(text, "= ?") {
				s.end, s.ended = place, at
			}
			delete(open, process)
			continue
		}
		s := &walStep{begin: place, end: -1, begun: at}
		if err := s.parse(text); err != nil {
			return nil, fmt.Errorf("%w: %.100q", err, line)
		}
		steps = append(steps, s)
		if strings.Contains(text, "<unfinished ...>") || strings.Contains(text, "= ?") {
			open[process] = s
			continue
		}
		last := text[strings.LastIndexByte(text, '<')+1:] // how long it took
		took, err := strconv.ParseFloat(strings.TrimRight(last, ">\n"), 64)
		if err != nil {
			return nil, fmt.Errorf("%w: %.100q", errStrace, line)
		}
		s.end, s.ended = place+1, at.Add(time.Duration(took*1e9))
	}
}

// parse reads the arguments of a call.
func (s *walStep) parse(text string) error {
	name, list, _ := strings.Cut(text, "(")
	switch name {
	case "fdatasync":
		return nil
	case "pwrite64":
		args := strings.SplitN(list, ", ", 4) // file, data, size, offset
		if len(args) < 4 {
			return errStrace
		}
		number := args[3]
		if end := strings.IndexFunc(number, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			number = number[:end]
		}
		var err error
		if s.offset, err = strconv.ParseInt(number, 10, 64); err != nil {
			return err
		}
		s.data, err = hex.DecodeString(strings.ReplaceAll(strings.Trim(args[1], `"`), `\x`, ""))
		return err
	}
	return errStrace
}

// seconds reads a time such as 1700000000.123456.
func seconds(stamp string) (time.Time, error) {
	whole, part, ok := strings.Cut(stamp, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || !ok {
		return time.Time{}, errStrace
	}
	us, err := strconv.ParseInt(part, 10, 64)
	return time.Unix(s, us*1000), err
}

// failAt changes the file to what a disk might have if the power failed at a moment: all
// that was waited for by then, and any part of the rest, in sectors.
func failAt(file *os.File, steps []*walStep, at time.Time, rnd *rand.Rand) error {
	const sector = 512
	certain := -1 // writes that ended before this position are on the disk
	for _, s := range steps {
		if s.data == nil && s.end >= 0 && !s.ended.After(at) {
			certain = max(certain, s.begin)
		}
	}
	likely := []float64{0, 0.1, 0.5, 0.9, 1}[rnd.IntN(5)]
	for _, s := range steps {
		if s.data == nil || s.begun.After(at) {
			continue
		}
		synced := s.end >= 0 && s.end < certain
		for from := 0; from < len(s.data); from += sector {
			if !synced && rnd.Float64() >= likely {
				continue
			}
			if _, err := file.WriteAt(s.data[from:min(from+sector, len(s.data))], s.offset+int64(from)); err != nil {
				return err
			}
		}
	}
	return nil
}
