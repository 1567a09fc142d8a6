package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// callers is how many connections ask at the same time.
const callers = 64

// listen serves h on a free port of the loopback until the context ends.
func listen(ctx context.Context, h http.Handler) (addr string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h}
	context.AfterFunc(ctx, func() { srv.Close() })
	go srv.Serve(l) // ends with the context
	return l.Addr().String(), nil
}

// load asks addr over n connections, each as soon as it has its answer, until
// the time is over, and returns how many answers a second there were. requests
// makes, for each connection, what appends the bytes of its next request to an
// empty buffer. Every answer must be a 200: a benchmark of errors is worthless.
func load(ctx context.Context, addr string, n int, d time.Duration, requests func() func([]byte) []byte) (perSecond float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var answers atomic.Int64
	var once sync.Once
	var failed error
	var all sync.WaitGroup
	start := time.Now()
	for range n {
		all.Go(func() {
			done, err := ask(ctx, addr, requests())
			answers.Add(done)
			if err != nil {
				once.Do(func() { failed = err })
				cancel()
			}
		})
	}
	all.Wait()
	return float64(answers.Load()) / time.Since(start).Seconds(), failed
}

// ask is one connection of load. It is bare, so that the server's cost shows.
func ask(ctx context.Context, addr string, request func([]byte) []byte) (answers int64, err error) {
	c, err := dial(addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	for ; ctx.Err() == nil; answers++ {
		if err := c.roundTrip(request); err != nil {
			return answers, err
		}
	}
	return answers, nil
}

// conn is a connection with the little of HTTP that the answers here need.
type conn struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, in: bufio.NewReaderSize(c, 64<<10)}, nil
}

func (c *conn) roundTrip(request func([]byte) []byte) error {
	c.out = request(c.out[:0])
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
	if length < 0 {
		return fmt.Errorf("answer without Content-Length")
	}
	_, err := io.CopyN(io.Discard, c.in, int64(length))
	return err
}

// each gives every connection the same requests.
func each(request func([]byte) []byte) func() func([]byte) []byte {
	return func() func([]byte) []byte { return request }
}

// steadily asks addr on every tick until the context ends and returns how long
// each answer took from its tick on: a late answer delays none of the others,
// and waiting for a connection counts.
func steadily(ctx context.Context, addr string, every time.Duration, request func([]byte) []byte) ([]time.Duration, error) {
	ticks := make(chan time.Time, 100_000)
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			mine, err := onTicks(addr, ticks, request)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			failed = errors.Join(failed, err)
		})
	}
	for tick := time.Now(); ctx.Err() == nil; tick = tick.Add(every) {
		time.Sleep(time.Until(tick))
		ticks <- tick
	}
	close(ticks)
	all.Wait()
	return took, failed
}

// onTicks is one connection of steadily.
func onTicks(addr string, ticks <-chan time.Time, request func([]byte) []byte) (took []time.Duration, err error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for tick := range ticks {
		if err := c.roundTrip(request); err != nil {
			return took, err
		}
		took = append(took, time.Since(tick))
	}
	return took, nil
}

func get(path string) func([]byte) []byte {
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n")
	return func(b []byte) []byte { return append(b, request...) }
}

func post(path string, body func([]byte) []byte) func([]byte) []byte {
	const gap = "0000"
	head := "POST " + path + " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: " + gap + "\r\n\r\n"
	return func(b []byte) []byte {
		b = append(b, head...)
		start := len(b)
		b = body(b)
		copy(b[start-4-len(gap):], fmt.Sprintf("%04d", len(b)-start))
		return b
	}
}

// rounds is how often the two sides of a comparison take turns, and round how
// long a turn is.
const (
	rounds = 9
	round  = 400 * time.Millisecond
)

// sideBySide measures the two sides in turns, so that what else the machine
// does falls on both, and returns the median of each and of the rounds' ratios.
func sideBySide(base, ours func() (float64, error)) (b, o, ratio float64, err error) {
	var bs, os, ratios []float64
	for i := range rounds + 1 {
		b, err := base()
		if err != nil {
			return 0, 0, 0, err
		}
		o, err := ours()
		if err != nil {
			return 0, 0, 0, err
		}
		if i > 0 { // the first warms up
			bs, os, ratios = append(bs, b), append(os, o), append(ratios, o/b)
		}
	}
	return median(bs), median(os), median(ratios), nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func quantile(v []time.Duration, q float64) time.Duration {
	slices.Sort(v)
	return v[int(q*float64(len(v)-1))]
}
