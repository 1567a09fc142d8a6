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
		for i := range h.Calls {
			if c := &h.Calls[i]; c.Kind == lockstore.KindLock && c.Outcome == history.Done && isShown(h, c) {
				c.Outcome = history.Nothing
				return true
			}
		}
		return false
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
	"an extension ends later than it can": func(h *history.History) bool {
		return forge(h, "extend", history.Done, func(c *history.Call) { c.Expires = c.Expires.Add(10 * time.Millisecond) })
	},
	"an extension that was refused is done": func(h *history.History) bool {
		return forge(h, "extend", history.Refused, func(c *history.Call) { c.Outcome, c.Conflict = history.Done, nil })
	},
	"a booking that was refused is done": func(h *history.History) bool {
		return forge(h, "book", history.Refused, func(c *history.Call) { c.Outcome, c.Conflict, c.Changed = history.Done, nil, c.Seats })
	},
	"a booking reports no change": func(h *history.History) bool { return forgeChanged(h, "book", nil) },
	"a cancel gives nothing back": func(h *history.History) bool { return forgeChanged(h, "cancel", nil) },
	"a cancel gives back all seats": func(h *history.History) bool {
		return forge(h, "cancel", history.Done, func(c *history.Call) {
			if c.Changed = c.Seats; len(c.Changed) == 0 {
				c.Changed = h.Event.Seats
			}
			c.Changed = append(slices.Clone(c.Changed), "more")
		})
	},
	"a move leaves both":          func(h *history.History) bool { return forgeMove(h, func(c *history.Call) { c.Changed = c.To }) },
	"a move leaves neither":       func(h *history.History) bool { return forgeMove(h, func(c *history.Call) { c.Changed = c.Seats }) },
	"a block reports no change":   func(h *history.History) bool { return forgeChanged(h, "block", nil) },
	"an unblock reports nothing":  func(h *history.History) bool { return forgeChanged(h, "unblock", nil) },
	"an eviction reports nothing": func(h *history.History) bool { return forgeChanged(h, "evict", nil) },
	"an operation that was too late is done": func(h *history.History) bool {
		return forge(h, "lock", history.TooLate, func(c *history.Call) { c.Outcome, c.Now = history.Done, c.NotAfter })
	},
	"an operation without a bound is too late": func(h *history.History) bool {
		return forge(h, "cancel", history.Done, func(c *history.Call) {
			c.Outcome, c.NotAfter = history.TooLate, time.Time{}
		})
	},
	"a cancel comes before its time": func(h *history.History) bool {
		return forge(h, "cancel", history.Done, func(c *history.Call) { c.NotBefore = c.Now.Add(10 * time.Millisecond) })
	},
	"a seat is missing from a roster": func(h *history.History) bool {
		return forgeRoster(h, func(all []lockstore.Holding) []lockstore.Holding { return all[1:] })
	},
	"a seat is in a roster twice": func(h *history.History) bool {
		return forgeRoster(h, func(all []lockstore.Holding) []lockstore.Holding { return append(all, all[len(all)-1]) })
	},
	"a roster shows another user": func(h *history.History) bool {
		return forgeRoster(h, func(all []lockstore.Holding) []lockstore.Holding {
			all[0].User += "x"
			return all
		})
	},
	"a roster shows another reference": func(h *history.History) bool {
		return forgeRoster(h, func(all []lockstore.Holding) []lockstore.Holding {
			all[0].Ref += "x"
			return all
		})
	},
	"an entry is missing from the journal": func(h *history.History) bool {
		return forgeJournal(h, func(all []lockstore.Entry) []lockstore.Entry { return all[1:] })
	},
	"the last entry is missing from the journal": func(h *history.History) bool {
		return forgeJournal(h, func(all []lockstore.Entry) []lockstore.Entry { return all[:len(all)-1] })
	},
	"an entry is in the journal twice": func(h *history.History) bool {
		return forgeJournal(h, func(all []lockstore.Entry) []lockstore.Entry {
			again := all[0]
			again.ID, again.Seq = "another", "another"
			return append(all, again)
		})
	},
	"the journal is in another order": func(h *history.History) bool {
		return forgeJournal(h, func(all []lockstore.Entry) []lockstore.Entry {
			slices.Reverse(all)
			return all
		})
	},
	"an entry has another reference": func(h *history.History) bool {
		return forgeJournal(h, func(all []lockstore.Entry) []lockstore.Entry {
			all[0].Ref += "x"
			return all
		})
	},
	"an entry has another seat": func(h *history.History) bool {
		return forgeJournal(h, func(all []lockstore.Entry) []lockstore.Entry {
			all[0].Seats = append(slices.Clone(all[0].Seats), "another")
			return all
		})
	},
	"an entry has an earlier time": func(h *history.History) bool {
		return forgeJournal(h, func(all []lockstore.Entry) []lockstore.Entry {
			all[0].Time = all[0].Time.Add(-time.Millisecond)
			return all
		})
	},
	"a page of the journal lacks the last entry": func(h *history.History) bool {
		for i := len(h.Calls) - 1; i >= 0; i-- {
			if c := &h.Calls[i]; len(c.Entries) > 0 {
				c.Entries = c.Entries[:len(c.Entries)-1]
				return true
			}
		}
		return false
	},
	"the roster is not what the journal says": func(h *history.History) bool {
		h.Roster = append(h.Roster, lockstore.Holding{Seat: "another", Status: lockstore.Booked, User: "ann"})
		return true
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

// forgeChanged changes what the first operation of that name that changed anything
// reports. The journal, which would show it too, is left out.
func forgeChanged(h *history.History, name string, changed []lockstore.SeatID) bool {
	i := slices.IndexFunc(h.Calls, func(c history.Call) bool { return c.Name() == name && len(c.Changed) > 0 })
	if i < 0 {
		return false
	}
	h.Calls[i].Changed, h.Journal = changed, nil
	return true
}

func forgeMove(h *history.History, change func(*history.Call)) bool {
	i := slices.IndexFunc(h.Calls, func(c history.Call) bool { return c.Name() == "move" && len(c.Changed) > 0 })
	if i < 0 {
		return false
	}
	change(&h.Calls[i])
	h.Journal = nil
	return true
}

// forgeRoster changes the last roster of all, during which nothing else was called.
func forgeRoster(h *history.History, change func([]lockstore.Holding) []lockstore.Holding) bool {
	for i := len(h.Calls) - 1; i >= 0; i-- {
		if c := &h.Calls[i]; len(c.Holdings) > 0 && c.Filter.User == "" && c.Filter.Seats == nil {
			c.Holdings = change(slices.Clone(c.Holdings))
			return true
		}
	}
	return false
}

func forgeJournal(h *history.History, change func([]lockstore.Entry) []lockstore.Entry) bool {
	if len(h.Journal) < 2 {
		return false
	}
	h.Journal = change(slices.Clone(h.Journal))
	return true
}

// isShown reports whether a later refusal names a lock that the call made.
func isShown(h *history.History, lock *history.Call) bool {
	return slices.ContainsFunc(h.Calls, func(c history.Call) bool {
		return c.Begin > lock.End && c.Conflict != nil && slices.ContainsFunc(c.Conflict.Seats, func(s lockstore.Seat) bool {
			return s.Expires.Equal(lock.Expires) && slices.Contains(lock.Changed, s.ID)
		})
	})
}

func TestForgeries(t *testing.T) {
	for what, forge := range forgeries {
		t.Run(what, func(t *testing.T) {
			tried, caught := 0, 0
			for seed := uint64(0); seed < 200 && tried < 20; seed++ {
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
