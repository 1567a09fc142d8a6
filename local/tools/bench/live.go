package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore/storetest/faults"
)

const (
	viewerCount    = 5000
	lockCount      = 500
	locksPerSecond = 50
	sampleSize     = viewerCount / 10

	// liveTime bounds how long viewers are opened or read.
	liveTime = time.Minute
)

// liveViewers measures how long after the answer to a lock its viewers receive
// it, and how much memory a viewer costs the server, which is a process of its
// own.
//
// Unlike real viewers, these share the machine with the server. So only a sample of
// them reads while locks are made. The others' sockets buffer the messages;
// afterwards these viewers read too, and must have received every lock.
func liveViewers(ctx context.Context, bed *testbed.Bed) (result, error) {
	program, err := faults.Build(ctx, nil, "seatlock/local")
	if err != nil {
		return result{}, err
	}
	s, err := faults.Serve(ctx, program, "-addr", "127.0.0.1:0", "-seats", fmt.Sprintf("1x%d", lockCount),
		"-max-viewers", strconv.Itoa(viewerCount), "-max-connections", strconv.Itoa(4*viewerCount), "-address-share", "100")
	if err != nil {
		return result{}, err
	}
	bed.OnClose(s.Kill)
	addr := strings.TrimPrefix(s.URL, "http://")
	list, err := fetch(s.URL + "/seats")
	if err != nil {
		return result{}, err
	}
	_, rest, _ := strings.Cut(string(list), `"version":"`)
	version, _, _ := strings.Cut(rest, `"`)
	before, err := memoryOf(s.PID())
	if err != nil {
		return result{}, err
	}
	viewers, err := openViewers(ctx, bed, addr, version, "")
	if err != nil {
		return result{}, err
	}
	after, err := memoryOf(s.PID())
	if err != nil {
		return result{}, err
	}

	var answered answers
	var took []time.Duration // of the sample
	sampled := make(chan error, 1)
	go func() {
		var err error
		took, err = readViewers(ctx, viewers[:sampleSize], sampleSize, &answered)
		sampled <- err
	}()
	rate, err := lockSeats(ctx, addr, &answered)
	if err != nil {
		return result{}, err
	}
	if err := <-sampled; err != nil {
		return result{}, err
	}
	if _, err := readViewers(ctx, viewers[sampleSize:], callers, &answered); err != nil {
		return result{}, err
	}
	p50, p99 := quantile(took, 0.50), quantile(took, 0.99)
	return result{
		base:   fmt.Sprintf("%.1f locks/s", rate),
		ours:   fmt.Sprintf("%.1f KB a viewer, p50 %s", float64(after-before)/viewerCount/1000, millis(p50)),
		figure: "p99 " + millis(p99),
		ok:     p99 <= 250*time.Millisecond && rate > 0.95*locksPerSecond,
	}, nil
}

// memoryOf returns how much of the machine's memory a process has, in bytes.
func memoryOf(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, text, _ := strings.Cut(string(status), "VmRSS:")
	text, _, _ = strings.Cut(strings.TrimSpace(text), " ")
	kib, err := strconv.ParseInt(text, 10, 64)
	return kib * 1024, err
}

// answers has the times when the locks of seats A1, A2 … were answered, in Unix
// nanoseconds, by the number of the seat.
type answers [lockCount + 1]atomic.Int64

// lockSeats locks every seat, in turn, and returns how many a second.
func lockSeats(ctx context.Context, addr string, answered *answers) (perSecond float64, err error) {
	lock := post("/lock", func(b []byte, seat int) []byte {
		return fmt.Appendf(b, `{"seatId":"A%d","userId":"user%d"}`, seat, seat)
	})
	start := time.Now()
	return overConnections(ctx, addr, 1, liveTime, func(c *conn, _ int, turns iter.Seq[int]) error {
		for turn := range turns {
			if turn == lockCount {
				break
			}
			time.Sleep(time.Until(start.Add(time.Duration(turn) * time.Second / locksPerSecond)))
			if err := c.roundTrip(lock, turn+1); err != nil {
				return err
			}
			answered[turn+1].Store(time.Now().UnixNano())
		}
		return nil
	})
}

