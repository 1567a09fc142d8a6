package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"seatlock/lockstore"
)

// pollEvery is how often the list is brought up to date.
const pollEvery = 250 * time.Millisecond

// A house is the event as one follows it by deltas alone.
type house struct {
	all  *lockstore.Event
	ours *lockstore.Event // the seats that were available at the beginning: what is bought and judged

	mu      sync.Mutex
	version lockstore.Version
	taken   map[lockstore.SeatID]lockstore.Seat // locked and booked, by every delta so far
}

// look begins to follow the event.
func look(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event) (*house, error) {
	h := &house{all: ev, taken: make(map[lockstore.SeatID]lockstore.Seat)}
	snap, err := store.List(ctx, ev, "")
	if err != nil {
		return nil, fmt.Errorf("cannot list the seats: %w", err)
	}
	h.fold(snap)
	var free []lockstore.SeatID
	for _, seat := range ev.Seats {
		if _, taken := h.taken[seat]; !taken {
			free = append(free, seat)
		}
	}
	if len(free) == 0 {
		h.ours = &lockstore.Event{ID: ev.ID, LockTTL: ev.LockTTL}
		return h, nil
	}
	h.ours, err = lockstore.NewEvent(ev.ID, free, ev.LockTTL, ev.SeatLimit)
	return h, err
}

// fold puts a list to what is known.
func (h *house) fold(snap lockstore.Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if snap.Full {
		clear(h.taken)
	}
	h.version = snap.Version
	for _, seat := range snap.Seats {
		if seat.Status == lockstore.Available {
			delete(h.taken, seat.ID)
		} else {
			h.taken[seat.ID] = seat
		}
	}
	for id, seat := range h.taken {
		if seat.Status == lockstore.Locked && !seat.Expires.After(snap.Time) {
			delete(h.taken, id)
		}
	}
}

func (h *house) since() lockstore.Version {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.version
}

// free tells whether the seat is available, as far as is known.
func (h *house) free(seat lockstore.SeatID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, taken := h.taken[seat]
	return !taken
}

// follow polls until the context ends.
func (h *house) follow(ctx context.Context, store lockstore.LockStore) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pollEvery):
		}
		if snap, err := store.List(ctx, h.all, h.since()); err == nil { // else the next one tells
			h.fold(snap)
		}
	}
}

// differs compares what the deltas came to with a full list, while nothing
// changes, and returns the seats that are not the same.
func (h *house) differs(ctx context.Context, store lockstore.LockStore) ([]lockstore.SeatID, error) {
	delta, err := store.List(ctx, h.all, h.since())
	if err != nil {
		return nil, err
	}
	h.fold(delta)
	h.mu.Lock()
	folded := maps.Clone(h.taken)
	h.mu.Unlock()
	full, err := store.List(ctx, h.all, "")
	if err != nil {
		return nil, err
	}
	h.fold(full)
	var differ []lockstore.SeatID
	for _, id := range h.all.Seats {
		// A lock may run out between the two lists.
		if a, b := folded[id], h.taken[id]; a.Status != b.Status && (a.Status == lockstore.Booked || b.Status != "") {
			differ = append(differ, id)
		}
	}
	return differ, nil
}
