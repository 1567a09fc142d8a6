package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

// revised returns c.ev with other seats and that revision.
func (c *check) revised(revision int, ids ...lockstore.SeatID) *lockstore.Event {
	c.Helper()
	ev := Event(c, c.ev.ID, c.ev.LockTTL, c.ev.SeatLimit, ids...)
	ev.Revision = revision
	return ev
}

// wantForeign checks that every call with the event's layout is refused.
func (c *check) wantForeign(what string, ev *lockstore.Event) {
	c.Helper()
	for _, op := range append(eachKind(ev, ann, ev.Seats[0]), eachKind(ev, ben, ev.Seats[0])...) {
		if _, err := c.Do(c.ctx, ev, op); !errors.Is(err, lockstore.ErrOtherSeats) {
			c.Errorf("%s by %q with %s: %v", op.Kind, op.User, what, err)
		}
	}
	if _, err := c.List(c.ctx, ev, ""); !errors.Is(err, lockstore.ErrOtherSeats) {
		c.Errorf("list with %s: %v", what, err)
	}
	if err := c.waitBriefly(ev, ""); !errors.Is(err, lockstore.ErrOtherSeats) {
		c.Errorf("wait with %s: %v", what, err)
	}
	if err := rosterError(c.Roster(c.ctx, ev, everybody)); !errors.Is(err, lockstore.ErrOtherSeats) {
		c.Errorf("the roster with %s: %v", what, err)
	}
	if _, err := c.Journal(c.ctx, ev, "", 1); !errors.Is(err, lockstore.ErrOtherSeats) {
		c.Errorf("the journal with %s: %v", what, err)
	}
}

// layoutIsOpen checks that a layout can be replaced until a seat has changed.
func layoutIsOpen(c *check) {
	first, other := c.ev, c.revised(0, "B1", "B2")
	for range 2 {
		for _, ev := range []*lockstore.Event{first, other} {
			c.in(ev, func() {
				c.wantTaken()
				c.wantRefused(lockstore.Confirm(ann, ev.Seats[0]), lockstore.LockNotHeld, string(ev.Seats[0])+" available")
				c.wantChanged(lockstore.Release(ann, ev.Seats[0]))
				c.wantRoster(everybody)
				c.wantJournal("")
			})
		}
	}
	c.in(c.revised(1, "C1", "C2"), func() { c.wantTaken() })
	c.ev = c.revised(2, "D1", "D2", "D3")
	c.lock(ann, "D3")
	c.wantForeign("a layout that was never fixed", first)
	c.wantTaken("D3 locked")
}

// layoutIsFixed checks that any change of a seat fixes the layout permanently.
func layoutIsFixed(c *check) {
	for _, op := range []lockstore.Op{lockstore.Lock(ann, "A1"), lockstore.Book(ann, "", "A1"), lockstore.Block("", "A1")} {
		c.ev = c.event(3, c.ttl, 0)
		c.do(op)
		c.wantForeign("other seats after a "+op.Kind.String(), c.revised(0, "A1", "B2"))
		c.do(lockstore.Evict("", "A1"))
		c.do(lockstore.Unblock("A1"))
		c.do(lockstore.Cancel(ann, "", "A1"))
		c.wantTaken()
		c.wantForeign("other seats when all are available again", c.revised(0, "A2", "A1"))
	}
}

