package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// checkTime bounds the search for an order of one history. Most take milliseconds, but
// other programs may need the processor too.
const checkTime = time.Minute

// maxDrawn is how many illegal histories of a row are drawn.
const maxDrawn = 3

// A campaign plays histories on one store, many at a time, and checks them, while its
// caller breaks things.
type campaign struct {
	settings
	name     string // of its events; no other campaign may have the same
	store    lockstore.LockStore
	orders   *orderPlay // nil if the store keeps no orders
	plan     history.Plan
	parallel int
	unjudged bool          // the store may forget: only its bookings are checked
	checks   chan struct{} // limits the checks under way to one a processor

	begun   atomic.Int64 // histories
	booked  atomic.Int64 // confirms that succeeded
	mu      sync.Mutex
	tally   tally
	ledgers []*history.Ledger
}

// plan describes most histories: five clients of 16 calls each, locks of 150 ms.
var plan = history.Plan{
	Clients: 5, Calls: 16, Seats: 5,
	TTL: 150 * time.Millisecond, Pause: 40 * time.Millisecond, Slack: 3 * time.Millisecond,
}

// newCampaign returns a campaign that plays this many histories at the same time, or fewer
// if there are few faults, to spare a busy processor.
func newCampaign(s settings, name string, store lockstore.LockStore, parallel int) *campaign {
	const few = 6
	if fewer := max(few, int(float64(parallel)*s.scale)); fewer < parallel {
		parallel = fewer
	}
	c := &campaign{settings: s, store: store, plan: plan, parallel: parallel,
		name: name + strconv.FormatUint(rand.Uint64(), 36), checks: make(chan struct{}, runtime.GOMAXPROCS(0))}
	if orders, ok := store.(lockstore.OrderStore); ok {
		c.orders = newOrderPlay(orders, c.name)
	}
	return c
}

// A counting store counts the confirms that succeeded.
type counting struct {
	lockstore.LockStore
	booked *atomic.Int64
}

func (s counting) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	result, err := s.LockStore.Do(ctx, ev, op)
	if err == nil && op.Kind == lockstore.KindConfirm {
		s.booked.Add(1)
	}
	return result, err
}

// alone plays on an undisturbed store.
func (c *campaign) alone(ctx context.Context) (tally, error) {
	if err := c.play(ctx, c.histories, nil); err != nil {
		return c.tally, err
	}
	return c.audit(ctx)
}

// run plays while f breaks things, and then audits the store.
func (c *campaign) run(ctx context.Context, f func(context.Context) error) (tally, error) {
	if err := c.playDuring(ctx, f); err != nil {
		return c.tally, err
	}
	return c.audit(ctx)
}

// repeating returns a function for run that makes a fault happen n times, scaled,
// each time after a random pause.
func (c *campaign) repeating(n int, least, most time.Duration, fault func(ctx context.Context, i int) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for i := range c.times(n) {
			if err := sleep(ctx, least+rand.N(most-least+1)); err != nil {
				return err
			}
			if err := fault(ctx, i); err != nil {
				return err
			}
			c.tally.faults++
		}
		return nil
	}
}

// play plays this many histories, or until the channel is closed or the context ends.
func (c *campaign) play(ctx context.Context, histories int, done <-chan struct{}) error {
	errs := make([]error, c.parallel)
	var workers, orders sync.WaitGroup
	var orderErr error
	enough := make(chan struct{})
	if c.orders != nil {
		orders.Go(func() { orderErr = c.orders.run(ctx, enough) })
	}
	for i := range errs {
		workers.Go(func() {
			_ = sleep(ctx, rand.N(c.plan.TTL+c.plan.Pause)) // so that the histories are at different points
			for errs[i] == nil && ctx.Err() == nil {
				select {
				case <-done:
					return
				default:
				}
				n := int(c.begun.Add(2))
				if n > histories && histories > 0 {
					return
				}
				errs[i] = c.playSeed(ctx, uint64(n))
			}
		})
	}
	workers.Wait()
	close(enough)
	orders.Wait()
	return errors.Join(append(errs, orderErr)...)
}

// playSeed plays and checks the histories of one seed.
func (c *campaign) playSeed(ctx context.Context, seed uint64) error {
	p := c.plan
	p.Seed = seed
	all, err := history.Play(ctx, counting{c.store, &c.booked}, fmt.Sprintf("%s-%d", c.name, seed), p)
	if err != nil || ctx.Err() != nil {
		return err
	}
	return c.check(all...)
}

