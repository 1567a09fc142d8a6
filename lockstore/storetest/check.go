package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/lockstore"
)

// ttl is how long a lock lasts in most cases, and tick the time on either side
// of its end at which it must be there and gone: there is no promise between.
const (
	ttl  = time.Minute
	tick = time.Millisecond
)

// ann and ben are who locks most.
const (
	ann lockstore.UserID = "ann"
	ben lockstore.UserID = "ben"
	cat lockstore.UserID = "cat"
)

// check is a case under way: a store, an event of ten seats A1 to A10 without
// a limit, and words to say what must hold.
type check struct {
	*testing.T
	lockstore.LockStore
	ctx context.Context
	ev  *lockstore.Event
}

func newCheck(t *testing.T, s lockstore.LockStore) *check {
	c := &check{T: t, LockStore: s, ctx: t.Context()}
	c.ev = c.event(10, ttl, 0)
	return c
}

// events numbers the events, since a shared backend keeps those of other cases.
var events atomic.Int64

func nextEventID() lockstore.EventID {
	return lockstore.EventID("storetest-" + strconv.FormatInt(events.Add(1), 10))
}

// event makes an event of n seats, A1, A2 …, that no other case knows.
func (c *check) event(n int, ttl time.Duration, limit int) *lockstore.Event {
	c.Helper()
	seats := make([]lockstore.SeatID, n)
	for i := range seats {
		seats[i] = lockstore.SeatID("A" + strconv.Itoa(i+1))
	}
	ev, err := lockstore.NewEvent(nextEventID(), seats, ttl, limit)
	if err != nil {
		c.Fatal(err)
	}
	return ev
}

// seats is a short way to write a list of seats.
func seats(ids ...lockstore.SeatID) []lockstore.SeatID { return ids }

// lock, confirm and release must succeed, in c.ev.

func (c *check) lock(user lockstore.UserID, ids ...lockstore.SeatID) time.Time {
	c.Helper()
	expires, err := c.Lock(c.ctx, c.ev, ids, user)
	if err != nil {
		c.Fatalf("%s locks %v: %v", user, ids, err)
	}
	return expires
}

func (c *check) confirm(user lockstore.UserID, ids ...lockstore.SeatID) {
	c.Helper()
	if err := c.Confirm(c.ctx, c.ev, ids, user); err != nil {
		c.Fatalf("%s confirms %v: %v", user, ids, err)
	}
}

func (c *check) release(user lockstore.UserID, ids ...lockstore.SeatID) {
	c.Helper()
	if err := c.Release(c.ctx, c.ev, ids, user); err != nil {
		c.Fatalf("%s releases %v: %v", user, ids, err)
	}
}

func (c *check) book(user lockstore.UserID, ids ...lockstore.SeatID) {
	c.Helper()
	c.lock(user, ids...)
	c.confirm(user, ids...)
}

// lockErr, confirmErr and releaseErr return the error of a call that should
// fail.

func (c *check) lockErr(user lockstore.UserID, ids ...lockstore.SeatID) error {
	_, err := c.Lock(c.ctx, c.ev, ids, user)
	return err
}

func (c *check) confirmErr(user lockstore.UserID, ids ...lockstore.SeatID) error {
	return c.Confirm(c.ctx, c.ev, ids, user)
}

func (c *check) releaseErr(user lockstore.UserID, ids ...lockstore.SeatID) error {
	return c.Release(c.ctx, c.ev, ids, user)
}

// wantConflict checks that the call failed for the reason, and names the seats
// as "A1 locked".
func (c *check) wantConflict(err error, reason lockstore.Reason, want ...string) {
	c.Helper()
	e, ok := errors.AsType[*lockstore.ConflictError](err)
	if !ok {
		c.Errorf("the error is %v, want a conflict: %s", err, reason)
		return
	}
	if e.Reason != reason || !errors.Is(err, reason) {
		c.Errorf("the conflict is %v, want %s", err, reason)
	}
	if got := states(e.Seats); !slices.Equal(got, want) {
		c.Errorf("the conflict names %q, want %q", got, want)
	}
}

// states renders seats as "A1 locked".
func states(list []lockstore.Seat) []string {
	var all []string
	for _, s := range list {
		all = append(all, fmt.Sprintf("%s %s", s.ID, s.Status))
	}
	return all
}

// list must succeed.
func (c *check) list(since lockstore.Version) lockstore.Snapshot {
	c.Helper()
	snap, err := c.List(c.ctx, c.ev, since)
	if err != nil {
		c.Fatalf("listing since %q: %v", since, err)
	}
	return snap
}

// version is where the event stands.
func (c *check) version() lockstore.Version {
	c.Helper()
	return c.list("").Version
}

// wantTaken checks which seats are not available.
func (c *check) wantTaken(want ...string) {
	c.Helper()
	snap := c.list("")
	if !snap.Full {
		c.Error("a list without a Version is not full")
	}
	if got := states(snap.Seats); !slices.Equal(got, want) {
		c.Errorf("taken are %q, want %q", got, want)
	}
}

// wantDelta checks what changed since the version.
func (c *check) wantDelta(since lockstore.Version, want ...string) lockstore.Version {
	c.Helper()
	snap := c.list(since)
	if snap.Full {
		c.Errorf("the list since %q is full", since)
	}
	if got := states(snap.Seats); !slices.Equal(got, want) {
		c.Errorf("since %q changed %q, want %q", since, got, want)
	}
	return snap.Version
}

// unchanged checks that f changes nothing in c.ev.
func (c *check) unchanged(f func()) {
	c.Helper()
	before := c.version()
	f()
	c.wantDelta(before)
}
