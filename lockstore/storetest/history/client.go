package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"seatlock/lockstore"
)

// A Client makes one call after another.
type Client struct {
	Plan
	number  int
	records []*Recorder
	rnd     *rand.Rand
	had     [2]lockstore.Op      // its last lock in each event
	sold    [2]lockstore.Op      // its last confirm, booking or move in each
	read    [2]lockstore.Seq     // the last entry that it got of each journal
	calls   int                  // how many it has made
	since   [2]lockstore.Version // the last Version that it got of each
	fixed   [2]bool              // whether it knows that each has its layout for good
}

// NewClient returns the client of a plan that has that number. Clients with different
// numbers make different calls.
func NewClient(number int, p Plan, records []*Recorder) *Client {
	return &Client{Plan: p, number: number, records: records, rnd: rand.New(rand.NewPCG(p.Seed, uint64(number)+1))}
}

// Run makes the client's calls.
func (c *Client) Run(ctx context.Context) {
	c.do(ctx, 0, Call{Method: List})
	c.do(ctx, 1, Call{Method: List})
	for range c.Calls {
		if ctx.Err() != nil {
			return
		}
		c.rest(ctx)
		which := c.rnd.IntN(2)
		call := c.draw(which)
		switch n := c.rnd.IntN(30); {
		case n < 2 && !c.Plain && c.fixed[which]:
			call.OtherSeats = true
			call.Since = ""
		case n == 2:
			if !c.Plain && c.rnd.IntN(4) == 0 {
				call = Call{Method: Wait, Since: c.since[which], Lasts: c.TTL}
			}
			ended, cancel := context.WithCancel(ctx)
			cancel()
			c.do(ended, which, call)
			continue
		}
		got := c.do(ctx, which, call)
		if got.Outcome == Unknown && c.rnd.IntN(2) == 0 {
			c.do(ctx, which, call)
		}
	}
}

// rest pauses before every second call or so.
func (c *Client) rest(ctx context.Context) {
	if c.Pause == 0 || c.rnd.IntN(2) == 0 {
		return
	}
	pass(ctx, c.Pause/moments*time.Duration(c.rnd.IntN(moments)))
}

// draw returns a random call.
func (c *Client) draw(which int) Call {
	n := c.rnd.IntN(100)
	for _, share := range c.shares() {
		if n -= share.percent; n < 0 {
			return Call{Op: c.operation(share.kind, which), Settings: c.settings(which)}
		}
	}
	switch {
	case c.Remote:
	case n < 3:
		return Call{Method: Roster, Filter: c.filter()}
	case n < 6:
		return Call{Method: Journal, After: c.read[which]}
	}
	if n < 16 || c.Plain {
		return Call{Method: List, Since: c.version(which)}
	}
	return Call{Method: Wait, Since: c.version(which), Lasts: 1 + time.Duration(c.rnd.Int64N(int64(c.TTL)))}
}

// A share is how many percent of the calls are of a kind.
type share struct {
	kind    lockstore.Kind
	percent int
}

func (c *Client) shares() []share {
	if c.Remote {
		return buyersShares
	}
	return allShares
}

// settings returns settings other than the event's for every fourth call, and nil for the
// rest. If the event has a limit, so do they: otherwise there would be no limit to check.
func (c *Client) settings(which int) *Settings {
	if c.Remote && !c.Others || c.rnd.IntN(4) > 0 {
		return nil
	}
	other := Other(c.records[which].Event)
	if c.Remote {
		return other
	}
	some := limits
	if c.records[which].Event.SeatLimit > 0 {
		some = limits[1:]
	}
	other.SeatLimit = some[c.rnd.IntN(len(some))]
	return other
}

// Other returns settings that are not the event's: half its lock time, and a limit.
func Other(ev *lockstore.Event) *Settings {
	limit := 2
	if ev.SeatLimit == limit {
		limit = 3
	}
	return &Settings{LockTTL: (ev.LockTTL / 2).Truncate(time.Millisecond), SeatLimit: limit}
}

func (c *Client) user() lockstore.UserID {
	if c.rnd.IntN(4) > 0 {
		return users[c.number%len(users)]
	}
	return users[c.rnd.IntN(len(users))]
}

// some returns one to three seats.
func (c *Client) some() []lockstore.SeatID {
	all := c.records[0].Event.Seats
	var seats []lockstore.SeatID
	for _, i := range c.rnd.Perm(len(all))[:1+c.rnd.IntN(min(3, len(all)))] {
		seats = append(seats, all[i])
	}
	return seats
}

