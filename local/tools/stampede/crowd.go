package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"seatlock/functions/client"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

const (
	otherSeats = 5                      // how often one looks for other seats
	again      = 8                      // how often one asks again without an answer
	firstPause = 100 * time.Millisecond // before that; it doubles, up to longPause
	longPause  = 2 * time.Second
)

// A crowd is everybody who came, and what they were told.
type crowd struct {
	settings
	server lockstore.LockStore
	house  *house
	name   string // of this run, so that nobody is taken for somebody of another
	meter  *meter
	holds  holds

	mu     sync.Mutex
	ledger *history.Ledger
	ends   map[ending]int
}

// An ending is how it went for a buyer.
type ending string

const (
	paid      ending = "booked"
	gaveBack  ending = "gave back"
	walked    ending = "walked away"
	nothing   ending = "found no seats"
	tooLate   ending = "too late to pay"
	noAnswer  ending = "got no answer"
	cameNever ending = "did not come"
)

// storm sends the crowd and returns when the last one has left.
func storm(ctx context.Context, s settings, server *client.Store, h *house, bar *progressbar.ProgressBar) report {
	c := &crowd{settings: s, server: server, house: h, meter: newMeter(),
		name:   "stampede-" + strconv.FormatUint(s.seed, 36) + "-" + strconv.FormatInt(time.Now().Unix(), 36),
		ledger: history.NewLedger(h.ours), ends: make(map[ending]int)}
	c.holds.length = h.all.LockTTL
	if h.all.SeatLimit > 0 {
		c.most = min(c.most, h.all.SeatLimit)
	}
	following, stop := context.WithCancel(ctx)
	var all, follower sync.WaitGroup
	follower.Go(func() { h.follow(following, server) })
	began := time.Now()
	for i := range s.users {
		all.Go(func() {
			b := &buyer{crowd: c, user: lockstore.UserID(fmt.Sprintf("%s-%d", c.name, i)), rnd: rand.New(rand.NewPCG(s.seed, uint64(i))),
				avoid: make(map[lockstore.SeatID]bool)}
			end := cameNever
			if pause(ctx, rand.N(s.arrive+1)) {
				end = b.buy(ctx)
			}
			c.mu.Lock()
			c.ends[end]++
			c.mu.Unlock()
			bar.Describe(c.meter.line(time.Since(began)))
			_ = bar.Add(1) // a line that cannot be drawn is no reason to stop
		})
	}
	all.Wait()
	took := time.Since(began)
	stop()
	follower.Wait()
	r := c.meter.report(took)
	r.Event, r.Seats, r.Users, r.Seed = h.all.ID, len(h.ours.Seats), s.users, s.seed
	r.Buyers = c.ends
	r.ledger = c.ledger
	r.Verdict.HeldByTwo = c.holds.overlaps()
	return r
}

// A buyer is one of the crowd.
type buyer struct {
	*crowd
	user  lockstore.UserID
	rnd   *rand.Rand
	avoid map[lockstore.SeatID]bool // seats that stood in the way
}

// buy is what one does, from coming to leaving.
func (b *buyer) buy(ctx context.Context) ending {
	b.call(ctx, history.Op{Call: history.List, Since: b.house.since()})
	seats, end := b.lock(ctx)
	if end != "" {
		return end
	}
	pays := b.rnd.Float64() < b.pay
	if !pause(ctx, time.Duration(b.rnd.Int64N(int64(b.think)+1))) {
		return walked
	}
	switch {
	case pays:
		switch op := b.call(ctx, history.Op{Call: history.Confirm, User: b.user, Seats: seats}); op.Outcome {
		case history.Done:
			b.holds.booked(seats, b.user)
			return paid
		case history.Refused:
			return tooLate
		}
		return noAnswer
	case b.rnd.IntN(2) == 0:
		b.holds.gone(seats, b.user)
		b.call(ctx, history.Op{Call: history.Release, User: b.user, Seats: seats})
		return gaveBack
	}
	return walked
}

// lock looks for seats until some are the buyer's.
func (b *buyer) lock(ctx context.Context) ([]lockstore.SeatID, ending) {
	for range otherSeats {
		seats := b.choose()
		if len(seats) == 0 {
			return nil, nothing
		}
		op := b.call(ctx, history.Op{Call: history.Lock, User: b.user, Seats: seats})
		switch op.Outcome {
		case history.Done:
			b.holds.had(seats, b.user, op.Called, op.Returned)
			return seats, ""
		case history.Refused:
			for _, seat := range op.Conflict.Seats {
				b.avoid[seat.ID] = true
			}
		default:
			return nil, noAnswer
		}
	}
	return nil, nothing
}

// choose picks seats that are available as far as one knows, or none.
func (b *buyer) choose() []lockstore.SeatID {
	all := b.house.ours.Seats
	n := min(1+b.rnd.IntN(b.most), len(all))
	if b.same {
		return all[:n]
	}
	var seats []lockstore.SeatID
	for at, tries := b.rnd.IntN(len(all)), 0; tries < len(all) && len(seats) < n; tries++ {
		if seat := all[(at+tries)%len(all)]; !b.avoid[seat] && b.house.free(seat) {
			seats = append(seats, seat)
		}
	}
	return seats
}

// call makes a call, and again as long as there is no answer. What comes back
// has the time of the first one as Called.
func (b *buyer) call(ctx context.Context, op history.Op) history.Op {
	rec := history.Recorder{Store: b.server, Event: b.house.ours}
	wait := firstPause
	var first time.Time
	for n := range again {
		began := time.Now()
		op.Answer = history.Answer{}
		op = rec.Do(ctx, op)
		b.meter.note(op, time.Since(began))
		b.mu.Lock()
		b.ledger.Note(op)
		b.mu.Unlock()
		if n == 0 {
			first = op.Called
		}
		op.Called = first
		if op.Outcome != history.Unknown && op.Outcome != history.Nothing {
			break
		}
		if p, ok := errors.AsType[*client.Problem](op.Cause); ok {
			wait = max(wait, min(p.RetryAfter, longPause)) // as the server asks
		}
		if !pause(ctx, wait+rand.N(wait/2)) {
			break
		}
		wait = min(2*wait, longPause)
	}
	return op
}

// pause tells whether the context has not ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// judge waits until every lock is over and compares what people were told with
// what is there.
func judge(ctx context.Context, s settings, server *client.Store, h *house, r *report, bar *progressbar.ProgressBar) error {
	if r.Interrupted || s.hurry {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
	} else {
		bar.Describe(fmt.Sprintf("waiting %v until every lock is over", h.all.LockTTL))
		r.Verdict.StuckJudged = pause(ctx, h.all.LockTTL+time.Second)
		ctx = context.WithoutCancel(ctx)
	}
	_ = bar.Finish() // it is only a line
	bad := &r.Verdict
	differ, err := h.differs(ctx, server)
	if err != nil {
		return fmt.Errorf("cannot list the seats to judge the server: %w", err)
	}
	found, err := r.ledger.Audit(ctx, server)
	if err != nil {
		return errors.Join(errors.New("cannot ask for the bookings to judge the server"), err)
	}
	bad.DeltasDiffer = len(differ)
	bad.Bookings, bad.SoldTwice, bad.Lost = found.Bookings, found.Twice, found.Lost
	if bad.StuckJudged {
		bad.Stuck = found.Stuck
	}
	bad.Words = found.Words
	if !bad.StuckJudged {
		bad.Words = nil
	}
	bad.Kept = bad.SoldTwice == 0 && bad.HeldByTwo == 0 && bad.Lost == 0 && bad.Stuck == 0 && bad.DeltasDiffer == 0
	return nil
}
