package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"seatlock/lockstore/storetest/faults"
)

const (
	watchers = 5000
	watchFor = 10 * time.Second
	changes  = 50 // a second
	sample   = 10 // every so manyth is looked at while it goes on, the others afterwards
	latest   = 250 * time.Millisecond
)

// watched measures how long after the answer to a lock everybody who watches
// knows of it, and what a viewer costs the server, which is a process of its
// own: the memory that it has more of once they are there.
func watched(ctx context.Context) (result, error) {
	program, err := faults.Build(ctx, nil, "seatlock/local")
	if err != nil {
		return result{}, err
	}
	s, err := faults.Serve(ctx, program, "-addr", "127.0.0.1:0", "-seats", "1x1000", "-max-viewers", strconv.Itoa(watchers), "-max-connections", strconv.Itoa(4*watchers))
	if err != nil {
		return result{}, err
	}
	defer s.Kill()
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

	audience := &audience{}
	defer audience.leave()
	if err := audience.join(addr, version); err != nil {
		return result{}, err
	}
	after, err := memoryOf(s.PID())
	if err != nil {
		return result{}, err
	}
	if err := audience.lockAndWatch(ctx, addr); err != nil {
		return result{}, err
	}
	rate := float64(audience.locks) / watchFor.Seconds()
	p50, p99 := audience.quantile(0.50), audience.quantile(0.99)
	return result{
		base:   fmt.Sprintf("%.1f locks/s", rate),
		ours:   fmt.Sprintf("%.1f KB a viewer, p50 %s", float64(after-before)/watchers/1000, millis(p50)),
		figure: "p99 " + millis(p99),
		ok:     p99 <= latest && rate > 0.95*changes,
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

// An audience is everybody who watches. It shares the machine with what is
// measured, where real ones would not, so it does as little as can be: one loop
// reads a sample of the sockets, and knows no more of WebSockets than it takes to
// find the seats in what comes. What the others are sent is kept by their sockets
// until it is over, and read and counted then.
type audience struct {
	sockets  []*os.File
	answered [1001]atomic.Int64    // by seat of A1 to A1000: when the answer was there, in Unix ns
	took     [100_000]atomic.Int64 // how many of the sample were told so many tenths of a millisecond after it
	told     atomic.Int64          // how often anybody was told of a lock
	over     atomic.Bool           // nothing is measured any more
	loop     sync.WaitGroup
	locks    int                   // how many there were
	ended    atomic.Pointer[error] // why the loop has ended
	left     atomic.Bool
}

// join opens the sockets, as those do who know the list already: a whole one for
// each would be most of what is measured.
func (a *audience) join(addr, version string) error {
	var mu sync.Mutex
	var failed error
	var joining sync.WaitGroup
	next := counter()
	for range callers {
		joining.Go(func() {
			for next() < watchers {
				c, err := openSocket(addr, version)
				mu.Lock()
				if err != nil {
					failed = err
					mu.Unlock()
					return
				}
				a.sockets = append(a.sockets, c)
				mu.Unlock()
			}
		})
	}
	joining.Wait()
	return failed
}

// openSocket opens one and reads the first message.
func openSocket(addr, version string) (*os.File, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close() // the file is another
	if _, err := io.WriteString(c, "GET /seats/live?since="+version+" HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2VhdGxvY2sgc2VhdHMhIQ==\r\n\r\n"); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(c, 1<<10)
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 101 ")) {
			return nil, fmt.Errorf("the handshake is answered with %q", line)
		}
		if len(line) == 2 {
			break
		}
	}
	for last := false; !last; {
		head, err := in.Peek(2) // the last frame may have no more
		if err == nil && head[1] > 125 {
			head, err = in.Peek(10)
		}
		if err != nil {
			return nil, err
		}
		var start, size int
		last, start, size = frame(head)
		if _, err := in.Discard(start + size); err != nil {
			return nil, err
		}
	}
	return c.(*net.TCPConn).File()
}

// frame reads the head of a frame: whether it ends a message, where what it
// brings starts, and how long that is.
func frame(b []byte) (last bool, start, size int) {
	last = b[0]&0x80 != 0
	switch b[1] {
	case 126:
		return last, 4, int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		return last, 10, int(binary.BigEndian.Uint64(b[2:]))
	}
	return last, 2, int(b[1])
}

