package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"seatlock/lockstore"
)

// eachKind makes an operation of each kind. A move goes to the last seats of the
// event, or to those before them.
func eachKind(ev *lockstore.Event, user lockstore.UserID, ids ...lockstore.SeatID) []lockstore.Op {
	var to []lockstore.SeatID
	for _, seat := range slices.Backward(ev.Seats) {
		if len(to) < len(ids) && !slices.Contains(ids, seat) {
			to = append(to, seat)
		}
	}
	return []lockstore.Op{
		lockstore.Lock(user, ids...),
		lockstore.Confirm(user, ids...),
		lockstore.Release(user, ids...),
		lockstore.Extend(user, time.Now().Add(time.Hour), ids...),
		lockstore.Book(user, "r", ids...),
		lockstore.Cancel(user, "r", ids...),
		lockstore.Move(user, "r", ids, to),
		lockstore.Block("house", ids...),
		lockstore.Unblock(ids...),
		lockstore.Evict(user, ids...),
	}
}

func endedContext(c *check) {
	c.lock(ann, "A1")
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	c.unchanged(func() {
		for _, op := range append(eachKind(c.ev, ann, "A1"), eachKind(c.ev, ann, "A2")...) {
			if _, err := c.Do(ctx, c.ev, op); !errors.Is(err, context.Canceled) {
				c.Errorf("%s of %v with a cancelled context: %v", op.Kind, op.Seats, err)
			}
		}
		if _, err := c.List(ctx, c.ev, ""); !errors.Is(err, context.Canceled) {
			c.Errorf("list with a cancelled context: %v", err)
		}
		if err := c.Wait(ctx, c.ev, c.version()); !errors.Is(err, context.Canceled) {
			c.Errorf("wait with a cancelled context: %v", err)
		}
		if err := rosterError(c.Roster(ctx, c.ev, everybody)); !errors.Is(err, context.Canceled) {
			c.Errorf("the roster with a cancelled context: %v", err)
		}
		if _, err := c.Journal(ctx, c.ev, "", 1); !errors.Is(err, context.Canceled) {
			c.Errorf("the journal with a cancelled context: %v", err)
		}
	})
	c.wantTaken("A1 locked")
}

func otherSeats(c *check) {
	c.hold(ann, "A1")
	v := c.version()
	ids := c.ev.Seats
	layouts := map[string][]lockstore.SeatID{
		"one seat more": append(slices.Clone(ids), "B1"),
		"one seat less": ids[:9],
		"another order": append(slices.Clone(ids[1:]), ids[0]),
		"other names":   {"B1", "B2"},
	}
	for name, ids := range layouts {
		other := Event(c, c.ev.ID, c.ttl, 0, ids...)
		c.wantForeign(name, other)
	}
	c.wantDelta(v)
	c.ev = Event(c, c.ev.ID, 2*c.ttl, 5, ids...) // only the seats matter
	c.wantTaken("A1 locked")
	c.confirm(ann, "A1")
}

func eventsApart(c *check) {
	c.apartFrom(c.event(10, c.ttl, 0))
}

func eventsOfOneLayoutApart(c *check) {
	other := *c.ev
	other.ID = nextEventID()
	c.apartFrom(&other)
}

// apartFrom checks that nothing done in c.ev shows in the other event.
func (c *check) apartFrom(two *lockstore.Event) {
	one := c.ev
	c.lock(ann, "A1")
	c.ev = two
	c.wantTaken()
	c.book(ben, "A1")
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 booked")
	c.ev = one
	c.wantTaken("A1 locked")
	c.release(ann, "A1")
	c.ev = two
	c.wantTaken("A1 booked")
}