// version returns a Version to list from: none, the last that the client got, one
// of the other event, or one that no store made.
func (c *Client) version(which int) lockstore.Version {
	switch n := c.rnd.IntN(20); {
	case n < 8:
		return ""
	case n < 18:
		return c.since[which]
	case n < 19:
		return c.since[1-which]
	}
	return "no.such_version-1"
}

func (c *Client) do(ctx context.Context, which int, call Call) Call {
	call.Client = c.number
	if c.calls++; call.By != "" {
		call.By = fmt.Sprintf("%d-%d", c.number, c.calls) // each call has its own
	}
	call = c.records[which].Do(ctx, call)
	if n := len(call.Entries); n > 0 {
		c.read[which] = call.Entries[n-1].Seq
	}
	if call.Snapshot != nil {
		c.since[which] = call.Snapshot.Version
	}
	if call.Kind == lockstore.KindLock && (call.Outcome == Done || call.Outcome == Unknown) {
		c.had[which] = call.Op
		c.fixed[which] = c.fixed[which] || call.Outcome == Done
	}
	if call.Outcome == Done || call.Outcome == Unknown {
		switch call.Kind {
		case lockstore.KindConfirm, lockstore.KindBook:
			c.sold[which] = call.Op
		case lockstore.KindMove:
			c.sold[which] = call.Op
			c.sold[which].Seats = call.To
		case lockstore.KindCancel:
			c.sold[which] = lockstore.Op{}
		}
	}
	return call
}

// Finish makes the calls that show what the other clients left behind, after all
// locks have ended: it lists, tries to confirm and to lock every seat, and waits
// for a change that does not come.
func (c *Client) Finish(ctx context.Context) {
	for which := range c.records {
		c.do(ctx, which, Call{Method: List})
	}
	pass(ctx, c.Longest()+2*c.Slack+time.Millisecond)
	for which, r := range c.records {
		c.do(ctx, which, Call{Method: List, Since: c.since[which]})
		c.do(ctx, which, Call{Method: List})
		c.confirmEach(ctx, which)
		if !c.Remote {
			c.do(ctx, which, Call{Method: Roster})
			c.do(ctx, which, Call{Method: Roster, Filter: lockstore.Filter{User: c.user()}})
			c.do(ctx, which, Call{Method: Journal, After: c.read[which]})
		}
		for _, seat := range r.Event.Seats {
			c.do(ctx, which, Call{Op: lockstore.Lock(c.user(), seat)})
		}
		c.do(ctx, which, Call{Method: List, Since: c.since[which]})
	}
	if c.Long {
		pass(ctx, lockstore.LapseMemory+c.TTL+c.Slack+time.Second)
		c.confirmEach(ctx, 0)
		c.confirmEach(ctx, 1)
	}
	if !c.Plain {
		for which := range c.records {
			c.do(ctx, which, Call{Method: List})
			c.do(ctx, which, Call{Method: Wait, Since: c.since[which], Lasts: c.TTL * 3 / 2})
		}
	}
}

// confirmEach tries to confirm every seat, each for a random user.
func (c *Client) confirmEach(ctx context.Context, which int) {
	for _, seat := range c.records[which].Event.Seats {
		op := lockstore.Confirm(users[c.rnd.IntN(len(users))], seat)
		op.By = named
		c.do(ctx, which, Call{Op: op})
	}
}

// pass waits. It starts no timer for a duration of zero: in a bubble that timer fires at
// once, and Go 1.26's race detector crashes when two do so at the same moment.
func pass(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// moments is the number of different pauses. It is small so that many clients
// call at the same moment.
const moments = 4

var (
	buyersShares = []share{{lockstore.KindLock, 44}, {lockstore.KindConfirm, 12}, {lockstore.KindRelease, 16}}
	allShares    = []share{
		{lockstore.KindLock, 26}, {lockstore.KindConfirm, 8}, {lockstore.KindRelease, 8}, {lockstore.KindExtend, 8},
		{lockstore.KindBook, 7}, {lockstore.KindCancel, 5}, {lockstore.KindMove, 7}, {lockstore.KindBlock, 4},
		{lockstore.KindUnblock, 5}, {lockstore.KindEvict, 4},
	}
)