// underWay returns the events of a history that may be under way.
func (c *campaign) underWay() ([]*lockstore.Event, error) {
	seed := max(2, c.begun.Load()-2*rand.Int64N(int64(c.parallel)))
	p := c.plan
	p.Seed = uint64(seed)
	records, err := history.Records(nil, fmt.Sprintf("%s-%d", c.name, seed), p)
	if err != nil {
		return nil, err
	}
	var events []*lockstore.Event
	for _, r := range records {
		events = append(events, r.Event)
	}
	return events, nil
}

// check checks histories and counts them.
func (c *campaign) check(all ...*history.History) error {
	for _, h := range all {
		if err := c.checkOne(h); err != nil {
			return err
		}
	}
	return nil
}

func (c *campaign) checkOne(h *history.History) error {
	verdict := history.Legal
	if !c.unjudged {
		c.checks <- struct{}{}
		var err error
		verdict, err = h.Check(checkTime)
		<-c.checks
		if err != nil {
			return err
		}
	}
	c.mu.Lock()
	draw := verdict == history.Illegal && c.tally.illegal < maxDrawn
	c.mu.Unlock()
	if draw {
		file := filepath.Join(c.dir, "illegal-"+string(h.Event.ID)+".html")
		why, err := h.Explain(checkTime)
		if err = errors.Join(err, h.Draw(file, checkTime)); err != nil {
			return err
		}
		c.mu.Lock()
		fmt.Fprintf(c.progress, "   illegal, drawn to %s:\n%s", file, why)
		c.mu.Unlock()
	}
	c.note(h, verdict)
	return nil
}

// note counts a history that was checked.
func (c *campaign) note(h *history.History, verdict history.Verdict) {
	c.record(h)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.tally
	t.unjudged = c.unjudged
	t.histories++
	switch verdict {
	case history.Illegal:
		t.illegal++
	case history.Undecided:
		t.undecided++
	}
}

// record counts the calls of a history and keeps its bookings.
func (c *campaign) record(h *history.History) {
	ledger := history.NewLedger(h.Event)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.tally
	t.calls += len(h.Calls)
	for _, call := range h.Calls {
		if call.Outcome == history.Unknown {
			t.unknown++
		}
		ledger.Note(call)
	}
	c.ledgers = append(c.ledgers, ledger)
}

// late counts a call that somebody else's fault delayed, and keeps a description.
func (c *campaign) late(words string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.late++
	c.tally.losses.Words = append(c.tally.losses.Words, words)
}

// playDuring plays until f returns. It calls f once something has been booked that a fault
// could lose. The context of f ends early if playing fails.
func (c *campaign) playDuring(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	played := make(chan error, 1)
	go func() {
		err := c.play(ctx, 0, done)
		if err != nil {
			cancel()
		}
		played <- err
	}()
	err := c.awaitBooking(ctx)
	if err == nil {
		err = f(ctx)
	}
	close(done)
	return errors.Join(err, <-played)
}

// awaitBooking waits until something has been booked.
func (c *campaign) awaitBooking(ctx context.Context) error {
	for began := time.Now(); c.booked.Load() == 0; {
		if time.Since(began) > startTime {
			return fmt.Errorf("nothing was booked in %v", startTime)
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// audit waits until all locks have ended, compares the store with the bookings
// that it acknowledged and with the seat limits, and returns the tally.
func (c *campaign) audit(ctx context.Context) (tally, error) {
	if err := sleep(ctx, c.plan.Longest()+50*time.Millisecond); err != nil {
		return c.tally, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	work := make(chan *history.Ledger)
	errs := make([]error, 16)
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() {
			for l := range work {
				found, err := l.Audit(ctx, c.store)
				errs[i] = errors.Join(errs[i], err)
				c.mu.Lock()
				c.tally.losses.Add(found)
				c.mu.Unlock()
			}
		})
	}
	for _, l := range c.ledgers {
		work <- l
	}
	close(work)
	workers.Wait()
	if c.orders != nil {
		if store, ok := c.store.(lockstore.OrderStore); ok {
			c.orders.store = store // a failover may have replaced it
		}
		found, err := c.orders.audit(ctx)
		errs = append(errs, err)
		c.tally.orders.add(found)
	}
	return c.tally, errors.Join(errs...)
}

// sleep waits. It returns early, with the context's error, when the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
