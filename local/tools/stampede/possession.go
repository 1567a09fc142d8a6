package main

import (
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// clockSlack is how much sooner a lock may end by the server's clock.
const clockSlack = 100 * time.Millisecond

// holds is who had which seat, beyond doubt, from when to when, on the clock of
// this program: from the answer to a lock until a lock made when the request
// left would have ended.
type holds struct {
	length time.Duration // of a lock
	mu     sync.Mutex
	spans  map[lockstore.SeatID][]hold
}

type hold struct {
	user     lockstore.UserID
	from, to time.Time
}

// had notes a lock that was asked for and answered at these times.
func (h *holds) had(seats []lockstore.SeatID, user lockstore.UserID, called, returned time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.spans == nil {
		h.spans = make(map[lockstore.SeatID][]hold)
	}
	for _, seat := range seats {
		h.spans[seat] = append(h.spans[seat], hold{user, returned, called.Add(h.length - clockSlack)})
	}
}

// booked has the user's holds last for ever.
func (h *holds) booked(seats []lockstore.SeatID, user lockstore.UserID) {
	h.change(seats, user, func(s *hold) { s.to = time.Now().AddDate(1000, 0, 0) })
}

// gone ends the user's holds, if they last yet.
func (h *holds) gone(seats []lockstore.SeatID, user lockstore.UserID) {
	now := time.Now()
	h.change(seats, user, func(s *hold) {
		if now.Before(s.to) {
			s.to = now
		}
	})
}

func (h *holds) change(seats []lockstore.SeatID, user lockstore.UserID, f func(*hold)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, seat := range seats {
		for i := range h.spans[seat] {
			if s := &h.spans[seat][i]; s.user == user {
				f(s)
			}
		}
	}
}

// overlaps is how many times two users had one seat at the same time.
func (h *holds) overlaps() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, spans := range h.spans {
		slices.SortFunc(spans, func(a, b hold) int { return a.from.Compare(b.from) })
		for i := 1; i < len(spans); i++ {
			for _, earlier := range spans[:i] {
				if earlier.user != spans[i].user && earlier.to.After(spans[i].from) && spans[i].to.After(spans[i].from) {
					n++
				}
			}
		}
	}
	return n
}
