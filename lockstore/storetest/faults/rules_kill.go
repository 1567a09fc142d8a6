package faults

import (
	"errors"
	"fmt"
	"sync"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// kill has callers make calls, and returns when all have made theirs. When the first
// caller has made half of its calls, kill kills the server and starts it again. call
// makes the nth call of a caller.
func (t *trial) kill(callers, each int, call func(caller, n int)) {
	half := make(chan struct{}, 1)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for n := range each {
				if n == each/2 {
					select {
					case half <- struct{}{}:
					default:
					}
				}
				call(i, n)
			}
		})
	}
	<-half
	t.Kill()
	if err := t.Restart(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
}

// killedInTheMiddle kills the server while callers lock, extend, confirm, book and
// cancel seats.
func killedInTheMiddle(t *trial) {
	const callers, each = 6, 10
	record := &history.Recorder{Store: t.store, Event: t.ev}
	ledger := history.NewLedger(t.ev)
	var mu sync.Mutex // guards ledger
	t.kill(callers, each, func(caller, n int) {
		user := lockstore.UserID(fmt.Sprintf("user%d", caller))
		seat := t.ev.Seats[1+caller*each+n]
		ops := []lockstore.Op{lockstore.Lock(user, seat), steps[1], steps[2]}
		switch n % 4 {
		case 2:
			ops = []lockstore.Op{lockstore.Book(user, "r1", seat)}
		case 3:
			ops = append(ops, lockstore.Cancel(user, "r1", seat))
		}
		for i, op := range ops {
			op.User, op.Seats = user, []lockstore.SeatID{seat}
			tries := 0
			err := history.Repeat(t.ctx, func() error {
				tries++
				op.By = fmt.Sprintf("%d-%d-%d-%d", caller, n, i, tries)
				made := record.Do(t.ctx, history.Call{Client: caller, Op: op})
				mu.Lock()
				ledger.Note(made)
				mu.Unlock()
				return made.Cause
			})
			if err != nil && (t.Keeps || !errors.Is(err, lockstore.LockNotHeld)) {
				t.Errorf("%s %ss %v: %v", user, op.Kind, op.Seats, err)
			}
		}
	})
	if !t.Keeps {
		return
	}
	h := record.History(0)
	if err := h.ReadBooks(t.ctx, t.store); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range h.CheckBooks() {
		t.Error(wrong)
	}
	found, err := ledger.Audit(t.ctx, t.store)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range found.Words {
		t.Error(word)
	}
	if found.Bookings == 0 {
		t.Error("no booking was acknowledged")
	}
}
