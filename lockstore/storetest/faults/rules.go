package faults

import (
	"context"
	"errors"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

func answerLost(t *trial) {
	t.losing(func() (lost func() bool) {
		t.proxy.SwallowReply()
		return t.proxy.Swallowed
	})
}

func connectionCut(t *trial) {
	t.losing(func() (lost func() bool) {
		cut := make(chan struct{}, 1) // only the first answer is cut
		t.proxy.Inject(func() Fault {
			select {
			case cut <- struct{}{}:
				return Fault{Cut: true}
			default:
				return Fault{}
			}
		})
		return func() bool { return len(cut) == 1 }
	})
}

// losing makes calls that are carried out, but whose answers are lost. lose
// makes the next answer get lost; lost reports whether it was.
func (t *trial) losing(lose func() (lost func() bool)) {
	v := t.list("").Version
	for _, op := range steps {
		t.warm()
		lost := lose()
		if err := t.call(op); !errors.Is(err, lockstore.ErrOutcomeUnknown) || !lost() {
			t.Fatalf("%s without an answer: %v, want ErrOutcomeUnknown", op.Kind, err)
		}
		// A store may first look up who has the seats, and that answer may be the lost one.
		if result := t.eventually(op); len(result.Changed) > 0 && op.User != "" {
			t.Errorf("the repeated %s changed %v, want nothing", op.Kind, result.Changed)
		}
		if op.Kind == lockstore.KindLock {
			if err := history.Repeat(t.ctx, func() error { return t.call(lockstore.Lock(ben, "A1")) }); !errors.Is(err, lockstore.SeatLocked) {
				t.Errorf("another user's lock on a seat whose answer was lost: %v, want SeatLocked", err)
			}
		}
	}
	t.wantSeats(t.list(""), "A1 booked")
	snap := t.list(v)
	t.wantSeats(snap, "W available", "A1 booked", "A2 available", "A3 available", "A4 available")
	t.wantSteps()
	if snap.Full {
		t.Error("the list since a version is full, want the changes alone")
	}
	lost := lose()
	if _, err := t.store.List(t.ctx, t.ev, ""); !errors.Is(err, lockstore.ErrUnavailable) || !lost() {
		t.Errorf("List without an answer: %v, want ErrUnavailable", err)
	}
	if err := history.Repeat(t.ctx, func() error { return rosterError(t.store.Roster(t.ctx, t.ev, lockstore.Filter{})) }); err != nil {
		t.Fatal(err)
	}
	lost = lose()
	if err := rosterError(t.store.Roster(t.ctx, t.ev, lockstore.Filter{})); !errors.Is(err, lockstore.ErrUnavailable) || !lost() {
		t.Errorf("Roster without an answer: %v, want ErrUnavailable", err)
	}
	t.wantSteps()
	lost = lose()
	if _, err := t.store.Journal(t.ctx, t.ev, "", 1); !errors.Is(err, lockstore.ErrUnavailable) || !lost() {
		t.Errorf("Journal without an answer: %v, want ErrUnavailable", err)
	}
}

func connectionCutBetween(t *trial) {
	for _, op := range steps {
		t.warm()
		t.proxy.Cut()
		t.proxy.Restore()
		if err := t.call(op); err != nil && !errors.Is(err, lockstore.ErrUnavailable) && !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			t.Errorf("%s on an ended connection: %v", op.Kind, err)
		}
		t.eventually(op)
	}
	t.proxy.Cut()
	t.proxy.Restore()
	if _, err := t.store.List(t.ctx, t.ev, ""); err != nil && !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("List on an ended connection: %v", err)
	}
	t.wantSeats(t.list(""), "A1 booked")
	t.wantSteps()
}

func networkAway(t *trial) {
	t.away(t.proxy.Cut, t.proxy.Restore)
	t.wantSeats(t.list(""), "A1 locked", "A2 booked")
}

func serverAway(t *trial) {
	expires, before := t.away(func() {
		t.Kill()
		t.proxy.Cut() // now, not when the proxy comes to it
		t.proxy.Restore()
	}, func() {
		if err := t.Restart(); err != nil {
			t.Fatal(err)
		}
	})
	snap := t.list(before)
	if !t.Keeps {
		if !snap.Full || len(snap.Seats) > 0 {
			t.Errorf("the list since a version that the server no longer has is %+v, want a full, empty list", snap)
		}
		t.eventually(lockstore.Lock(ben, "A1"))
		return
	}
	if !snap.Full {
		t.wantSeats(snap, "W available") // changed since the server is back
	}
	if again := t.eventually(lockstore.Lock(ann, "A1")).Expires; !again.Equal(expires) {
		t.Errorf("the lock ends at %v, and after a crash at %v", expires, again)
	}
	t.wantSeats(t.list(""), "A1 locked", "A2 booked")
}

