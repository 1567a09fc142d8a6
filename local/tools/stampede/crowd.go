package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

const (
	maxTries   = 5                      // how often a buyer tries to lock seats
	maxCalls   = 8                      // how often a call without an answer is made
	firstPause = 100 * time.Millisecond // before the first repeat; it doubles each time, up to longPause
	longPause  = 2 * time.Second
)

// A crowd is all the buyers of a run and the server's answers to them.
type crowd struct {
	settings
	server, operator lockstore.LockStore
	operates         bool // the tool has an operator's key
	picks            picker
	parties          partyCount
	view             *eventView
	name             string // of this run, so that users of different runs differ
	meter            *meter
	had              possessions

	mu     sync.Mutex // guards ledger and ends
	ledger *history.Ledger
	ends   map[ending]int
}

// An ending is how a buyer's visit ended.
type ending string

const (
	paid       ending = "booked"
	refunded   ending = "booked and cancelled"
	gaveBack   ending = "gave back"
	walkedAway ending = "walked away"
	noSeats    ending = "found no seats"
	noPlace    ending = "found no seats together"
	tooLate    ending = "too late to pay"
	noAnswer   ending = "got no answer"
	didNotCome ending = "did not come"
)

func newCrowd(s settings, server lockstore.LockStore, v *eventView) *crowd {
	c := &crowd{settings: s, server: server, view: v, meter: newMeter(),
		name:   "stampede-" + strconv.FormatUint(s.seed, 36) + "-" + strconv.FormatInt(time.Now().Unix(), 36),
		had:    possessions{lockTTL: v.event.LockTTL},
		ledger: history.NewLedger(v.onSale), ends: make(map[ending]int)}
	if limit := v.event.SeatLimit; limit > 0 {
		c.most = min(c.most, limit)
	}
	return c
}

// run sends the buyers and returns when the last one has left.
func (c *crowd) run(ctx context.Context, stderr io.Writer) report {
	following, stopFollowing := context.WithCancel(ctx)
	var buyers, follower sync.WaitGroup
	follower.Go(func() { c.view.follow(following, c.server) })
	began := time.Now()
	stopLine := showProgress(stderr, func() string {
		return fmt.Sprintf("%d of %d buyers, %s", c.left(), c.users, c.meter.line(time.Since(began)))
	})
	for i := range c.users {
		buyers.Go(func() {
			b := &buyer{crowd: c, user: lockstore.UserID(fmt.Sprintf("%s-%d", c.name, i)), rnd: rand.New(rand.NewPCG(c.seed, uint64(i))),
				avoid: make(map[lockstore.SeatID]bool)}
			end := didNotCome
			if pause(ctx, rand.N(c.arrive+1)) {
				end = b.visit(ctx)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ends[end]++
		})
	}
	buyers.Wait()
	took := time.Since(began)
	stopLine()
	stopFollowing()
	follower.Wait()
	r := c.meter.report(took)
	r.Event, r.Seats, r.Users, r.Seed = c.view.event.ID, len(c.view.onSale.Seats), c.users, c.seed
	r.Interrupted = ctx.Err() != nil
	r.Buyers = c.ends
	return r
}

// left returns how many buyers have left.
func (c *crowd) left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, buyers := range c.ends {
		n += buyers
	}
	return n
}

// check waits until every lock has ended, compares the server's answers with
// its seats and writes the report's verdict.
func (c *crowd) check(ctx context.Context, r *report, stderr io.Writer) error {
	v := &r.Verdict
	v.HeldByTwo = c.had.overlaps()
	r.Parties = c.parties.report(c.party)
	v.NotTogether = r.Parties.NotTogether
	v.LetThrough = r.Cheats.through(c.confirmBy)
	if !r.Interrupted && !c.hurry {
		ttl := c.view.event.LockTTL
		if c.extend > 0 {
			ttl *= 2
		}
		stopLine := showProgress(stderr, func() string { return fmt.Sprintf("waiting %v until every lock has ended", ttl) })
		v.StuckJudged = pause(ctx, ttl+time.Second)
		stopLine()
	}
	ctx = context.WithoutCancel(ctx) // an interrupted run is checked too
	if !v.StuckJudged {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Minute)
		defer cancel()
	}
	var err error
	if v.DeltasDiffer, err = c.view.differs(ctx, c.server); err != nil {
		return fmt.Errorf("cannot list the seats to check the server: %w", err)
	}
	found, err := c.ledger.Audit(ctx, c.audited())
	if err != nil {
		return fmt.Errorf("cannot ask for the bookings to check the server: %w", err)
	}
	v.Bookings, v.SoldTwice, v.Lost, v.OverLimit = found.Bookings, found.Twice, found.Lost, found.Over
	if v.StuckJudged { // otherwise some locks have not ended
		v.Stuck, v.Words = found.Stuck, found.Words
	}
	v.Kept = v.SoldTwice == 0 && v.HeldByTwo == 0 && v.Lost == 0 && v.Stuck == 0 && v.OverLimit == 0 && v.DeltasDiffer == 0 && v.LetThrough == 0 && v.NotTogether == 0
	return nil
}

// audited returns the store that is compared with what was sold. Rosters and journals can
// be read only with an operator's key.
func (c *crowd) audited() lockstore.LockStore {
	if c.operates {
		return c.operator
	}
	return public{c.server}
}

// public is a server that hides what needs a key.
type public struct{ lockstore.LockStore }

