package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// listen serves h on a free port of the loopback until the context ends.
func listen(ctx context.Context, h http.Handler) (addr string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := newServer(h)
	context.AfterFunc(ctx, func() { srv.Close() })
	go srv.Serve(l) // until the context ends
	return l.Addr().String(), nil
}

// newServer returns a server with the program's time limits, which cost each request
// something.
func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute}
}

// A request appends the bytes of a turn's request to b.
type request func(b []byte, turn int) []byte

func get(path string, headers ...string) request {
	text := []byte("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + strings.Join(headers, "") + "\r\n")
	return func(b []byte, _ int) []byte { return append(b, text...) }
}

func head(path string) request {
	text := []byte("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
	return func(b []byte, _ int) []byte { return append(b, text...) }
}

func post(path string, body request) request {
	const gap = "0000"
	head := "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + gap + "\r\n\r\n"
	return func(b []byte, turn int) []byte {
		b = append(b, head...)
		start := len(b)
		b = body(b, turn)
		copy(b[start-4-len(gap):], fmt.Sprintf("%04d", len(b)-start))
		return b
	}
}

// A conn is a connection with a minimal HTTP client, so that the server's cost
// dominates.
type conn struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

// roundTrip makes a request and reads its answer, which must be a 200: a
// benchmark of errors is worthless.
func (c *conn) roundTrip(r request, turn int) error {
	c.out = r(c.out[:0], turn)
	if _, err := c.Write(c.out); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			rest, _ := c.in.Peek(c.in.Buffered())
			return fmt.Errorf("answer %q%q to %q", line, rest, c.out)
		}
		if len(line) == 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return err
			}
		}
	}
	if bytes.HasPrefix(c.out, []byte("HEAD ")) {
		return nil
	}
	if length < 0 {
		return errors.New("answer without Content-Length")
	}
	_, err := io.CopyN(io.Discard, c.in, int64(length))
	return err
}

// overConnections is parallel with a connection for each worker.
func overConnections(ctx context.Context, addr string, n int, d time.Duration, work func(c *conn, worker int, turns iter.Seq[int]) error) (perSecond float64, err error) {
	return parallel(ctx, n, d, func(worker int, turns iter.Seq[int]) error {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		return work(&conn{Conn: c, in: bufio.NewReaderSize(c, 64<<10)}, worker, turns)
	})
}

// load makes the request over n connections for d, each time as soon as the connection
// has its answer, and returns the number of answers a second.
func load(ctx context.Context, addr string, n int, d time.Duration, r request) (perSecond float64, err error) {
	return overConnections(ctx, addr, n, d, func(c *conn, _ int, turns iter.Seq[int]) error {
		for turn := range turns {
			if err := c.roundTrip(r, turn); err != nil {
				return err
			}
		}
		return nil
	})
}

// steadily makes the request perSecond times a second for busyFor, and returns how long
// after its scheduled time each request was answered: a late answer delays no other
// request, and waiting for a connection counts. A request that is more than a second
// late is skipped.
func steadily(ctx context.Context, addr string, perSecond int, r request) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	start := time.Now()
	_, err := overConnections(ctx, addr, callers, busyFor+time.Second, func(c *conn, _ int, turns iter.Seq[int]) error {
		var took []time.Duration
		for turn := range turns {
			after := time.Duration(turn) * time.Second / time.Duration(perSecond)
			if after >= busyFor {
				break
			}
			time.Sleep(time.Until(start.Add(after)))
			if err := c.roundTrip(r, turn); err != nil {
				return err
			}
			took = append(took, time.Since(start.Add(after)))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, took...)
		return nil
	})
	return all, err
}
