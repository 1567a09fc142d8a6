package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

func plan(seed uint64) history.Plan {
	return history.Plan{Clients: 5, Calls: 16, Seats: 5, TTL: time.Second, Pause: 300 * time.Millisecond,
		Slack: time.Millisecond, Grace: time.Millisecond, Long: seed%4 == 0, Seed: seed}
}

// play makes histories in a bubble.
func play(t *testing.T, store lockstore.LockStore, p history.Plan) (all []*history.History) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if all, err = history.Play(t.Context(), store, fmt.Sprint("event", p.Seed), p); err != nil {
			t.Fatal(err)
		}
	})
	return all
}

func verdict(t *testing.T, h *history.History) history.Verdict {
	t.Helper()
	v, err := h.Check(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestMemory: Memory is legal, and so is what is left of it where calls and
// answers are lost.
func TestMemory(t *testing.T) {
	outcomes := make(map[history.Call]map[history.Outcome]int)
	for seed := range uint64(200) {
		var store lockstore.LockStore = new(lockstore.Memory)
		if seed%2 == 0 {
			store = history.NewFlaky(store, 0.05, seed)
		}
		for _, h := range play(t, store, plan(seed)) {
			if v := verdict(t, h); v != history.Legal {
				why, err := h.Explain(10 * time.Second)
				t.Fatalf("seed %d: %s: %v\n%s", seed, v, err, why)
			}
			for _, op := range h.Ops {
				if outcomes[op.Call] == nil {
					outcomes[op.Call] = make(map[history.Outcome]int)
				}
				outcomes[op.Call][op.Outcome]++
			}
		}
	}
	t.Log(outcomes)
	for call, want := range map[history.Call][]history.Outcome{
		history.Lock:    {history.Done, history.Refused, history.Unknown, history.Foreign, history.Nothing},
		history.Confirm: {history.Done, history.Refused, history.Unknown, history.Foreign},
		history.Release: {history.Done, history.Refused, history.Unknown, history.Foreign},
		history.List:    {history.Done, history.Foreign},
		history.Wait:    {history.Done, history.TimedOut},
	} {
		for _, o := range want {
			if outcomes[call][o] < 10 {
				t.Errorf("%s was %q %d times: the histories are too tame", call, o, outcomes[call][o])
			}
		}
	}
}

// A history in which something is not as it was must not be legal.
var forgeries = map[string]func(h *history.History) bool{
	"a booking that was refused is told as done": func(h *history.History) bool {
		return forge(h, history.Confirm, history.Refused, func(op *history.Op) { op.Outcome, op.Conflict = history.Done, nil })
	},
	"a booking that was made is told as refused": func(h *history.History) bool {
		return forge(h, history.Confirm, history.Done, func(op *history.Op) {
			op.Outcome = history.Refused
			op.Conflict = &lockstore.ConflictError{Reason: lockstore.LockNotHeld, Seats: []lockstore.Seat{{ID: op.Seats[0], Status: lockstore.Available}}}
		})
	},
	"a lock that was done is told as not done": func(h *history.History) bool {
		return forge(h, history.Lock, history.Done, func(op *history.Op) { op.Outcome = history.Nothing })
	},
	"a lock ends later than it can": func(h *history.History) bool {
		return forge(h, history.Lock, history.Done, func(op *history.Op) { op.Expires = op.Expires.Add(10 * time.Millisecond) })
	},
	"a seat is missing from a list": func(h *history.History) bool {
		return forge(h, history.List, history.Done, func(op *history.Op) {
			if n := len(op.Snapshot.Seats); n > 0 {
				op.Snapshot.Seats = op.Snapshot.Seats[:n-1]
			} else {
				op.Snapshot.Seats = []lockstore.Seat{{ID: h.Event.Seats[0], Status: lockstore.Booked}}
			}
		})
	},
	"a list is of another time": func(h *history.History) bool {
		return forge(h, history.List, history.Done, func(op *history.Op) { op.Snapshot.Time = op.Snapshot.Time.Add(-5 * time.Millisecond) })
	},
	"an error that no call may end with": func(h *history.History) bool {
		return forge(h, history.Release, history.Done, func(op *history.Op) { op.Outcome = history.Breach })
	},
}

// forge changes the first call of that kind.
func forge(h *history.History, call history.Call, outcome history.Outcome, change func(*history.Op)) bool {
	i := slices.IndexFunc(h.Ops, func(op history.Op) bool { return op.Call == call && op.Outcome == outcome })
	if i >= 0 {
		change(&h.Ops[i])
	}
	return i >= 0
}

func TestForgeries(t *testing.T) {
	for what, forge := range forgeries {
		t.Run(what, func(t *testing.T) {
			tried, caught := 0, 0
			for seed := range uint64(20) {
				for _, h := range play(t, new(lockstore.Memory), plan(seed)) {
					if !forge(h) {
						continue
					}
					tried++
					if verdict(t, h) == history.Illegal {
						caught++
					}
				}
			}
			// A lock that is not done and that nobody meets again leaves no trace.
			if tried < 10 || caught < tried*3/4 {
				t.Errorf("%d of %d were caught", caught, tried)
			}
		})
	}
}

// TestUnknownIsNoExcuse: a call whose outcome is not known was done whole or
// not at all, and not before it was made.
func TestUnknownIsNoExcuse(t *testing.T) {
	for what, c := range map[string]struct {
		listed []lockstore.Seat
		want   history.Verdict
	}{
		"not done":  {nil, history.Legal},
		"done":      {both(lockstore.Booked), history.Legal},
		"half done": {both(lockstore.Booked)[:1], history.Illegal},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ev, err := lockstore.NewEvent("e", []lockstore.SeatID{"S1", "S2"}, time.Minute, 0)
				if err != nil {
					t.Fatal(err)
				}
				r := &history.Recorder{Store: new(lockstore.Memory), Event: ev}
				lock := r.Do(t.Context(), history.Op{Call: history.Lock, User: "ann", Seats: ev.Seats})
				h := r.History(time.Millisecond)
				confirm := history.Op{Call: history.Confirm, User: "ann", Seats: ev.Seats, Begin: 3, End: history.Never,
					Called: lock.Returned, Returned: lock.Returned}
				confirm.Outcome = history.Unknown
				seats := c.listed
				for i := len(seats); i < 2; i++ {
					seats = append(seats, lockstore.Seat{ID: ev.Seats[i], Status: lockstore.Locked, Expires: lock.Expires})
				}
				list := history.Op{Call: history.List, Begin: 4, End: 5, Called: lock.Returned, Returned: lock.Returned}
				list.Answer = history.Answer{Outcome: history.Done, Snapshot: &lockstore.Snapshot{Version: "v", Full: true, Time: lock.Returned, Seats: seats}}
				h.Ops = append(h.Ops, confirm, list)
				if got := verdict(t, h); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			})
		})
	}
}

func both(s lockstore.Status) []lockstore.Seat {
	return []lockstore.Seat{{ID: "S1", Status: s}, {ID: "S2", Status: s}}
}

// TestIllegalHistoryIsShown: who has to find the fault is told where it is.
func TestIllegalHistoryIsShown(t *testing.T) {
	h := play(t, new(lockstore.Memory), plan(1))[0]
	forgeries["a booking that was refused is told as done"](h)
	why, err := h.Explain(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, stuck, ok := strings.Cut(why, "and none of these can be next:\n"); !ok || !strings.Contains(stuck, ": confirm ") {
		t.Errorf("the explanation does not name the call:\n%s", why)
	}
	file := filepath.Join(t.TempDir(), "history.html")
	if err := h.Draw(file, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "confirm") {
		t.Error("the picture does not show the calls")
	}
}

// TestTooLarge: what cannot be checked is not legal.
func TestTooLarge(t *testing.T) {
	p := plan(1)
	p.Seats = 8
	if v, err := play(t, new(lockstore.Memory), p)[0].Check(0); err == nil {
		t.Errorf("eight seats are %q", v)
	}
}
