package storetest

import (
	"context"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// base is a right store in memory.
type base struct {
	mu     sync.Mutex
	events map[lockstore.EventID]*event

	// meddle, if it is not nil, runs before the engine carries out an operation.
	meddle func(*operation)
}

type event struct {
	state *engine.State
	log   engine.Log
}

// An operation is what the engine is about to carry out.
type operation struct {
	*engine.State
	op  lockstore.Op
	ev  lockstore.Event // a copy
	at  []int
	now int64
}

func (b *base) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	at, err := ev.Positions(nil, op)
	if err != nil {
		return lockstore.Result{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e, err := b.event(ctx, ev)
	if err != nil {
		return lockstore.Result{}, err
	}
	o := operation{e.state, op, *ev, at, time.Now().UnixMilli()}
	if b.meddle != nil {
		b.meddle(&o)
	}
	result, err := e.state.Do(&o.ev, o.op, o.at, o.now)
	e.log.Add(e.state.Changed())
	return result, err
}

func (b *base) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, err := b.event(ctx, ev)
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	return e.state.List(&e.log, since, time.Now().UnixMilli()), nil
}

func (b *base) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	for {
		b.mu.Lock()
		e, err := b.event(ctx, ev)
		if err != nil {
			b.mu.Unlock()
			return err
		}
		changed := e.log.Next(since)
		b.mu.Unlock()
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// event returns the store's part of the event. The caller has b.mu.
func (b *base) event(ctx context.Context, ev *lockstore.Event) (*event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e := b.events[ev.ID]
	if e == nil {
		e = &event{engine.New(ev.Layout), engine.NewLog()}
		b.events[ev.ID] = e
	}
	if e.state.Layout().Fingerprint() != ev.Fingerprint() {
		return nil, lockstore.ErrOtherSeats
	}
	return e, nil
}

// look shows f the store's part of the event.
func (b *base) look(ev *lockstore.Event, f func(*event)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, err := b.event(context.Background(), ev); err == nil {
		f(e)
	}
}

// broken is a base one of whose methods may be replaced.
type broken struct {
	base
	do   func(context.Context, *lockstore.Event, lockstore.Op) (lockstore.Result, error)
	list func(context.Context, *lockstore.Event, lockstore.Version) (lockstore.Snapshot, error)
	wait func(context.Context, *lockstore.Event, lockstore.Version) error
}

func (b *broken) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	return b.do(ctx, ev, op)
}

func (b *broken) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	return b.list(ctx, ev, since)
}

func (b *broken) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	return b.wait(ctx, ev, since)
}

// with returns a function that makes a base and breaks it.
func with(fault func(*broken)) func() lockstore.LockStore {
	return func() lockstore.LockStore {
		b := &broken{base: base{events: make(map[lockstore.EventID]*event)}}
		b.do, b.list, b.wait = b.base.Do, b.base.List, b.base.Wait
		fault(b)
		return b
	}
}

// meddling returns a fault that runs f before the operations of the kind.
func meddling(kind lockstore.Kind, f func(*operation)) func(*broken) {
	return func(b *broken) {
		b.meddle = func(o *operation) {
			if o.op.Kind == kind {
				f(o)
			}
		}
	}
}

// all returns the positions of the layout.
func (o *operation) all() []int {
	at := make([]int, len(o.ev.Seats))
	for p := range at {
		at[p] = p
	}
	return at
}

// edit replaces what is known of each of the seats.
func (o *operation) edit(at []int, f func(*engine.SeatState)) {
	for _, p := range at {
		seat := o.Seat(p)
		f(&seat)
		o.SetSeat(p, seat)
	}
}

// live reports whether somebody has the seat locked.
func live(s engine.SeatState, now int64) bool { return s.User != "" && !s.Booked && now < s.Expires }

// held counts the seats that the user has.
func held(s *engine.State, user lockstore.UserID, now int64) (n int) {
	for p := range s.Layout().Seats {
		if seat := s.Seat(p); seat.User == user && (seat.Booked || live(seat, now)) {
			n++
		}
	}
	return n
}
