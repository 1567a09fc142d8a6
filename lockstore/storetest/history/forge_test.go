package history_test

import (
	"slices"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest/history"
)

// forgeries change one answer of a history, which must then be illegal.
var forgeries = map[string]func(h *history.History) bool{
	"a confirm that was refused is done": func(h *history.History) bool {
		return forge(h, "confirm", history.Refused, func(c *history.Call) { c.Outcome, c.Conflict = history.Done, nil })
	},
	"a confirm that was done is refused": func(h *history.History) bool {
		return forge(h, "confirm", history.Done, func(c *history.Call) {
			c.Outcome = history.Refused
			c.Conflict = &lockstore.ConflictError{Reason: lockstore.LockNotHeld, Seats: []lockstore.Seat{{ID: c.Seats[0], Status: lockstore.Available}}}
		})
	},
	"a lock that was done is not": func(h *history.History) bool {
		return forge(h, "lock", history.Done, func(c *history.Call) { c.Outcome = history.Nothing })
	},
	"a lock ends later than it can": func(h *history.History) bool {
		return forge(h, "lock", history.Done, func(c *history.Call) { c.Expires = c.Expires.Add(10 * time.Millisecond) })
	},
	"a lock reports no change": func(h *history.History) bool {
		return forge(h, "lock", history.Done, func(c *history.Call) { c.Changed = nil })
	},
	"a release reports another seat": func(h *history.History) bool {
		return forge(h, "release", history.Done, func(c *history.Call) {
			i := slices.IndexFunc(h.Event.Seats, func(s lockstore.SeatID) bool { return !slices.Contains(c.Seats, s) })
			c.Changed = append(c.Changed, h.Event.Seats[i])
		})
	},
	"a result has an earlier time": func(h *history.History) bool {
		return forge(h, "release", history.Done, func(c *history.Call) { c.Now = c.Now.Add(-5 * time.Millisecond) })
	},
	"a result has no time": func(h *history.History) bool {
		return forge(h, "confirm", history.Done, func(c *history.Call) { c.Now = time.Time{} })
	},
	"a seat is missing from a list": func(h *history.History) bool {
		return forge(h, "list", history.Done, func(c *history.Call) {
			if n := len(c.Snapshot.Seats); n > 0 {
				c.Snapshot.Seats = c.Snapshot.Seats[:n-1]
			} else {
				c.Snapshot.Seats = []lockstore.ListedSeat{{Status: lockstore.Booked}}
			}
		})
	},
	"a list names a seat that does not exist": func(h *history.History) bool {
		return forge(h, "list", history.Done, func(c *history.Call) {
			c.Snapshot.Seats = append(c.Snapshot.Seats, lockstore.ListedSeat{Position: int32(len(h.Event.Seats)), Status: lockstore.Booked})
		})
	},
	"a list has an earlier time": func(h *history.History) bool {
		return forge(h, "list", history.Done, func(c *history.Call) { c.Snapshot.Now -= 5 })
	},
	"an error that no call may end with": func(h *history.History) bool {
		return forge(h, "release", history.Done, func(c *history.Call) { c.Outcome = history.Failed })
	},
}

// forge changes the first call of that name and outcome, if there is one.
func forge(h *history.History, name string, outcome history.Outcome, change func(*history.Call)) bool {
	i := slices.IndexFunc(h.Calls, func(c history.Call) bool { return c.Name() == name && c.Outcome == outcome })
	if i >= 0 {
		change(&h.Calls[i])
	}
	return i >= 0
}

func TestForgeries(t *testing.T) {
	for what, forge := range forgeries {
		t.Run(what, func(t *testing.T) {
			tried, caught := 0, 0
			for seed := range uint64(20) {
				for _, h := range play(t, new(memstore.Store), plan(seed)) {
					if !forge(h) {
						continue
					}
					tried++
					if verdict(t, h) != history.Illegal {
						continue
					}
					caught++
					if _, err := h.Explain(10 * time.Second); err != nil {
						t.Fatal(err)
					}
				}
			}
			if tried < 10 || caught != tried {
				t.Errorf("%d of %d were caught", caught, tried)
			}
		})
	}
}