// A viewer is a minimal WebSocket client that finds the seats in a message.
type viewer struct {
	net.Conn
	in *bufio.Reader
}

// openViewers opens viewers that already know the list of the version: sending the
// whole list to each would be most of the cost. The headers are lines of the
// handshake.
func openViewers(ctx context.Context, bed *testbed.Bed, addr, version, headers string) ([]*viewer, error) {
	viewers := make([]*viewer, viewerCount)
	bed.OnClose(func() {
		for _, v := range viewers {
			if v != nil {
				v.Close()
			}
		}
	})
	_, err := parallel(ctx, callers, liveTime, func(_ int, turns iter.Seq[int]) (err error) {
		for i := range turns {
			if i >= len(viewers) {
				break
			}
			if viewers[i], err = openViewer(addr, version, headers); err != nil {
				return err
			}
		}
		return nil
	})
	return viewers, err
}

// openViewer opens a viewer and reads its first message.
func openViewer(addr, version, headers string) (*viewer, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	v := &viewer{c, bufio.NewReader(c)}
	if _, err := io.WriteString(c, "GET /seats/live?since="+version+" HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2VhdGxvY2sgc2VhdHMhIQ==\r\n"+headers+"\r\n"); err != nil {
		return v, err
	}
	resp, err := http.ReadResponse(v.in, nil)
	if err != nil {
		return v, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return v, fmt.Errorf("the handshake is answered with %s", resp.Status)
	}
	return v, v.copyMessage(io.Discard)
}

// message reads a message.
func (v *viewer) message() ([]byte, error) {
	var b bytes.Buffer
	err := v.copyMessage(&b)
	return b.Bytes(), err
}

// copyMessage reads a message and writes its bytes, which may be compressed.
func (v *viewer) copyMessage(to io.Writer) error {
	for last := false; !last; {
		head, err := v.in.Peek(2)
		if err != nil {
			return err
		}
		last = head[0]&0x80 != 0
		start, size := 2, int(head[1])
		switch size {
		case 126:
			start = 4
		case 127:
			start = 10
		}
		if head, err = v.in.Peek(start); err != nil {
			return err
		}
		switch size {
		case 126:
			size = int(binary.BigEndian.Uint16(head[2:]))
		case 127:
			size = int(binary.BigEndian.Uint64(head[2:]))
		}
		if _, err := v.in.Discard(start); err != nil {
			return err
		}
		if _, err := io.CopyN(to, v.in, int64(size)); err != nil {
			return err
		}
	}
	return nil
}

// readViewers reads viewers, atOnce at a time, until each has received every lock, and
// returns how long after its answer each lock was received.
func readViewers(ctx context.Context, viewers []*viewer, atOnce int, answered *answers) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	_, err := parallel(ctx, atOnce, liveTime, func(_ int, turns iter.Seq[int]) error {
		for i := range turns {
			if i >= len(viewers) {
				break
			}
			took, err := viewers[i].read(answered)
			if err != nil {
				return err
			}
			mu.Lock()
			all = append(all, took...)
			mu.Unlock()
		}
		return nil
	})
	return all, err
}

// read reads messages until the viewer has received every lock.
func (v *viewer) read(answered *answers) ([]time.Duration, error) {
	took := make([]time.Duration, 0, lockCount)
	if err := v.SetReadDeadline(time.Now().Add(2 * lockCount / locksPerSecond * time.Second)); err != nil {
		return nil, err
	}
	for len(took) < lockCount {
		message, err := v.message()
		if err != nil {
			return nil, fmt.Errorf("a viewer received %d of %d locks: %w", len(took), lockCount, err)
		}
		now := time.Now().UnixNano()
		for {
			_, after, found := bytes.Cut(message, []byte(`"seatId":"A`))
			if !found {
				break
			}
			number, rest, _ := bytes.Cut(after, []byte(`"`))
			seat, err := strconv.Atoi(string(number))
			if err != nil {
				return nil, err
			}
			at := answered[seat].Load()
			if at == 0 { // the lock arrived before its answer
				at = now
			}
			took, message = append(took, time.Duration(now-at)), rest
		}
	}
	return took, nil
}
