package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

func plan(seed uint64) history.Plan {
	return history.Plan{Clients: 5, Calls: 16, Seats: 5, TTL: time.Second, Pause: 300 * time.Millisecond,
		Slack: time.Millisecond, Grace: time.Millisecond, Long: seed%4 == 0, Seed: seed}
}

// play makes the histories of a plan in a bubble.
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

// TestMemory checks that a correct store has legal histories, even if some of its
// calls and answers are lost.
func TestMemory(t *testing.T) {
	outcomes := make(map[string]map[history.Outcome]int)
	for seed := range uint64(200) {
		var store lockstore.LockStore = new(memstore.Store)
		if seed%2 == 0 {
			store = history.NewFlaky(store, 0.1, seed)
		}
		for _, h := range play(t, store, plan(seed)) {
			if v := verdict(t, h); v != history.Legal {
				why, err := h.Explain(10 * time.Second)
				t.Fatalf("seed %d: %s: %v\n%s", seed, v, err, why)
			}
			for _, c := range h.Calls {
				name := c.Name()
				if outcomes[name] == nil {
					outcomes[name] = make(map[history.Outcome]int)
				}
				outcomes[name][c.Outcome]++
			}
		}
	}
	t.Log(outcomes)
	want := map[string][]history.Outcome{
		"lock":    {history.Nothing},
		"list":    {history.Done, history.Foreign},
		"wait":    {history.Done, history.TimedOut},
		"roster":  {history.Done},
		"journal": {history.Done},
	}
	for _, kind := range lockstore.Kinds() {
		all := []history.Outcome{history.Done, history.Unknown, history.Foreign, history.TooLate}
		switch kind {
		case lockstore.KindCancel:
			all = append(all, history.TooEarly)
		case lockstore.KindUnblock, lockstore.KindEvict:
		default:
			all = append(all, history.Refused)
		}
		want[kind.String()] = append(want[kind.String()], all...)
	}
	for name, all := range want {
		for _, o := range all {
			if outcomes[name][o] < 4 {
				t.Errorf("%s was %q %d times: the histories have too little variety", name, o, outcomes[name][o])
			}
		}
	}
}

// TestUnknownIsAllOrNone checks that a call whose outcome is unknown was carried
// out whole or not at all.
func TestUnknownIsAllOrNone(t *testing.T) {
	for what, c := range map[string]struct {
		booked int
		want   history.Verdict
	}{
		"not done":  {0, history.Legal},
		"done":      {2, history.Legal},
		"half done": {1, history.Illegal},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ev := storetest.Event(t, "e", time.Minute, 0, "S1", "S2")
				r := &history.Recorder{Store: new(memstore.Store), Event: ev}
				lock := r.Do(t.Context(), history.Call{Op: lockstore.Lock("ann", ev.Seats...)})
				h := r.History(time.Millisecond)
				confirm := history.Call{Op: lockstore.Confirm("ann", ev.Seats...), Begin: 3, End: history.Never,
					Called: lock.Returned, Returned: lock.Returned}
				confirm.Outcome = history.Unknown
				snap := &lockstore.Snapshot{Version: "v", Full: true, Now: lock.Returned.UnixMilli()}
				for i := range int32(2) {
					listed := lockstore.ListedSeat{Position: i, Status: lockstore.Booked}
					if int(i) >= c.booked {
						listed.Status, listed.Expires = lockstore.Locked, lock.Expires.UnixMilli()
					}
					snap.Seats = append(snap.Seats, listed)
				}
				list := history.Call{Method: history.List, Begin: 4, End: 5, Called: lock.Returned, Returned: lock.Returned,
					Answer: history.Answer{Outcome: history.Done, Snapshot: snap}}
				h.Calls = append(h.Calls, confirm, list)
				if got := verdict(t, h); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
			})
		})
	}
}

// TestIllegalHistoryIsShown checks that the explanation and the picture name the
// wrong call, and what was expected.
func TestIllegalHistoryIsShown(t *testing.T) {
	h := play(t, new(memstore.Store), plan(1))[0]
	forgeries["a confirm that was refused is done"](h)
	why, err := h.Explain(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_, stuck, ok := strings.Cut(why, "and none of these calls can be next:\n")
	if !ok || !strings.Contains(stuck, ": confirm ") || !strings.Contains(stuck, "want lock_") {
		t.Errorf("the explanation does not name the call and what was expected:\n%s", why)
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

// TestFollower checks that a Follower allows the calls of a correct store, whether
// their outcomes are known or not, and explains a wrong answer.
func TestFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan(1)
		records, err := history.Records(history.NewFlaky(new(memstore.Store), 0.2, 1), "event", p)
		if err != nil {
			t.Fatal(err)
		}
		f, err := history.NewFollower(records[0].Event, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.Calls, p.Plain = 200, true
		history.NewClient(0, p, records).Run(t.Context())
		calls := records[0].History(0).Calls
		for i, c := range calls {
			if err := f.Next(c); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		wrong := records[0].Do(t.Context(), history.Call{Method: history.List})
		wrong.Snapshot.Full = false
		if err := f.Next(wrong); err == nil || !strings.Contains(err.Error(), "    want a full list\n") {
			t.Errorf("a delta since no Version: %v", err)
		}
	})
}

// TestTooLarge checks that a history with too many seats is not called legal.
func TestTooLarge(t *testing.T) {
	p := plan(1)
	p.Seats = 8
	if v, err := play(t, new(memstore.Store), p)[0].Check(0); err == nil {
		t.Errorf("eight seats are %q", v)
	}
}

// TestLostLog checks that a Wait that ends without a change is legal only for a
// store that may have lost its log.
func TestLostLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ev := storetest.Event(t, "e", time.Minute, 0, "S1")
		r := &history.Recorder{Store: new(memstore.Store), Event: ev}
		list := r.Do(t.Context(), history.Call{Method: history.List})
		h := r.History(time.Millisecond)
		h.Calls = append(h.Calls, history.Call{Method: history.Wait, Since: list.Snapshot.Version, Begin: 3, End: 4,
			Called: list.Returned, Returned: list.Returned, Answer: history.Answer{Outcome: history.Done}})
		if got := verdict(t, h); got != history.Illegal {
			t.Errorf("%s, want %s", got, history.Illegal)
		}
		h.LosesLog = true
		if got := verdict(t, h); got != history.Legal {
			t.Errorf("with a lost log: %s, want %s", got, history.Legal)
		}
	})
}
