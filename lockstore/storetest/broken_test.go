package storetest

import (
	"context"
	"iter"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// A base is a store in memory. It is correct as long as its hooks are nil. The hooks
// run with the mutex held.
type base struct {
	mu     sync.Mutex
	events map[lockstore.EventID]*event

	anyRevision bool // any layout that has all taken seats replaces another

	key    func(*lockstore.Event) lockstore.EventID              // names the event in events
	before func(*operation)                                      // may change what is carried out
	after  func(*operation, *lockstore.Result, error)            // may change the answer
	logged func(*operation, []int) []int                         // may change which seats the log says have changed
	enter  func(*operation, lockstore.Result)                    // makes the entry in the journal
	read   func(*event, []lockstore.Entry) []lockstore.Entry     // may change a page of the journal
	fit    func(*event, *lockstore.Event) error                  // replaces the layout
	listed func(*event, lockstore.Version, *lockstore.Snapshot)  // may change a list
	page   func(*event, []lockstore.Holding) []lockstore.Holding // may change a page of a roster
}

type event struct {
	state    *engine.State
	log      engine.Log
	journal  engine.Journal
	revision int
	fixed    bool
}

// An operation is what the engine carries out.
type operation struct {
	*event
	ev  lockstore.Event // a copy
	op  lockstore.Op
	at  []int
	now int64
}

func (b *base) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	at, err := ev.Positions(nil, &op)
	if err != nil {
		return lockstore.Result{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e, err := b.event(ctx, ev)
	if err != nil {
		return lockstore.Result{}, err
	}
	o := &operation{e, *ev, op, at, now()}
	if b.before != nil {
		b.before(o)
	}
	var result lockstore.Result
	err = e.state.Do(&o.ev, &o.op, o.at, o.now, &result)
	if changed := e.state.Changed(); err == nil && len(changed) > 0 {
		e.fixed = true
		if b.logged != nil {
			changed = b.logged(o, changed)
		}
		e.log.Add(changed)
		if b.enter != nil {
			b.enter(o, result)
		} else {
			e.journal.Add(&o.op, &result)
		}
	}
	if b.after != nil {
		b.after(o, &result, err)
	}
	return result, err
}

func (b *base) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, err := b.event(ctx, ev)
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	snap := e.state.List(&e.log, since, now())
	if b.listed != nil {
		b.listed(e, since, &snap)
	}
	return snap, nil
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

func (b *base) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	failed := func(err error) iter.Seq2[lockstore.Holding, error] {
		return func(yield func(lockstore.Holding, error) bool) { yield(lockstore.Holding{}, err) }
	}
	if err := f.Check(ev); err != nil {
		return "", failed(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e, err := b.event(ctx, ev)
	if err != nil {
		return "", failed(err)
	}
	roster := engine.NewRoster(e.state, f, now())
	return e.journal.Seq(), func(yield func(lockstore.Holding, error) bool) {
		for more := true; more; {
			var page []lockstore.Holding
			b.mu.Lock()
			page, more = roster.Next(e.state, now())
			if b.page != nil {
				page = b.page(e, page)
			}
			b.mu.Unlock()
			for _, h := range page {
				if !yield(h, nil) {
					return
				}
			}
		}
	}
}

func (b *base) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	if err := lockstore.CheckJournal(after, limit); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e, err := b.event(ctx, ev)
	if err != nil {
		return nil, err
	}
	page, err := e.journal.After(after, limit)
	if b.read != nil && err == nil {
		page = b.read(e, page)
	}
	return page, err
}

// event returns the store's state of the event. The caller holds b.mu.
func (b *base) event(ctx context.Context, ev *lockstore.Event) (*event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key := ev.ID
	if b.key != nil {
		key = b.key(ev)
	}
	e := b.events[key]
	if e == nil {
		e = &event{state: engine.New(ev.Layout), log: engine.NewLog(), journal: engine.NewJournal(), revision: ev.Revision}
		b.events[key] = e
	}
	switch {
	case e.state.Fits(ev):
		e.revision = max(e.revision, ev.Revision)
	case !b.anyRevision && (ev.Revision < e.revision || ev.Revision == e.revision && e.fixed):
		return nil, lockstore.ErrOtherSeats
	case b.fit != nil:
		return e, b.fit(e, ev)
	default:
		return e, e.fit(ev)
	}
	return e, nil
}

// fit replaces the layout with that of ev.
func (e *event) fit(ev *lockstore.Event) error {
	state, err := e.state.WithLayout(ev, now())
	if err != nil {
		return err
	}
	e.state, e.revision = state, ev.Revision
	e.log.Restart()
	return nil
}

// look calls f with the store's state of the event.
func (b *base) look(ev *lockstore.Event, f func(*event)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, err := b.event(context.Background(), ev); err == nil {
		f(e)
	}
}

// A broken is a base whose Do, Wait or Roster may be replaced as well.
type broken struct {
	base
	do     func(context.Context, *lockstore.Event, lockstore.Op) (lockstore.Result, error)
	wait   func(context.Context, *lockstore.Event, lockstore.Version) error
	roster func(context.Context, *lockstore.Event, lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error])
}

func (b *broken) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	return b.roster(ctx, ev, f)
}

func (b *broken) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	return b.do(ctx, ev, op)
}

func (b *broken) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	return b.wait(ctx, ev, since)
}

// with returns a function that makes a store with that fault.
func with(fault func(*broken)) func() lockstore.LockStore {
	return func() lockstore.LockStore {
		b := &broken{base: base{events: make(map[lockstore.EventID]*event)}}
		b.do, b.wait, b.roster = b.base.Do, b.base.Wait, b.base.Roster
		fault(b)
		return b
	}
}

// before returns a fault that runs f before the operations of the kind.
func before(kind lockstore.Kind, f func(*operation)) func(*broken) {
	return func(b *broken) {
		b.before = func(o *operation) {
			if o.op.Kind == kind {
				f(o)
			}
		}
	}
}

// beforeSeats returns a fault that changes the named seats before the operations
// of the kind. The change is not in the log.
func beforeSeats(kind lockstore.Kind, f func(*operation, *engine.SeatState)) func(*broken) {
	return before(kind, func(o *operation) { o.edit(o.at, f) })
}

// edit changes what is known of the seats.
func (o *operation) edit(at []int, f func(*operation, *engine.SeatState)) {
	for _, p := range at {
		seat := o.state.Seat(p)
		f(o, &seat)
		o.state.SetSeat(p, seat)
	}
}

// all returns the positions of all seats.
func (e *event) all() []int {
	at := make([]int, len(e.state.Layout().Seats))
	for p := range at {
		at[p] = p
	}
	return at
}

// after returns a fault that changes the results.
func after(f func(*operation, *lockstore.Result)) func(*broken) {
	return func(b *broken) {
		b.after = func(o *operation, r *lockstore.Result, err error) {
			if err == nil {
				f(o, r)
			}
		}
	}
}

func now() int64 { return time.Now().UnixMilli() }

// live reports whether the seat is locked.
func live(s engine.SeatState, now int64) bool { return s.User != "" && !s.Booked && now < s.Expires }