// away locks A1 and books A2, makes the server unreachable, and returns when it
// is back and the store uses it again. It returns the end of the lock and the
// version of the event before that.
func (t *trial) away(down, up func()) (expires time.Time, before lockstore.Version) {
	expires = t.eventually(lockstore.Lock(ann, "A1")).Expires
	t.eventually(lockstore.Lock(ben, "A2"))
	t.eventually(lockstore.Confirm(ben, "A2"))
	before = t.list("").Version
	waiting := make(chan error, 1)
	go func() { waiting <- t.store.Wait(t.ctx, t.ev, before) }()
	time.Sleep(100 * time.Millisecond) // so that it is under way

	down()
	if err := <-waiting; !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Wait while the server goes away: %v, want ErrUnavailable", err)
	}
	for _, call := range everyCall(t.ctx, t.store, t.ev) {
		if err := call.make(); !errors.Is(err, lockstore.ErrUnavailable) && (t.Notices || !errors.Is(err, lockstore.ErrOutcomeUnknown)) {
			t.Errorf("%s on an ended connection: %v, want ErrUnavailable", call.name, err)
		}
	}
	for name, s := range map[string]lockstore.LockStore{"the store": t.store, "a new store": t.Store(t.T, t.proxy.Addr)} {
		for _, call := range everyCall(t.ctx, s, t.ev) {
			if err := call.make(); !errors.Is(err, lockstore.ErrUnavailable) {
				t.Errorf("%s of %s without a server: %v, want ErrUnavailable", call.name, name, err)
			}
		}
	}

	up()
	v := t.list("").Version
	go func() { waiting <- history.Repeat(t.ctx, func() error { return t.store.Wait(t.ctx, t.ev, v) }) }()
	t.eventually(lockstore.Lock(ben, "W"))
	if err := <-waiting; err != nil {
		t.Errorf("Wait once the server is back: %v", err)
	}
	t.eventually(lockstore.Release(ben, "W"))
	return expires, before
}

func slow(t *trial) {
	t.warm()
	t.proxy.Inject(func() Fault { return Fault{Delay: 50 * time.Millisecond} })
	for _, op := range steps {
		if result := t.eventually(op); len(result.Changed) != len(op.Seats)+len(op.To) {
			t.Errorf("%s of %v changed %v", op.Kind, op.Seats, result.Changed)
		}
	}
	t.wantSeats(t.list(""), "A1 booked")
	t.wantSteps()

	t.proxy.Inject(nil)
	t.warm()
	t.proxy.Inject(func() Fault { return Fault{Delay: 2 * time.Second} })
	if err := t.call(lockstore.Lock(ann, "A3")); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Lock with an answer that is too late: %v, want ErrOutcomeUnknown", err)
	}
	t.proxy.Inject(nil)
	if result := t.eventually(lockstore.Lock(ann, "A3")); len(result.Changed) > 0 {
		t.Errorf("the repeated Lock changed %v, want nothing", result.Changed)
	}
}

func frozen(t *trial) {
	t.eventually(lockstore.Lock(ann, "A1"))
	t.warm()
	t.proxy.Freeze()
	if err := t.call(lockstore.Confirm(ann, "A1")); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Confirm on a frozen connection: %v, want ErrOutcomeUnknown", err)
	}
	// The store may have further connections, which are frozen too.
	confirm := func() error { return t.call(lockstore.Confirm(ann, "A1")) }
	if err := history.Repeat(t.ctx, confirm, lockstore.ErrOutcomeUnknown); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Confirm without a connection: %v, want ErrUnavailable", err)
	}
	if _, err := t.store.List(t.ctx, t.ev, ""); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("List without a connection: %v, want ErrUnavailable", err)
	}
	t.proxy.Thaw()
	t.eventually(lockstore.Confirm(ann, "A1"))
	t.wantSeats(t.list(""), "A1 booked")
}

func contextEnds(t *trial) {
	t.warm()
	t.proxy.Freeze()
	ctx, cancel := context.WithCancel(t.ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := t.store.Do(ctx, t.ev, lockstore.Lock(ann, "A1"))
		ended <- err
	}()
	time.Sleep(50 * time.Millisecond) // so that the call is under way
	cancel()
	err := <-ended
	t.proxy.Thaw()
	switch {
	case errors.Is(err, lockstore.ErrOutcomeUnknown):
		t.eventually(lockstore.Lock(ann, "A1"))
	case errors.Is(err, context.Canceled):
		time.Sleep(200 * time.Millisecond) // time enough for the server to carry it out
		t.eventually(lockstore.Lock(ben, "A1"))
	default:
		t.Errorf("Lock whose context ended while it was under way: %v, want ErrOutcomeUnknown or the context's error", err)
	}
}