// lockAndWatch locks seat after seat, and notes when everybody knows.
func (a *audience) lockAndWatch(ctx context.Context, addr string) error {
	a.loop.Go(func() {
		err := a.watch()
		a.ended.Store(&err)
	})
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	var seat int
	lock := post("/lock", func(b []byte) []byte { return fmt.Appendf(b, `{"seatId":"A%d","userId":"user%d"}`, seat, seat) })
	ticks := time.NewTicker(time.Second / changes)
	defer ticks.Stop()
	for end := time.Now().Add(watchFor); time.Now().Before(end); {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		seat++
		if err := c.roundTrip(lock); err != nil {
			return err
		}
		a.answered[seat].Store(time.Now().UnixNano())
	}
	a.locks = seat
	if err := a.await(int64(seat) * watchers / sample); err != nil {
		return err
	}
	a.over.Store(true)
	return a.await(int64(seat) * watchers)
}

// await waits until those who are read have been told of so many locks.
func (a *audience) await(told int64) error {
	for end := time.Now().Add(10 * time.Second); a.told.Load() < told; time.Sleep(10 * time.Millisecond) {
		if err := a.ended.Load(); err != nil {
			return *err
		}
		if time.Now().After(end) {
			return fmt.Errorf("of %d times that somebody had to be told of a lock, %d came", told, a.told.Load())
		}
	}
	return nil
}

// watch reads sockets until it is time to leave.
func (a *audience) watch() error {
	poll, err := syscall.EpollCreate1(0)
	if err != nil {
		return err
	}
	defer syscall.Close(poll)
	read := func(sampled bool) error {
		for i, s := range a.sockets {
			if sampled != (i%sample == 0) {
				continue
			}
			fd := int(s.Fd())
			if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := read(true); err != nil {
		return err
	}
	events := make([]syscall.EpollEvent, 256)
	rest := make(map[int32][]byte) // of messages that have not come whole
	buf := make([]byte, 64<<10)
	for others := false; !a.left.Load(); {
		if !others && a.over.Load() {
			others = true
			if err := read(false); err != nil {
				return err
			}
		}
		n, err := syscall.EpollWait(poll, events, 100)
		if err != nil && err != syscall.EINTR {
			return err
		}
		for _, e := range events[:max(0, n)] {
			had := copy(buf, rest[e.Fd])
			n, err := syscall.Read(int(e.Fd), buf[had:])
			if err != nil || n == 0 {
				return fmt.Errorf("a viewer is let go: %v", err)
			}
			left := a.heard(buf[:had+n])
			if len(left) > 0 {
				rest[e.Fd] = bytes.Clone(left)
			} else if had > 0 {
				delete(rest, e.Fd)
			}
		}
	}
	return nil
}

// heard notes which locked seats the messages name, and returns what is left of
// one that has not come whole.
func (a *audience) heard(b []byte) []byte {
	now := time.Now().UnixNano()
	for len(b) >= 10 { // no message is shorter
		_, start, size := frame(b)
		if len(b) < start+size {
			break
		}
		for body := b[start : start+size]; ; {
			_, after, found := bytes.Cut(body, []byte(`"seatId":"A`))
			if !found {
				break
			}
			seat := 0
			for body = after; body[0] != '"'; body = body[1:] {
				seat = seat*10 + int(body[0]-'0')
			}
			a.told.Add(1)
			if a.over.Load() {
				continue
			}
			took := int64(0) // it was known before the answer was
			if answered := a.answered[seat].Load(); answered != 0 {
				took = max(0, now-answered) / int64(100*time.Microsecond)
			}
			a.took[min(took, int64(len(a.took)-1))].Add(1)
		}
		b = b[start+size:]
	}
	return b
}

func (a *audience) quantile(q float64) time.Duration {
	var all int64
	for i := range a.took {
		all += a.took[i].Load()
	}
	rest := int64(q * float64(all))
	for i := range a.took {
		if rest -= a.took[i].Load(); rest < 0 {
			return time.Duration(i) * 100 * time.Microsecond
		}
	}
	return time.Duration(len(a.took)) * 100 * time.Microsecond
}

// leave closes all sockets.
func (a *audience) leave() {
	a.left.Store(true)
	a.loop.Wait()
	for _, s := range a.sockets {
		s.Close()
	}
}
