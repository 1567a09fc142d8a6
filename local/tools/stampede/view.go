package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// pollEvery is how often the view asks for changes.
const pollEvery = 250 * time.Millisecond

// An eventView is the event as seen by a client that lists it once and then asks only for
// changes.
type eventView struct {
	event  *lockstore.Event
	onSale *lockstore.Event // the seats that were available at the start

	mu      sync.Mutex
	version lockstore.Version
	seats   []lockstore.ListedSeat // by position
}

// newView lists the event. An event without an available seat is an error.
func newView(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event) (*eventView, error) {
	v := &eventView{event: ev, seats: make([]lockstore.ListedSeat, len(ev.Seats))}
	snap, err := store.List(ctx, ev, "")
	if err != nil {
		return nil, fmt.Errorf("cannot list the seats: %w", err)
	}
	v.apply(snap)
	var available []lockstore.SeatID
	for i, seat := range ev.Seats {
		if v.seats[i].Status == lockstore.Available {
			available = append(available, seat)
		}
	}
	if len(available) == 0 {
		return nil, fmt.Errorf("event %s has no available seat: choose another with -event", ev.ID)
	}
	layout, err := lockstore.NewLayout(available)
	if err != nil {
		return nil, err
	}
	v.onSale, err = lockstore.NewEvent(ev.ID, layout, ev.LockTTL, ev.SeatLimit)
	return v, err
}

// apply folds a list into the view.
func (v *eventView) apply(snap lockstore.Snapshot) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if snap.Full {
		clear(v.seats)
	}
	v.version = snap.Version
	for _, seat := range snap.Seats {
		v.seats[seat.Position] = seat
	}
	for i, seat := range v.seats {
		if seat.Status == lockstore.Locked && seat.Expires <= snap.Now {
			v.seats[i] = lockstore.ListedSeat{}
		}
	}
}

func (v *eventView) since() lockstore.Version {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.version
}

// available reports whether the seat is available in the view.
func (v *eventView) available(seat lockstore.SeatID) bool {
	at, _ := v.event.Position(seat)
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seats[at].Status == lockstore.Available
}

// follow asks for changes until the context ends.
func (v *eventView) follow(ctx context.Context, store lockstore.LockStore) {
	for pause(ctx, pollEvery) {
		if snap, err := store.List(ctx, v.event, v.since()); err == nil { // otherwise the next list has the changes
			v.apply(snap)
		}
	}
}

// differs compares the view with a full list and returns the number of seats
// that differ. Nobody else may change the event meanwhile.
func (v *eventView) differs(ctx context.Context, store lockstore.LockStore) (int, error) {
	changes, err := store.List(ctx, v.event, v.since())
	if err != nil {
		return 0, err
	}
	v.apply(changes)
	folded := slices.Clone(v.seats)
	full, err := store.List(ctx, v.event, "")
	if err != nil {
		return 0, err
	}
	v.apply(full)
	n := 0
	for i, listed := range v.seats {
		expired := folded[i].Status == lockstore.Locked && listed.Status == lockstore.Available // the lock ended between the two lists
		if folded[i].Status != listed.Status && !expired {
			n++
		}
	}
	return n, nil
}
