// Package seatlist keeps the seats of an event as everybody may see them, and renders
// them in the JSON of GET /seats.
//
// A [Feed] asks the store once for all callers that want a list at the same time,
// whichever lists they want. The package must not know HTTP, nor any user.
package seatlist

import (
	"context"
	"sync"

	"seatlock/lockstore"
)

// A Feed keeps the seats of one event up to date. It reads only changes from the store,
// and renders only the blocks of seats that have changed.
//
// It never answers without asking the store. A refresh begins after the request for it,
// so it includes everything that was acknowledged before the request. Requests that
// arrive during one refresh share the next. A refresh is one call of LockStore.List,
// and no other method calls it.
//
// A Feed is safe for concurrent use.
type Feed struct {
	store lockstore.LockStore
	ev    *lockstore.Event
	plan  *Plan
	known versions

	mu   sync.Mutex
	next *refresh // not begun, so that new requests may share it; nil if there is none

	retired context.Context
	retire  context.CancelFunc

	turn chan struct{} // holds an element during a refresh
	last *Snapshot     // the newest, nil at first; only for the holder of the turn
}

// A refresh is one read from the store.
type refresh struct {
	done chan struct{} // closed when the answer is set
	snap *Snapshot
	err  error
}

// New returns a Feed of the event, with the plan of its layout. It does not ask the
// store yet.
func New(store lockstore.LockStore, ev *lockstore.Event, plan *Plan) *Feed {
	f := &Feed{store: store, ev: ev, plan: plan, turn: make(chan struct{}, 1)}
	f.retired, f.retire = context.WithCancel(context.Background())
	return f
}

// Retire says that another Feed has replaced this one, because the event was changed.
// The Feed continues to answer.
func (f *Feed) Retire() { f.retire() }

// Retired returns a context that ends when the Feed is retired.
func (f *Feed) Retired() context.Context { return f.retired }

// Event returns the event of the Feed.
func (f *Feed) Event() *lockstore.Event { return f.ev }

// Refresh returns the seats at a moment after the call began. The error is the store's,
// or that of the context if it ends first.
func (f *Feed) Refresh(ctx context.Context) (*Snapshot, error) {
	f.mu.Lock()
	if f.next == nil {
		select {
		case f.turn <- struct{}{}: // no refresh is under way
			f.mu.Unlock()
			defer func() { <-f.turn }()
			return f.ask(context.WithoutCancel(ctx))
		default:
		}
		f.next = &refresh{done: make(chan struct{})}
	}
	r := f.next
	f.mu.Unlock()

	select {
	case <-r.done:
		return r.snap, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case f.turn <- struct{}{}:
	}
	defer func() { <-f.turn }()
	select {
	case <-r.done: // while this caller waited for the turn
		return r.snap, r.err
	default:
	}

	f.mu.Lock()
	f.next = nil
	f.mu.Unlock()
	// The answer is shared, so it must not fail because this caller leaves.
	r.snap, r.err = f.ask(context.WithoutCancel(ctx))
	close(r.done)
	return r.snap, r.err
}

// ask reads the changes since the last state from the store. The caller must hold the
// turn.
func (f *Feed) ask(ctx context.Context) (*Snapshot, error) {
	var since lockstore.Version
	if f.last != nil {
		since = f.last.seats.version
	}
	changes, err := f.store.List(ctx, f.ev, since)
	if err != nil {
		return nil, err
	}
	var from *seats
	if f.last == nil || changes.Full {
		f.known.forget() // the changes since earlier versions are unknown
		from = f.plan.blankSeats(f.ev)
		if f.last != nil {
			from.moment = f.last.seats.moment
		}
		from.countsChanged()
	} else {
		from = f.last.seats
	}
	state := from.with(changes)
	if f.last == nil || f.last.seats != state || f.last.now != changes.Now {
		f.known.add(state.version, state.moment)
		f.last = &Snapshot{feed: f, seats: state, now: changes.Now}
	}
	return f.last, nil
}

// List returns [Snapshot.Since] of a new [Feed.Refresh].
func (f *Feed) List(ctx context.Context, since lockstore.Version) (*List, error) {
	snap, err := f.Refresh(ctx)
	if err != nil {
		return nil, err
	}
	return snap.Since(since), nil
}

// Wait returns when the event is past the version, or with the context's error when the
// context ends. See [lockstore.LockStore].
func (f *Feed) Wait(ctx context.Context, version lockstore.Version) error {
	return f.store.Wait(ctx, f.ev, version)
}