func revisionReplaces(c *check) {
	old := c.ev
	c.ev.SeatLimit = 4
	c.lock(cat, "A6")
	c.sleep(c.ttl + c.tick)
	end := c.hold(ann, "A9")
	c.bookRef(ann, "r1", "A2")
	c.bookRef(ben, "r2", "A10")
	c.do(lockstore.Block("house", "A4", "A5"))
	before, at := c.version(), c.place()

	c.ev = c.revised(3, "B1", "A10", "A9", "A8", "A2", "B2", "A4", "A6")
	w := c.wait(c.ctx, before)
	c.wantReturned(w, "a new layout", nil)
	snap := c.list(before)
	if want := []string{"A10 booked", "A9 locked", "A2 booked", "A4 blocked"}; !snap.Full || !slices.Equal(states(c.named(snap)), want) {
		c.Errorf("since a Version of the old layout, Full is %v and the seats are %q, want %q", snap.Full, states(c.named(snap)), want)
	}
	c.wantRoster(everybody, "A10 booked ben r2", "A9 locked ann", "A2 booked ann r1", "A4 blocked house")
	c.wantRoster(lockstore.Filter{User: ann}, "A9 locked ann", "A2 booked ann r1")
	c.wantForeign("the old layout", old)
	c.wantForeign("the new seats of a lower revision", c.revised(2, "A9", "A10", "A2"))

	if again := c.lock(ann, "A9"); !again.Equal(end) {
		c.Errorf("the lock ends at %v, and with the new layout at %v", end, again)
	}
	c.wantOverLimit(lockstore.Lock(ann, "B1", "B2", "A8"), 2)
	c.wantRefused(lockstore.Confirm(cat, "A6"), lockstore.LockExpired, "A6 available")
	at = c.wantJournal(at)
	c.confirm(ann, "A9")
	c.do(lockstore.Cancel(ben, "r2", "A10"))
	c.do(lockstore.Book(cat, "r3", "B1"))
	c.wantJournal(at, "confirm A9 ann", "cancel A10 ben r2", "book B1 cat r3")
	c.wantTaken("B1 booked", "A9 booked", "A2 booked", "A4 blocked")
}

// revisionOfSameSeats checks that a higher revision of the same seats changes
// nothing.
func revisionOfSameSeats(c *check) {
	old := c.ev
	c.lock(ann, "A1")
	v := c.version()
	c.ev = c.revised(1, old.Seats...)
	if now := c.wantDelta(v); now != v {
		c.Errorf("a higher revision of the same seats moved the Version from %q to %q", v, now)
	}
	c.in(old, func() { c.wantDelta(v) })
	c.confirm(ann, "A1")
	c.in(old, func() { c.wantDelta(v, "A1 booked") })
	c.wantForeign("other seats of the revision that a list had", c.revised(1, "A1", "B1"))

	next := c.revised(2, old.Seats...)
	c.in(next, func() { c.lock(ben, "A2") })
	c.wantForeign("other seats of the revision that a lock had", c.revised(2, "A1", "A2", "B1"))
	c.in(old, func() { c.confirm(ben, "A2") })
	c.ev = c.revised(3, "A1", "A2", "B1")
	c.wantTaken("A1 booked", "A2 booked")
}

// revisionOfAnotherOrder checks that the same seats in another order are another layout.
func revisionOfAnotherOrder(c *check) {
	old := c.ev
	c.book(ann, "A1")
	turned := slices.Clone(old.Seats)
	slices.Reverse(turned)
	c.wantForeign("another order", c.revised(0, turned...))
	c.ev = c.revised(1, turned...)
	c.wantTaken("A1 booked")
	if got := c.list("").Seats; len(got) != 1 || got[0].Position != 9 {
		c.Errorf("the list is %v, want a booking at position 9", got)
	}
	c.wantForeign("the old order", old)
}

