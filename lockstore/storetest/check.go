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

// timing is how the cases of a run live with time.
type timing struct {
	ttl    time.Duration // how long a lock lasts in most cases
	tick   time.Duration // at this time on either side of its end it must be there and gone
	bubble bool          // every sleep takes no time, and every time is exact
}

var (
	bubbleTime = timing{time.Minute, time.Millisecond, true}
	realTime   = timing{4 * time.Second, time.Second, false}

	// crowdedTime is for cases of many calls, none of whose locks is to run out.
	crowdedTime = timing{time.Minute, time.Second, false}
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
	timing
	ctx context.Context
	ev  *lockstore.Event
}

func newCheck(t *testing.T, s lockstore.LockStore, at timing) *check {
	c := &check{T: t, LockStore: s, timing: at, ctx: t.Context()}
	c.ev = c.event(10, c.ttl, 0)
	return c
}

// sleep lets time pass; in real time no more than a lock takes to run out.
func (c *check) sleep(d time.Duration) {
	if !c.bubble {
		d = min(d, c.ttl+c.tick)
	}
	time.Sleep(d)
}

// wantTime checks a time that the store gave.
func (c *check) wantTime(what string, got, want time.Time) {
	c.Helper()
	if off := got.Sub(want).Abs(); c.bubble && off != 0 || off > c.tick {
		c.Errorf("%s: %v, want %v", what, got, want)
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