func slicesNotShared(c *check) {
	unsure := c.unsure()
	c.lock(cat, "A3")
	part := c.do(lockstore.Lock(cat, "A5", "A3", "A4")) // one of them does not change
	mine := seats("A1", "A2")
	result := c.do(lockstore.Lock(ann, mine...))
	if want := seats("A5", "A4"); c.unsure() == unsure && !slices.Equal(part.Changed, want) {
		c.Errorf("the next call turns Changed into %v, want %v", part.Changed, want)
	}
	c.release(cat, "A3", "A4", "A5")
	mine[0], mine[1] = "A8", "A9"
	c.wantTaken("A1 locked", "A2 locked")
	for i := range result.Changed { // may be the same memory
		result.Changed[i] = "A10"
	}

	v := c.version()
	for range 2 {
		snap := c.list("")
		for i := range snap.Seats {
			snap.Seats[i] = lockstore.ListedSeat{Position: 9, Status: lockstore.Booked}
		}
		err := c.try(lockstore.Lock(ben, "A1"))
		c.wantConflict(err, lockstore.SeatLocked, "A1 locked")
		if e, ok := errors.AsType[*lockstore.ConflictError](err); ok {
			e.Seats[0] = lockstore.Seat{}
		}
	}
	c.wantTaken("A1 locked", "A2 locked")
	c.wantDelta(v)
	c.wantChanged(lockstore.Confirm(ann, "A2", "A1"), "A2", "A1")
}

func badArguments(c *check) {
	large := c.event(lockstore.MaxSeats+1, c.ttl, 0)
	c.lock(ann, "A1")
	bad := map[string]struct {
		ev   *lockstore.Event
		user lockstore.UserID
		ids  []lockstore.SeatID
	}{
		"no seats":               {c.ev, ann, nil},
		"too many seats":         {large, ann, large.Seats},
		"a seat twice":           {c.ev, ann, seats("A1", "A2", "A1")},
		"no user":                {c.ev, "", seats("A1")},
		"a long user":            {c.ev, lockstore.UserID(strings.Repeat("x", lockstore.MaxUserLen+1)), seats("A1")},
		"a user that is no text": {c.ev, "a\xff", seats("A1")},
		"a control character":    {c.ev, "a\x00b", seats("A1")},
	}
	c.unchanged(func() {
		for name, b := range bad {
			for _, op := range eachKind(b.ev, b.user, b.ids...) {
				if b.user == ann || b.user == "" && needsUser(op.Kind) || b.user != "" && op.User == b.user {
					c.wantInvalid(name, b.ev, op)
				}
			}
		}
		for _, op := range eachKind(c.ev, ann, "A1", "Z1", "A2", "a1") {
			err := c.try(op)
			if e, ok := errors.AsType[*lockstore.UnknownSeatsError](err); !ok || !slices.Equal(e.Seats, seats("Z1", "a1")) {
				c.Errorf("%s with unknown seats: %v, want an UnknownSeatsError with Z1 and a1", op.Kind, err)
			}
		}
		for _, kind := range []lockstore.Kind{0, lockstore.Kind(len(lockstore.Kinds()) + 1), 255} {
			if err := c.try(lockstore.Op{Kind: kind, User: ann, Seats: seats("A1")}); !errors.Is(err, lockstore.ErrInvalid) {
				c.Errorf("%s: %v, want an InvalidError", kind, err)
			}
		}
	})
	c.ev = large
	c.book(ann, large.Seats[:lockstore.MaxSeats]...)
}

// needsUser reports whether an operation of the kind must have a user.
func needsUser(kind lockstore.Kind) bool {
	return kind <= lockstore.KindBook // the kinds after it may have one, or have none
}

