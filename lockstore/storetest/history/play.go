package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"seatlock/lockstore"
)

// A Plan says how a history is made.
type Plan struct {
	Clients int           // how many call at the same time
	Calls   int           // how many calls each makes
	Seats   int           // of each event, at most 7
	TTL     time.Duration // of a lock
	Seed    uint64        // of all that is random

	// Pause is the longest that a client rests between two calls.
	Pause time.Duration

	// Slack is for the history, and Grace for its Recorder.
	Slack, Grace time.Duration

	// Long also lets ten minutes pass at the end, after which nobody
	// remembers a lock that ran out: for a clock that takes no time.
	Long bool

	// Plain leaves out Wait, and calls with another seat map.
	Plain bool

	// Remote is for the history: the calls go over HTTP. They must be Plain.
	Remote bool
}

// users are who calls. Two of them differ in nothing but case.
var users = []lockstore.UserID{"ann", "ben", "A", "a"}

// Play makes random calls to the store from many clients at the same time, for
// two events whose seats have the same names, and returns the history of each.
// No other history may have the name. It returns early, with what was done by
// then, when the context ends.
func Play(ctx context.Context, store lockstore.LockStore, name string, p Plan) ([]*History, error) {
	records, err := Records(store, name, p)
	if err != nil {
		return nil, err
	}
	var clients sync.WaitGroup
	for i := range p.Clients {
		clients.Go(func() { NewClient(i, p, records).Run(ctx) })
	}
	clients.Wait()
	NewClient(p.Clients, p, records).Finish(ctx)
	var all []*History
	for _, r := range records {
		h := r.History(p.Slack)
		h.Remote = p.Remote
		all = append(all, h)
	}
	return all, nil
}

// Records makes a recorder for each of the two events of a plan.
func Records(store lockstore.LockStore, name string, p Plan) ([]*Recorder, error) {
	seats := make([]lockstore.SeatID, p.Seats)
	for i := range seats {
		seats[i] = lockstore.SeatID(fmt.Sprintf("S%d", i+1))
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		return nil, err
	}
	rnd := rand.New(rand.NewPCG(p.Seed, 0))
	var records []*Recorder
	for _, part := range []string{".a", ".b"} {
		ev, err := lockstore.NewEvent(lockstore.EventID(name+part), layout, p.TTL, []int{0, 2, 3}[rnd.IntN(3)])
		if err != nil {
			return nil, err
		}
		records = append(records, &Recorder{Store: store, Event: ev, Grace: p.Grace})
	}
	return records, nil
}

// A Client makes one call after another.
type Client struct {
	Plan
	number  int
	records []*Recorder
	rnd     *rand.Rand
	had     [2]lockstore.Op      // what it locked last of each event
	since   [2]lockstore.Version // the last version it saw of each
}

// NewClient is the client of that number of a plan.
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
		switch n := c.rnd.IntN(40); {
		case n == 0 && !c.Plain && c.since[which] != "": // the event exists
			call.OtherSeats = true
			call.Since = ""
		case n == 1:
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

// moments is how many different times a client rests: few, so that many clients
// call at the same moment.
const moments = 4

// rest does nothing for a while, or not at all.
func (c *Client) rest(ctx context.Context) {
	if c.Pause == 0 || c.rnd.IntN(2) == 0 {
		return
	}
	pass(ctx, c.Pause/moments*time.Duration(c.rnd.IntN(moments)))
}

// draw makes up a call.
func (c *Client) draw(which int) Call {
	op := lockstore.Op{User: c.user(), Seats: c.some()}
	had := c.had[which]
	mine := had.Seats != nil && c.rnd.IntN(3) > 0
	if mine {
		op.User = had.User
	}
	switch n := c.rnd.IntN(100); {
	case n < 44:
		op.Kind = lockstore.KindLock
	case n < 56:
		op.Kind = lockstore.KindConfirm
	case n < 72:
		op.Kind = lockstore.KindRelease
	case n < 94 || c.Plain:
		return Call{Method: List, Since: c.version(which)}
	default:
		return Call{Method: Wait, Since: c.version(which), For: 1 + time.Duration(c.rnd.Int64N(int64(c.TTL)))}
	}
	if mine && op.Kind != lockstore.KindLock {
		op.Seats = had.Seats
	}
	return Call{Op: op}
}

func (c *Client) user() lockstore.UserID {
	if c.rnd.IntN(4) > 0 {
		return users[c.number%len(users)]
	}
	return users[c.rnd.IntN(len(users))]
}

// some is one to three seats.
func (c *Client) some() []lockstore.SeatID {
	all := c.records[0].Event.Seats
	var seats []lockstore.SeatID
	for _, i := range c.rnd.Perm(len(all))[:1+c.rnd.IntN(min(3, len(all)))] {
		seats = append(seats, all[i])
	}
	return seats
}

// version is one to list from: none, the last seen, or one that there never was.
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
	call = c.records[which].Do(ctx, call)
	if call.Snapshot != nil {
		c.since[which] = call.Snapshot.Version
	}
	if call.Kind == lockstore.KindLock && (call.Outcome == Done || call.Outcome == Unknown) {
		c.had[which] = call.Op
	}
	return call
}

// Finish makes the calls that show what the others left behind, once all
// locks are over: it lists, tries to confirm and to lock every seat, and waits
// for what does not come.
func (c *Client) Finish(ctx context.Context) {
	for which := range c.records {
		c.do(ctx, which, Call{Method: List})
	}
	pass(ctx, c.TTL+2*c.Slack+time.Millisecond)
	for which, r := range c.records {
		c.do(ctx, which, Call{Method: List, Since: c.since[which]})
		c.do(ctx, which, Call{Method: List})
		c.knock(ctx, which, lockstore.KindConfirm)
		for _, seat := range r.Event.Seats {
			c.do(ctx, which, Call{Op: lockstore.Lock(c.user(), seat)})
		}
		c.do(ctx, which, Call{Method: List, Since: c.since[which]})
	}
	if c.Long {
		pass(ctx, lockstore.LapseMemory+c.TTL+c.Slack+time.Second)
		c.knock(ctx, 0, lockstore.KindConfirm)
		c.knock(ctx, 1, lockstore.KindConfirm)
	}
	if !c.Plain {
		for which := range c.records {
			c.do(ctx, which, Call{Method: List})
			c.do(ctx, which, Call{Method: Wait, Since: c.since[which], For: c.TTL * 3 / 2})
		}
	}
}

// knock makes a call for every seat, each for a user at random.
func (c *Client) knock(ctx context.Context, which int, kind lockstore.Kind) {
	for _, seat := range c.records[which].Event.Seats {
		c.do(ctx, which, Call{Op: lockstore.Op{Kind: kind, User: users[c.rnd.IntN(len(users))], Seats: []lockstore.SeatID{seat}}})
	}
}

// pass waits. It makes no timer of no time: in a bubble that fires at once, and
// Go 1.26's race detector crashes when two do at the same moment.
func pass(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
