package history

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

// A Recorder writes down the calls that its clients make to a store, for one
// event. It is safe for concurrent use.
type Recorder struct {
	Store lockstore.LockStore
	Event *lockstore.Event

	// Sink, if it is not nil, is told of each call when it begins, as one
	// whose outcome is not known, and again when it is. Calls of one client come
	// in their order.
	Sink func(Op)

	// Grace is how long before its end a Wait that nothing ended must have had
	// nothing to end it. Zero draws no conclusion from such a Wait, as is
	// right on a clock that goes on while an answer is under way.
	Grace time.Duration

	// Order gives Begin and End, in ascending order; nil counts. Calls made
	// in several processes need a clock that they share.
	Order func() int64

	count atomic.Int64
	mu    sync.Mutex
	ops   []Op
}

// History is what was written down so far.
func (r *Recorder) History(slack time.Duration) *History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &History{Event: r.Event, Ops: slices.Clone(r.ops), Slack: slack}
}

// Do makes the call that op describes and returns it with its answer.
func (r *Recorder) Do(ctx context.Context, op Op) Op {
	ev := r.Event
	if op.OtherSeats {
		ev = mirrored(r.Event)
	}
	op.Begin, op.End, op.Called = r.order(), Never, time.Now()
	if r.Sink != nil {
		begun := op
		begun.Outcome = Unknown
		r.Sink(begun)
	}
	var err error
	switch op.Call {
	case Lock:
		op.Expires, err = r.Store.Lock(ctx, ev, op.Seats, op.User)
	case Confirm:
		err = r.Store.Confirm(ctx, ev, op.Seats, op.User)
	case Release:
		err = r.Store.Release(ctx, ev, op.Seats, op.User)
	case List:
		var snap lockstore.Snapshot
		if snap, err = r.Store.List(ctx, ev, op.Since); err == nil {
			op.Snapshot = &snap
		}
	case Wait:
		op.Begin, err = r.wait(ctx, ev, op)
	}
	op.Outcome, op.Conflict = outcome(op.Call, err)
	if op.Outcome == TimedOut && r.Grace == 0 {
		op.Outcome = Nothing
	}
	if err != nil {
		op.Err, op.Cause = err.Error(), err
	}
	op.Returned = time.Now()
	if op.Outcome != Unknown {
		op.End = r.order()
	}
	if r.Sink != nil {
		r.Sink(op)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, op)
	return op
}

// wait makes a Wait of op.For, and returns when it is taken to have begun.
func (r *Recorder) wait(ctx context.Context, ev *lockstore.Event, op Op) (begin int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, op.For)
	defer cancel()
	var late atomic.Int64
	if r.Grace > 0 {
		defer time.AfterFunc(op.For-r.Grace, func() { late.Store(r.order()) }).Stop()
	}
	err = r.Store.Wait(ctx, ev, op.Since)
	if at := late.Load(); at != 0 && err != nil {
		return at, err
	}
	return op.Begin, err
}

func (r *Recorder) order() int64 {
	if r.Order != nil {
		return r.Order()
	}
	return r.count.Add(1)
}

// mirrored is the event with its seats in the reverse order, which no store
// may take for the same.
func mirrored(ev *lockstore.Event) *lockstore.Event {
	seats := slices.Clone(ev.Seats)
	slices.Reverse(seats)
	other, err := lockstore.NewEvent(ev.ID, seats, ev.LockTTL, ev.SeatLimit)
	if err != nil {
		panic(err) // the seats of an event make an event
	}
	return other
}
