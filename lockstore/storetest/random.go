package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"seatlock/lockstore"
)

// randomOperations does the same to the store and to a model, and compares
// every answer. A failure is shrunk to few operations.
//
// Every sleep is an even number of milliseconds and every lock lasts an odd
// one, so no operation falls on the instant at which a lock ends. In real time
// nobody sleeps and no lock ends.
func randomOperations(c *check) {
	oddTTL := 20*time.Second + time.Millisecond
	if !c.bubble {
		oddTTL = time.Hour
	}
	users := []lockstore.UserID{ann, ben, cat}
	// rapid asks when the test must end, which a bubble has no answer to.
	rapid.Check(struct{ rapid.TB }{c.T}, func(t *rapid.T) {
		if c.bubble {
			time.Sleep(100 * time.Millisecond) // the limit on shrinking is of the bubble's time: let it pass
		}
		ids := c.event(6, oddTTL, 0).Seats
		ev, err := lockstore.NewEvent(nextEventID(), ids, oddTTL, rapid.SampledFrom([]int{0, 2, 3}).Draw(t, "limit"))
		if err != nil {
			t.Fatal(err)
		}
		p := pair{t, c.bubble, c.ctx, c.LockStore, newModel(), ev, make(map[lockstore.SeatID]lockstore.Seat), ""}
		some := rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, 4, rapid.ID)
		who := rapid.SampledFrom(users)
		t.Repeat(map[string]func(*rapid.T){
			"lock":    func(t *rapid.T) { p.lock(some.Draw(t, "seats"), who.Draw(t, "user")) },
			"confirm": func(t *rapid.T) { p.confirm(some.Draw(t, "seats"), who.Draw(t, "user")) },
			"release": func(t *rapid.T) { p.release(some.Draw(t, "seats"), who.Draw(t, "user")) },
			"sleep": func(t *rapid.T) {
				longest := rapid.SampledFrom([]int{2, 5_000, 11_000, 700_000 / 2}).Draw(t, "longest")
				d := time.Duration(2*rapid.IntRange(1, longest).Draw(t, "ms/2")) * time.Millisecond
				if c.bubble {
					time.Sleep(d)
				}
			},
			"":     func(t *rapid.T) { p.compareLists() },
			"fold": func(t *rapid.T) { p.fold() },
		})
	})
}

// pair is a store beside the model of what it should do.
type pair struct {
	t      *rapid.T
	times  bool // the two share a clock
	ctx    context.Context
	store  lockstore.LockStore
	model  *model
	ev     *lockstore.Event
	folded map[lockstore.SeatID]lockstore.Seat // every delta so far, put together
	since  lockstore.Version                   // of the last of them
}

func (p *pair) lock(ids []lockstore.SeatID, user lockstore.UserID) {
	got, err := p.store.Lock(p.ctx, p.ev, ids, user)
	want, wantErr := p.model.Lock(p.ctx, p.ev, ids, user)
	p.same("lock", err, wantErr)
	if err == nil && p.times && !got.Equal(want) {
		p.t.Fatalf("the lock ends at %v, want %v", got, want)
	}
}

func (p *pair) confirm(ids []lockstore.SeatID, user lockstore.UserID) {
	p.same("confirm", p.store.Confirm(p.ctx, p.ev, ids, user), p.model.Confirm(p.ctx, p.ev, ids, user))
}

func (p *pair) release(ids []lockstore.SeatID, user lockstore.UserID) {
	p.same("release", p.store.Release(p.ctx, p.ev, ids, user), p.model.Release(p.ctx, p.ev, ids, user))
}

// same compares two errors by all that a caller can learn from them.
func (p *pair) same(call string, got, want error) {
	if g, w := p.describe(got), p.describe(want); g != w {
		p.t.Fatalf("%s: %s, want %s", call, g, w)
	}
}

func (p *pair) describe(err error) string {
	e, ok := errors.AsType[*lockstore.ConflictError](err)
	if !ok {
		return fmt.Sprint(err)
	}
	return fmt.Sprint(e.Reason, e.Held, p.describeSeats(e.Seats))
}

func (p *pair) describeSeats(list []lockstore.Seat) []string {
	var all []string
	for _, s := range list {
		text := fmt.Sprintf("%s %s", s.ID, s.Status)
		if p.times && !s.Expires.IsZero() {
			text += " until " + s.Expires.UTC().Format(time.StampMilli)
		}
		all = append(all, text)
	}
	return all
}

// compareLists runs after every operation.
func (p *pair) compareLists() {
	got, err := p.store.List(p.ctx, p.ev, "")
	want, wantErr := p.model.List(p.ctx, p.ev, "")
	if err != nil || wantErr != nil {
		p.t.Fatal(err, wantErr)
	}
	if g, w := p.describeSeats(got.Seats), p.describeSeats(want.Seats); !slices.Equal(g, w) {
		p.t.Fatalf("the list is %q, want %q", g, w)
	}
}

// fold follows the store by deltas alone.
func (p *pair) fold() {
	delta, err := p.store.List(p.ctx, p.ev, p.since)
	if err != nil {
		p.t.Fatal(err)
	}
	if delta.Full != (p.since == "") {
		p.t.Fatalf("the list since %q is full: %v", p.since, delta.Full)
	}
	p.since = delta.Version
	for _, s := range delta.Seats {
		p.folded[s.ID] = s
	}
	var got []lockstore.Seat
	for _, id := range p.ev.Seats {
		switch s := p.folded[id]; {
		case s.Status == lockstore.Booked, s.Status == lockstore.Locked && s.Expires.After(delta.Time):
			got = append(got, s)
		}
	}
	want, err := p.model.List(p.ctx, p.ev, "")
	if err != nil {
		p.t.Fatal(err)
	}
	if g, w := p.describeSeats(got), p.describeSeats(want.Seats); !slices.Equal(g, w) {
		p.t.Fatalf("folding the changes gives %q, want %q", g, w)
	}
}