func revisionLacksSeats(c *check) {
	c.ev = c.event(130, c.ttl, 0)
	old := c.ev
	c.do(lockstore.Book(ann, "", old.Seats[20:]...))
	c.hold(ben, "A3", "A1")
	c.hold(cat, "A5")
	c.do(lockstore.Block("", "A7"))
	v := c.version()
	lacking := func(ev *lockstore.Event, want []lockstore.SeatID, more int) {
		c.Helper()
		calls := map[string]func() error{
			"list":    func() error { _, err := c.List(c.ctx, ev, ""); return err },
			"wait":    func() error { return c.waitBriefly(ev, v) },
			"roster":  func() error { return rosterError(c.Roster(c.ctx, ev, everybody)) },
			"journal": func() error { _, err := c.Journal(c.ctx, ev, "", 1); return err },
		}
		for _, op := range eachKind(ev, ann, ev.Seats[0]) {
			calls[op.Kind.String()] = func() error { _, err := c.Do(c.ctx, ev, op); return err }
		}
		for name, call := range calls {
			err := call()
			e, ok := errors.AsType[*lockstore.MissingSeatsError](err)
			if !ok || !errors.Is(err, lockstore.ErrOtherSeats) {
				c.Errorf("%s with a layout that lacks seats: %v, want a MissingSeatsError", name, err)
			} else if e.Event != ev.ID || !slices.Equal(e.Seats, want) || e.More != more {
				c.Errorf("%s with a layout that lacks seats: it names %v and %d more, want %v and %d", name, e.Seats, e.More, want, more)
			}
		}
	}
	lacking(c.revised(1, append(seats("A7", "B1", "A2"), old.Seats[20:]...)...), seats("A1", "A3", "A5"), 0)
	lacking(c.revised(1, "A7", "A5"), append(seats("A1", "A3"), old.Seats[20:118]...), 12)
	c.wantDelta(v) // the old layout stays
	c.release(ben, "A1", "A3")
	c.do(lockstore.Evict("", "A5"))
	c.take(briefTTL, ann, "A9")
	c.sleep(briefTTL + c.tick) // that lock is over
	c.ev = c.revised(1, old.Seats[20:]...)
	if got := c.list("").Seats; len(got) != 110 {
		c.Errorf("%d seats are taken, want 110", len(got))
	}
	c.wantForeign("the old layout", old)
}

// revisionForgetsBlocks checks that a blocked seat may be missing, and is then
// forgotten.
func revisionForgetsBlocks(c *check) {
	c.do(lockstore.Block("", "A1", "A2"))
	c.book(ann, "A3")
	at := c.place()
	c.ev = c.revised(1, "A3", "A2", "B1")
	c.wantTaken("A3 booked", "A2 blocked")
	c.ev = c.revised(2, "A1", "A2", "A3")
	c.wantTaken("A2 blocked", "A3 booked")
	c.wantRoster(everybody, "A2 blocked", "A3 booked ann")
	c.wantJournal(at)
	c.lock(ben, "A1")
}

// revisionDuringSale changes the layout while users of the old and the new one book
// seats. Each booking stays with the seat that its user chose.
func revisionDuringSale(c *check) {
	c.ev = c.event(60, c.ttl, 0)
	old := c.ev
	turned := slices.Clone(old.Seats)
	slices.Reverse(turned)
	next := c.revised(1, append(seats("B1", "B2", "B3"), turned...)...)
	const users = 20
	var number atomic.Int64
	var sold sync.Map // seat → user
	c.race(users, func(user lockstore.UserID) {
		first := int(number.Add(1)-1) * 3
		for i, seat := range old.Seats[first : first+3] {
			ev := old
			if first%2 == 0 && i > 0 { // so many users come with the new layout
				ev = next
			}
			_, err := c.Do(c.ctx, ev, lockstore.Book(user, "r", seat))
			switch {
			case err == nil:
				sold.Store(seat, user)
			case ev == next || !errors.Is(err, lockstore.ErrOtherSeats):
				c.Errorf("%s books %s: %v", user, seat, err)
			}
			if !c.bubble {
				time.Sleep(time.Millisecond)
			}
		}
	})
	c.ev = next
	var want []string
	for _, seat := range next.Seats {
		if user, ok := sold.Load(seat); ok {
			want = append(want, fmt.Sprintf("%s booked %s r", seat, user))
		}
	}
	c.wantRoster(everybody, want...)
	if len(want) < users {
		c.Errorf("%d seats were sold, want at least %d", len(want), users)
	}
	var got []string
	for _, e := range c.journal("") {
		got = append(got, fmt.Sprintf("%s booked %s r", names(e.Seats), e.User))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.Errorf("the journal has %q, want %q", got, want)
	}
}
