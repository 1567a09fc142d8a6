package storetest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// randomOperations makes one random call after another and has the model of
// package history judge every answer. A failure is shrunk to few operations.
//
// Every sleep is an even number of milliseconds and every lock lasts an odd
// number, so no call falls on the instant at which a lock ends. In real time
// nothing sleeps and no lock ends.
func randomOperations(c *check) {
	oddTTL, slack := 20*time.Second+time.Millisecond, time.Duration(0)
	if !c.bubble {
		oddTTL, slack = time.Hour, c.tick
	}
	// rapid asks for the test's deadline, which a bubble does not have.
	rapid.Check(struct{ rapid.TB }{c.T}, func(t *rapid.T) {
		if c.bubble {
			time.Sleep(100 * time.Millisecond) // rapid's limit on shrinking is in the bubble's time: let it pass
		}
		f := follow(c, t, c.event(6, oddTTL, rapid.SampledFrom([]int{0, 2, 3}).Draw(t, "limit")), slack)
		some := rapid.SliceOfNDistinct(rapid.SampledFrom(Seats(6)), 1, 4, rapid.ID)
		settings := rapid.SampledFrom([]*history.Settings{nil, nil, {LockTTL: oddTTL / 3, SeatLimit: 2, MaxLock: oddTTL}})
		who := rapid.SampledFrom([]lockstore.UserID{ann, ben, cat})
		actions := map[string]func(*rapid.T){
			"sleep": func(t *rapid.T) {
				longest := rapid.SampledFrom([]int{2, 5_000, 11_000, 700_000 / 2}).Draw(t, "longest")
				d := time.Duration(2*rapid.IntRange(1, longest).Draw(t, "ms/2")) * time.Millisecond
				if c.bubble {
					time.Sleep(d)
				}
			},
			"":     func(*rapid.T) { f.list("") },
			"fold": func(*rapid.T) { f.fold() },
			"roster": func(t *rapid.T) {
				filter := rapid.SampledFrom([]lockstore.Filter{{}, {User: who.Draw(t, "user")}, {Seats: some.Draw(t, "seats")}}).Draw(t, "filter")
				f.call(history.Call{Method: history.Roster, Filter: filter})
			},
		}
		few := rapid.SliceOfNDistinct(rapid.SampledFrom(Seats(6)), 1, 2, rapid.ID)
		d := &drawing{seats: some, few: few, users: who, oddTTL: oddTTL, bubble: c.bubble}
		do := func(t *rapid.T, kind lockstore.Kind) {
			made := f.call(history.Call{Op: f.name(d.draw(t, kind)), Settings: settings.Draw(t, "settings")})
			if made.Outcome == history.Done && (kind == lockstore.KindConfirm || kind == lockstore.KindBook) {
				d.sold = made.Op
			}
		}
		for _, kind := range buyers {
			actions[kind.String()] = func(t *rapid.T) { do(t, kind) }
		}
		for _, action := range []string{"operate", "operate 2", "operate 3"} { // so that it is drawn more often
			actions[action] = func(t *rapid.T) { do(t, operator.Draw(t, "kind")) }
		}
		t.Repeat(actions)
		f.books()
	})
}

// followed is an event whose calls a model follows.
type followed struct {
	*check
	t      *rapid.T
	record *history.Recorder
	model  *history.Follower
	folded []lockstore.ListedSeat // by position: all deltas so far, folded
	since  lockstore.Version      // of the last of them
	calls  int
}

func follow(c *check, t *rapid.T, ev *lockstore.Event, slack time.Duration) *followed {
	model, err := history.NewFollower(ev, slack)
	if err != nil {
		t.Fatal(err)
	}
	f := &followed{c, t, &history.Recorder{Store: direct(c.LockStore), Event: ev}, model, nil, "", 0}
	for i := range ev.Seats {
		f.folded = append(f.folded, lockstore.ListedSeat{Position: int32(i)})
	}
	return f
}

// call makes a call and checks its answer. In real time it repeats a call that
// the store could not answer.
func (f *followed) call(c history.Call) (made history.Call) {
	_ = history.Repeat(f.ctx, func() error {
		made = f.record.Do(f.ctx, c)
		if err := f.model.Next(made); err != nil {
			f.t.Fatal(err)
		}
		if f.bubble {
			return nil // whatever the error is
		}
		return made.Cause
	})
	if !slices.Contains([]history.Outcome{history.Done, history.Refused, history.TooLate, history.TooEarly}, made.Outcome) {
		f.t.Fatalf("%s %v: %v", made.Name(), made.Seats, made.Cause)
	}
	return made
}

// name gives the operation a By of its own, except for every second extension.
func (f *followed) name(op lockstore.Op) lockstore.Op {
	if f.calls++; op.Kind != lockstore.KindExtend || f.calls%2 == 0 {
		op.By = strconv.Itoa(f.calls)
	}
	return op
}

// books compares the journal with the calls, and its outcome with the roster.
func (f *followed) books() {
	h := f.record.History(0)
	if err := h.ReadBooks(f.ctx, f.record.Store); err != nil {
		f.t.Fatal(err)
	}
	if wrong := h.CheckBooks(); len(wrong) > 0 {
		f.t.Fatal(strings.Join(wrong, "\n"))
	}
}

func (f *followed) list(since lockstore.Version) lockstore.Snapshot {
	return *f.call(history.Call{Method: history.List, Since: since}).Snapshot
}

// fold brings folded up to date with a delta, and compares it with a full list.
func (f *followed) fold() {
	delta := f.list(f.since)
	if delta.Full != (f.since == "") {
		f.t.Fatalf("the list since %q is full: %v", f.since, delta.Full)
	}
	f.since = delta.Version
	for _, s := range delta.Seats {
		f.folded[s.Position] = s
	}
	var got []lockstore.ListedSeat
	for _, s := range f.folded {
		if s.Status > lockstore.Locked || s.Status == lockstore.Locked && s.Expires > delta.Now {
			got = append(got, s)
		}
	}
	if want := f.list("").Seats; !slices.Equal(got, want) {
		f.t.Fatalf("the deltas fold to %v, want %v", got, want)
	}
}
