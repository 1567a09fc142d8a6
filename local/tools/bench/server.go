package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"seatlock/lockstore/storetest/faults"
)

// A server is a process of its own, so that its processor time can be measured apart from
// that of its clients.
type server struct {
	*faults.Server
	addr string
}

func serveProcess(ctx context.Context, program string, args ...string) (server, error) {
	s, err := faults.Serve(ctx, program, args...)
	if err != nil {
		return server{}, err
	}
	return server{s, strings.TrimPrefix(s.URL, "http://")}, nil
}

// startProgram starts the program itself, with default settings unless the arguments say
// otherwise.
func startProgram(ctx context.Context, args ...string) (server, error) {
	program, err := faults.Build(ctx, nil, "seatlock/local")
	if err != nil {
		return server{}, err
	}
	return serveProcess(ctx, program, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
}

// barePart is the argument that makes this program a bare server.
const barePart = "serve-bare"

// startBare starts a server that decodes the body of a POST and answers with a constant,
// and answers a GET with the content of the file.
func startBare(ctx context.Context, file string) (server, error) {
	self, err := os.Executable()
	if err != nil {
		return server{}, err
	}
	return serveProcess(ctx, self, barePart, file)
}

// serveBare runs the bare server until it is killed.
func serveBare(_ context.Context, args []string) error {
	var list []byte
	if len(args) > 0 && args[0] != "" {
		var err error
		if list, err = os.ReadFile(args[0]); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("url=http://%s\n", l.Addr())
	return newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			bareLock(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(list)))
		w.Write(list)
	})).Serve(l)
}

// processorTime returns how much processor time the processes have used, in multiples
// of 10 ms.
func processorTime(pids ...int) (sum time.Duration, err error) {
	const tick = time.Second / 100 // on every Linux
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		// See proc(5) for the fields. The second is a name in parentheses.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 13 {
			return 0, fmt.Errorf("/proc/%d/stat has too few fields: %s", pid, stat)
		}
		for _, field := range fields[11:13] { // user and system time
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(ticks) * tick
		}
	}
	return sum, nil
}

// A usage is what a server did under load.
type usage struct {
	perSecond float64 // requests
	each      float64 // the processor time of one, in nanoseconds
}

// under loads the server for a round.
func (s server) under(ctx context.Context, r wrkRequest) (usage, error) {
	before, err := processorTime(s.PID())
	if err != nil {
		return usage{}, err
	}
	done, err := overHTTP(ctx, s.addr, r)
	if err != nil {
		return usage{}, err
	}
	after, err := processorTime(s.PID())
	return usage{done.perSecond, float64(after-before) / done.requests}, err
}

// serversSideBySide compares two servers under load. The goal is the least ratio of our
// rate to the other's.
func serversSideBySide(goal float64, base, ours func() (usage, error)) (result, error) {
	var times [2][]float64
	side := func(i int, measure func() (usage, error)) func() (float64, error) {
		return func() (float64, error) {
			u, err := measure()
			times[i] = append(times[i], u.each)
			return u.perSecond, err
		}
	}
	c, err := sideBySide(side(0, base), side(1, ours))
	if err != nil {
		return result{}, err
	}
	var ratios []float64
	for i := 1; i < len(times[0]); i++ { // the first round warms up
		ratios = append(ratios, times[1][i]/times[0][i])
	}
	r := c.atLeast(goal)
	r.base += ", " + micros(median(times[0][1:]))
	r.ours += ", " + micros(median(times[1][1:]))
	r.figure += fmt.Sprintf(", %.2f × its processor time", median(ratios))
	return r, nil
}