// badFields checks that each kind refuses fields that it does not use, and fields that
// are not valid.
func badFields(c *check) {
	bad := map[string]func(*lockstore.Op){
		"a reference that is no text": func(op *lockstore.Op) { op.Ref = "a b" },
		"a long reference":            func(op *lockstore.Op) { op.Ref = lockstore.Ref(strings.Repeat("x", lockstore.MaxIDLen+1)) },
		"a long by":                   func(op *lockstore.Op) { op.By = strings.Repeat("x", lockstore.MaxUserLen+1) },
		"a by that is no text":        func(op *lockstore.Op) { op.By = "a\x00" },
		"a time before all clocks":    func(op *lockstore.Op) { op.NotAfter = time.UnixMilli(-1) },
		"a time after all clocks":     func(op *lockstore.Op) { op.NotAfter = time.UnixMilli(9_000_000_000_001) },
		"a lock time of nothing":      func(op *lockstore.Op) { op.For = time.Microsecond },
		"a lock time that is too long": func(op *lockstore.Op) {
			op.For = lockstore.MaxLockTTL + time.Millisecond
		},
		"a cap of nothing": func(op *lockstore.Op) { op.Cap = -time.Second },
	}
	unused := map[string]struct {
		set   func(*lockstore.Op)
		kinds []lockstore.Kind // those that use it
	}{
		"a user":      {func(op *lockstore.Op) { op.User = ann }, []lockstore.Kind{lockstore.KindLock, lockstore.KindConfirm, lockstore.KindRelease, lockstore.KindExtend, lockstore.KindBook, lockstore.KindCancel, lockstore.KindMove, lockstore.KindEvict}},
		"a reference": {func(op *lockstore.Op) { op.Ref = "r" }, []lockstore.Kind{lockstore.KindConfirm, lockstore.KindBook, lockstore.KindCancel, lockstore.KindMove, lockstore.KindBlock}},
		"new seats":   {func(op *lockstore.Op) { op.To = seats("A5") }, []lockstore.Kind{lockstore.KindMove}},
		"a lock time": {func(op *lockstore.Op) { op.For = time.Second }, []lockstore.Kind{lockstore.KindLock}},
		"an end":      {func(op *lockstore.Op) { op.Until = time.Now() }, []lockstore.Kind{lockstore.KindExtend}},
		"a cap":       {func(op *lockstore.Op) { op.Cap = time.Second }, []lockstore.Kind{lockstore.KindExtend}},
		"blocked":     {func(op *lockstore.Op) { op.Blocked = true }, []lockstore.Kind{lockstore.KindBook, lockstore.KindBlock}},
		"a NotBefore": {func(op *lockstore.Op) { op.NotBefore = time.UnixMilli(1) }, []lockstore.Kind{lockstore.KindCancel}},
	}
	c.unchanged(func() {
		for _, op := range eachKind(c.ev, ann, "A1") {
			for name, change := range bad {
				other := op
				change(&other)
				c.wantInvalid(name, c.ev, other)
			}
			for name, u := range unused {
				if other := op; !slices.Contains(u.kinds, op.Kind) {
					u.set(&other)
					c.wantInvalid(name, c.ev, other)
				}
			}
		}
		c.wantInvalid("neither a user nor a reference", c.ev, lockstore.Cancel("", "", "A1"))
		c.wantInvalid("neither a user nor a reference", c.ev, lockstore.Move("", "", seats("A1"), seats("A2")))
		c.wantInvalid("no end", c.ev, lockstore.Extend(ann, time.Time{}, "A1"))
		c.wantInvalid("fewer new seats", c.ev, lockstore.Move(ann, "", seats("A1", "A2"), seats("A3")))
		c.wantInvalid("one new seat for two", c.ev, lockstore.Move(ann, "", seats("A1", "A2"), seats("A3", "A3")))
		c.wantInvalid("seats that swap", c.ev, lockstore.Move(ann, "", seats("A1", "A2"), seats("A2", "A1")))
		var unknown *lockstore.UnknownSeatsError
		if err := c.try(lockstore.Move(ann, "", seats("A1", "Z1"), seats("Z2", "A3"))); !errors.As(err, &unknown) || !slices.Equal(unknown.Seats, seats("Z1", "Z2")) {
			c.Errorf("a move from and to unknown seats: %v, want an UnknownSeatsError with Z1 and Z2", err)
		}
	})
}

// wantInvalid checks that op fails with an InvalidError.
func (c *check) wantInvalid(what string, ev *lockstore.Event, op lockstore.Op) {
	c.Helper()
	if _, err := c.Do(c.ctx, ev, op); !errors.Is(err, lockstore.ErrInvalid) {
		c.Errorf("%s with %s: %v, want an InvalidError", op.Kind, what, err)
	}
}
