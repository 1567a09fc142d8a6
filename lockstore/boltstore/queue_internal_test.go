package boltstore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

// hangar is a queue whose flights take until they are let go.
type hangar struct {
	*queue
	letGo   chan struct{}
	flights [][]*call
}

func newHangar() *hangar {
	h := &hangar{letGo: make(chan struct{})}
	h.queue = newQueue(func(calls []*call) {
		h.flights = append(h.flights, calls)
		<-h.letGo
		for _, c := range calls {
			close(c.done)
		}
	})
	return h
}

// start makes a call, and returns what takes its error.
func (h *hangar) start(ctx context.Context) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := h.do(ctx, &call{at: []int{0}, done: make(chan struct{})})
		ended <- err
	}()
	synctest.Wait()
	return ended
}

// sizes are how many calls each flight had.
func (h *hangar) sizes() string {
	var all []int
	for _, calls := range h.flights {
		all = append(all, len(calls))
	}
	return fmt.Sprint(all)
}

// TestCallsShareAFlight: who calls while others are on their way goes next,
// together.
func TestCallsShareAFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHangar()
		all := []<-chan error{h.start(t.Context())}
		for range 20 {
			all = append(all, h.start(t.Context()))
		}
		h.letGo <- struct{}{}
		h.letGo <- struct{}{}
		for _, ended := range all {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if got := h.sizes(); got != "[1 20]" {
			t.Errorf("the flights had %s calls", got)
		}
		h.close() // which waits for nobody
		if err := <-h.start(t.Context()); !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("after that a call ends with %v", err)
		}
	})
}

// TestWhoLeaves: a call that has not gone is taken back, one that has is waited
// for.
func TestWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHangar()
		ctx, cancel := context.WithCancel(t.Context())
		gone, waiting := h.start(ctx), h.start(ctx)
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("who had not gone is told %v", err)
		}
		synctest.Wait()
		if len(gone) != 0 {
			t.Errorf("who had gone is told %v before it is known", <-gone)
		}
		h.letGo <- struct{}{}
		if err := <-gone; err != nil {
			t.Errorf("who had gone is told %v", err)
		}
		if got := h.sizes(); got != "[1]" {
			t.Errorf("the flights had %s calls", got)
		}
	})
}

// TestSlowDisk: every call ends in a bounded time, and who may have been written
// is told so.
func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHangar()
		began := time.Now()
		gone, waiting := h.start(t.Context()), h.start(t.Context())
		if err := <-gone; !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			t.Errorf("who had gone is told %v", err)
		}
		if err := <-waiting; !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("who had not is told %v", err)
		}
		if d := time.Since(began); d != callTime {
			t.Errorf("that took %v", d)
		}
		h.letGo <- struct{}{}
		h.close()
		if got := h.sizes(); got != "[1]" {
			t.Errorf("the flights had %s calls", got)
		}
	})
}

// TestClockSetBack: whatever became of the time of day while nothing ran, no
// lock is longer than it was made.
func TestClockSetBack(t *testing.T) {
	made := time.Date(2027, 3, 5, 20, 0, 0, 0, time.UTC)
	text := record(lockstore.Holding{
		User: "ann", Expires: time.Minute,
		Lapses: []lockstore.Lapse{{User: "ben", Expires: -time.Second}},
	}, 0, dial{made, 0})
	for later, want := range map[time.Duration]time.Duration{
		0:                time.Minute,
		20 * time.Second: 40 * time.Second,
		2 * time.Minute:  -time.Minute,
		-time.Hour:       time.Minute,
	} {
		d := dial{made.Add(later), 5 * time.Second} // the clock of another life
		h, _, err := parseRecord(text, d)
		if err != nil {
			t.Fatal(err)
		}
		if left := h.Expires - d.now; h.User != "ann" || left != want {
			t.Errorf("%v later %s has %v left, want %v", later, h.User, left, want)
		}
		if l := h.Lapses[0]; l.User != "ben" || l.Expires > d.now {
			t.Errorf("%v later %s's lock ran out in the future", later, l.User)
		}
	}
}

// TestRecords: what is written is what is read.
func TestRecords(t *testing.T) {
	d := newClock().dial()
	for _, h := range []lockstore.Holding{
		{},
		{User: "ann", Booked: true},
		{User: `x y "z" é`, Expires: d.now + time.Minute},
		{Lapses: []lockstore.Lapse{{User: "ben", Expires: d.now - time.Second}, {User: "c d", Expires: d.now - time.Minute}}},
		{User: "ann", Expires: d.now - time.Hour, Lapses: []lockstore.Lapse{{User: "ben", Expires: d.now - time.Second}}},
	} {
		got, _, err := parseRecord(record(h, d.now, d), d)
		near := func(a, b time.Duration) bool { return (a - b).Abs() < time.Millisecond }
		if err != nil || got.User != h.User || got.Booked != h.Booked || len(got.Lapses) != len(h.Lapses) || !h.Booked && h.User != "" && !near(got.Expires, h.Expires) {
			t.Errorf("%+v is read as %+v, %v", h, got, err)
			continue
		}
		for i, l := range got.Lapses {
			if l.User != h.Lapses[i].User || !near(l.Expires, h.Lapses[i].Expires) {
				t.Errorf("%+v is read as %+v", h.Lapses[i], l)
			}
		}
	}
	for _, bad := range []string{"x", "B", "B1", "Bx ann", "L1 ann", "L1-x ann", "X1 ann", "B1 ann\nB1 ben", "\nL1-2 ann", "B1 "} {
		if h, _, err := parseRecord([]byte(bad), d); err == nil {
			t.Errorf("%q is read as %+v", bad, h)
		}
	}
}