// Roster fails with [errors.ErrUnsupported].
func (public) Roster(context.Context, *lockstore.Event, lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	return "", func(yield func(lockstore.Holding, error) bool) { yield(lockstore.Holding{}, errors.ErrUnsupported) }
}

// Journal fails with [errors.ErrUnsupported].
func (public) Journal(context.Context, *lockstore.Event, lockstore.Seq, int) ([]lockstore.Entry, error) {
	return nil, errors.ErrUnsupported
}

// A buyer is one of the crowd.
type buyer struct {
	*crowd
	user  lockstore.UserID
	rnd   *rand.Rand
	avoid map[lockstore.SeatID]bool // seats that were refused
	quiet bool                      // the next call is not noted in the ledger
}

// visit plays a buyer from arriving to leaving.
func (b *buyer) visit(ctx context.Context) ending {
	b.call(ctx, history.Call{Method: history.List, Since: b.view.since()})
	hold := b.lock
	if b.party > 0 {
		hold = b.pick
	}
	seats, expires, end := hold(ctx)
	if end != "" {
		return end
	}
	if b.rnd.Float64() < b.extend {
		more := expires.Add(b.view.event.LockTTL)
		if c := b.call(ctx, history.Call{Op: lockstore.Extend(b.user, more, seats...)}); c.Outcome == history.Done {
			b.had.extended(seats, b.user, c.Result.Expires.Sub(expires))
		}
	}
	pays := b.rnd.Float64() < b.pay
	if !pause(ctx, time.Duration(b.rnd.Int64N(int64(b.think)+1))) {
		return walkedAway
	}
	switch {
	case pays:
		b.quiet = b.rnd.Float64() < b.refund
		switch c := b.call(ctx, history.Call{Op: lockstore.Confirm(b.user, seats...)}); c.Outcome {
		case history.Done:
			b.had.booked(seats, b.user)
			if b.quiet {
				return b.cancel(ctx, c)
			}
			return paid
		case history.Refused:
			return tooLate
		}
		return noAnswer
	case b.rnd.IntN(2) == 0:
		b.had.released(seats, b.user)
		b.call(ctx, history.Call{Op: lockstore.Release(b.user, seats...)})
		return gaveBack
	}
	return walkedAway
}

// cancel lets an operator cancel what the call has booked. The booking is noted in the
// ledger only if the cancel fails, so that the next buyer of the seats does not count as a
// second owner.
func (b *buyer) cancel(ctx context.Context, booked history.Call) ending {
	b.had.released(booked.Seats, b.user)
	c := b.callTo(ctx, b.operator, history.Call{Op: lockstore.Cancel(b.user, "", booked.Seats...)})
	if c.Outcome == history.Done {
		return refunded
	}
	if c.Outcome == history.Unknown {
		booked.Outcome = history.Unknown
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Note(booked)
	return paid
}

// lock tries to lock seats until it succeeds, and returns the seats and when their lock
// ends. Otherwise it returns how the visit ended.
func (b *buyer) lock(ctx context.Context) ([]lockstore.SeatID, time.Time, ending) {
	for range maxTries {
		seats := b.choose()
		if len(seats) == 0 {
			break
		}
		c := b.call(ctx, history.Call{Op: lockstore.Lock(b.user, seats...)})
		switch c.Outcome {
		case history.Done:
			b.had.locked(seats, b.user, c.Called, c.Returned)
			return seats, c.Result.Expires, ""
		case history.Refused:
			for _, seat := range c.Conflict.Seats {
				b.avoid[seat.ID] = true
			}
		default:
			return nil, time.Time{}, noAnswer
		}
	}
	return nil, time.Time{}, noSeats
}

// choose returns seats that the buyer sees as available, or none.
func (b *buyer) choose() []lockstore.SeatID {
	all := b.view.onSale.Seats
	n := min(1+b.rnd.IntN(b.most), len(all))
	if b.same {
		return all[:n]
	}
	var seats []lockstore.SeatID
	for at, i := b.rnd.IntN(len(all)), 0; i < len(all) && len(seats) < n; i++ {
		if seat := all[(at+i)%len(all)]; !b.avoid[seat] && b.view.available(seat) {
			seats = append(seats, seat)
		}
	}
	return seats
}

// call makes a call and repeats it while there is no answer. The result's Called is the
// time of the first attempt.
func (b *buyer) call(ctx context.Context, c history.Call) history.Call {
	return b.callTo(ctx, b.server, c)
}

func (b *buyer) callTo(ctx context.Context, server lockstore.LockStore, c history.Call) history.Call {
	rec := history.Recorder{Store: server, Event: b.view.onSale}
	wait := firstPause
	var first time.Time
	for n := range maxCalls {
		c.Answer = history.Answer{}
		c = rec.Do(ctx, c)
		b.meter.note(c, c.Returned.Sub(c.Called))
		if !b.quiet || c.Outcome != history.Done {
			b.mu.Lock()
			b.ledger.Note(c)
			b.mu.Unlock()
		}
		if n == 0 {
			first = c.Called
		}
		if c.Outcome != history.Unknown && c.Outcome != history.Nothing {
			break
		}
		if p, ok := errors.AsType[*client.Problem](c.Cause); ok {
			wait = max(wait, min(p.RetryAfter, longPause)) // the server's Retry-After
		}
		if !pause(ctx, wait+rand.N(wait/2)) {
			break
		}
		wait = min(2*wait, longPause)
	}
	c.Called = first
	return c
}

// pause waits, and reports false if the context ends meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
