package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/lockstore"
)

// timing says how the cases of a run deal with time.
type timing struct {
	ttl    time.Duration // how long a lock lasts in most cases
	tick   time.Duration // a lock is there this long before its end, and gone this long after it
	bubble bool          // every sleep is instant, and every time is exact
}

var (
	bubbleTime = timing{time.Minute, time.Millisecond, true}
	realTime   = timing{4 * time.Second, time.Second, false}

	// crowdedTime is for cases of many calls whose locks must not end.
	crowdedTime = timing{time.Minute, time.Second, false}
)

// The users of most cases.
const (
	ann lockstore.UserID = "ann"
	ben lockstore.UserID = "ben"
	cat lockstore.UserID = "cat"
)

// check is a running case: a store, an event of ten seats A1 to A10 without a
// limit, and helpers that check what must hold.
type check struct {
	*testing.T
	lockstore.LockStore
	timing
	ctx context.Context
	ev  *lockstore.Event
}

func newCheck(t *testing.T, s lockstore.LockStore, at timing) *check {
	c := &check{T: t, LockStore: s, timing: at, ctx: t.Context()}
	c.ev = c.event(10, c.ttl, 0)
	return c
}

// sleep lets time pass; in real time no more than a lock takes to end.
func (c *check) sleep(d time.Duration) {
	if !c.bubble {
		d = min(d, c.ttl+c.tick)
	}
	time.Sleep(d)
}

// wantTime checks a time that the store returned.
func (c *check) wantTime(what string, got, want time.Time) {
	c.Helper()
	if off := got.Sub(want).Abs(); c.bubble && off != 0 || off > c.tick {
		c.Errorf("%s is %v, want %v", what, got, want)
	}
}

// A shared backend keeps the events of other cases, and of other runs.
var (
	eventPrefix = "storetest-" + strconv.FormatUint(rand.Uint64(), 36) + "-"
	events      atomic.Int64
)

func nextEventID() lockstore.EventID {
	return lockstore.EventID(eventPrefix + strconv.FormatInt(events.Add(1), 10))
}

// event returns an event of n seats, A1, A2 …, that no other case uses.
func (c *check) event(n int, ttl time.Duration, limit int) *lockstore.Event {
	c.Helper()
	return Event(c, nextEventID(), ttl, limit, Seats(n)...)
}

// seats is a short way to write a list of seats.
func seats(ids ...lockstore.SeatID) []lockstore.SeatID { return ids }

// try carries out op in c.ev and returns its error.
func (c *check) try(op lockstore.Op) error {
	_, err := c.Do(c.ctx, c.ev, op)
	return err
}

// do carries out op in c.ev. It must succeed, and its result must have the time.
func (c *check) do(op lockstore.Op) lockstore.Result {
	c.Helper()
	before := time.Now()
	got, err := c.Do(c.ctx, c.ev, op)
	if err != nil {
		c.Fatalf("%s %ss %v: %v", op.User, op.Kind, op.Seats, err)
	}
	from, to := before.Truncate(time.Millisecond), time.Now()
	if !c.bubble {
		from, to = from.Add(-c.tick), to.Add(c.tick)
	}
	if got.Now.Before(from) || got.Now.After(to) {
		c.Errorf("%s %ss %v, and Now is %v, want %v to %v", op.User, op.Kind, op.Seats, got.Now, from, to)
	}
	return got
}

func (c *check) lock(user lockstore.UserID, ids ...lockstore.SeatID) (expires time.Time) {
	c.Helper()
	return c.do(lockstore.Lock(user, ids...)).Expires
}

// hold has the user lock the seats for longer than the case lasts.
func (c *check) hold(user lockstore.UserID, ids ...lockstore.SeatID) (expires time.Time) {
	c.Helper()
	op := lockstore.Lock(user, ids...)
	op.For = time.Minute
	return c.do(op).Expires
}

func (c *check) confirm(user lockstore.UserID, ids ...lockstore.SeatID) {
	c.Helper()
	c.do(lockstore.Confirm(user, ids...))
}

func (c *check) release(user lockstore.UserID, ids ...lockstore.SeatID) {
	c.Helper()
	c.do(lockstore.Release(user, ids...))
}

func (c *check) book(user lockstore.UserID, ids ...lockstore.SeatID) {
	c.Helper()
	c.lock(user, ids...)
	c.confirm(user, ids...)
}

// unsure counts the operations that were repeated after an unknown outcome. What
// they changed is not known.
func (c *check) unsure() int64 {
	if a, ok := c.LockStore.(*askingAgain); ok {
		return a.unsure.Load()
	}
	return 0
}

// wantChanged checks that op succeeds and changes those seats.
func (c *check) wantChanged(op lockstore.Op, want ...lockstore.SeatID) lockstore.Result {
	c.Helper()
	unsure := c.unsure()
	got := c.do(op)
	if c.unsure() == unsure && !slices.Equal(got.Changed, want) {
		c.Errorf("%s %ss %v and changes %v, want %v", op.User, op.Kind, op.Seats, got.Changed, want)
	}
	return got
}

// wantRefused checks that op fails for the reason, and that the error names
// those seats as "A1 locked".
func (c *check) wantRefused(op lockstore.Op, reason lockstore.Reason, want ...string) {
	c.Helper()
	c.wantConflict(c.try(op), reason, want...)
}

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

// wantReason checks that err is a conflict for that reason.
func (c *check) wantReason(err error, want lockstore.Reason) {
	c.Helper()
	if _, ok := errors.AsType[*lockstore.ConflictError](err); !ok || !errors.Is(err, want) {
		c.Errorf("the error is %v, want a conflict: %s", err, want)
	}
}

// soon returns a time on the store's clock, that long from now.
func (c *check) soon(d time.Duration) time.Time { return time.Now().Add(d).Truncate(time.Millisecond) }

// states renders seats as "A1 locked".
func states(list []lockstore.Seat) []string {
	var all []string
	for _, s := range list {
		all = append(all, fmt.Sprintf("%s %s", s.ID, s.Status))
	}
	return all
}

// named returns the seats of a snapshot of c.ev with their ids.
func (c *check) named(snap lockstore.Snapshot) []lockstore.Seat {
	c.Helper()
	var all []lockstore.Seat
	for _, s := range snap.Seats {
		if s.Position < 0 || int(s.Position) >= len(c.ev.Seats) {
			c.Fatalf("a list has a seat at position %d of %d", s.Position, len(c.ev.Seats))
		}
		all = append(all, c.ev.Seat(s))
	}
	return all
}

// list returns a list, which it must be able to read.
func (c *check) list(since lockstore.Version) lockstore.Snapshot {
	c.Helper()
	snap, err := c.List(c.ctx, c.ev, since)
	if err != nil {
		c.Fatalf("listing since %q: %v", since, err)
	}
	return snap
}

// listed returns a list's seats as "A1 locked".
func (c *check) listed(since lockstore.Version) []string {
	c.Helper()
	return states(c.named(c.list(since)))
}

// version returns the event's current Version.
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
	if got := states(c.named(snap)); !slices.Equal(got, want) {
		c.Errorf("the taken seats are %q, want %q", got, want)
	}
}

// wantDelta checks what has changed since the Version, and returns the new one.
func (c *check) wantDelta(since lockstore.Version, want ...string) lockstore.Version {
	c.Helper()
	snap := c.list(since)
	if snap.Full {
		c.Errorf("the list since %q is full", since)
	}
	if got := states(c.named(snap)); !slices.Equal(got, want) {
		c.Errorf("the changes since %q are %q, want %q", since, got, want)
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
