package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// checkTime bounds the search for an order of one history.
const checkTime = 20 * time.Second

// mostDrawn is how many illegal histories of a row are drawn; more say no more.
const mostDrawn = 3

// A campaign makes histories on one store, many at a time, and judges them.
// Whoever runs it breaks things meanwhile.
type campaign struct {
	setting
	name     string // of its events, which no other campaign may have
	store    lockstore.LockStore
	plan     history.Plan
	parallel int
	unjudged bool // the store may forget: hold it to its bookings only

	made    atomic.Int64 // histories that were begun
	mu      sync.Mutex
	tally   tally
	ledgers []*history.Ledger
}

// plan is what most histories are like: five clients of 16 calls each, locks
// of 150 ms.
var plan = history.Plan{
	Clients: 5, Calls: 16, Seats: 5,
	TTL: 150 * time.Millisecond, Pause: 40 * time.Millisecond, Slack: 3 * time.Millisecond,
}

func newCampaign(s setting, name string, store lockstore.LockStore, parallel int) *campaign {
	return &campaign{setting: s, store: store, plan: plan, parallel: parallel,
		name: name + strconv.FormatUint(rand.Uint64(), 36)}
}

// play makes histories until there are as many as that, or until the channel
// is closed, or the context ends.
func (c *campaign) play(ctx context.Context, histories int, done <-chan struct{}) error {
	errs := make([]error, c.parallel)
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() {
			_ = sleep(ctx, rand.N(c.plan.TTL+c.plan.Pause)) // or they would all be at the same point of a history
			for errs[i] == nil && ctx.Err() == nil {
				select {
				case <-done:
					return
				default:
				}
				n := int(c.made.Add(2))
				if n > histories && histories > 0 {
					return
				}
				errs[i] = c.one(ctx, uint64(n))
			}
		})
	}
	workers.Wait()
	return errors.Join(errs...)
}

// one makes and judges the histories of one seed.
func (c *campaign) one(ctx context.Context, seed uint64) error {
	p := c.plan
	p.Seed = seed
	all, err := history.Play(ctx, c.store, fmt.Sprintf("%s-%d", c.name, seed), p)
	if err != nil || ctx.Err() != nil {
		return err
	}
	for _, h := range all {
		if err := c.judge(h); err != nil {
			return err
		}
	}
	return nil
}

// judge takes down a history and what is wrong with it.
func (c *campaign) judge(h *history.History) error {
	verdict := history.Legal
	if !c.unjudged {
		var err error
		if verdict, err = h.Check(checkTime); err != nil {
			return err
		}
	}
	c.mu.Lock()
	draw := verdict == history.Illegal && c.tally.illegal < mostDrawn
	c.mu.Unlock()
	if draw {
		file := filepath.Join(c.dir, "illegal-"+string(h.Event.ID)+".html")
		why, err := h.Explain(checkTime)
		fmt.Fprintf(c.progress, "   illegal, drawn to %s: %v\n%s", file, err, why)
		if err := h.Draw(file, checkTime); err != nil {
			return err
		}
	}
	ledger := history.NewLedger(h.Event)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.tally
	t.unjudged = c.unjudged
	t.histories++
	t.calls += len(h.Ops)
	switch verdict {
	case history.Legal:
		t.legal++
	case history.Illegal:
		t.illegal++
	case history.Undecided:
		t.undecided++
	}
	for _, op := range h.Ops {
		if op.Outcome == history.Unknown {
			t.unknown++
		}
		ledger.Note(op)
	}
	c.ledgers = append(c.ledgers, ledger)
	return nil
}

// during plays while f breaks things, until f is done. F gives a look to
// whether the context ended, since nothing else ends it early.
func (c *campaign) during(ctx context.Context, f func(context.Context) error) error {
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
	err := f(ctx)
	close(done)
	return errors.Join(err, <-played)
}

// settle holds the store to its bookings, once all locks are over, and
// returns the tally.
func (c *campaign) settle(ctx context.Context, store lockstore.LockStore) (tally, error) {
	if err := sleep(ctx, c.plan.TTL+50*time.Millisecond); err != nil {
		return c.tally, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	work := make(chan *history.Ledger)
	errs := make([]error, 16)
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() {
			for l := range work {
				found, err := l.Audit(ctx, store)
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
	return c.tally, errors.Join(errs...)
}

// sleep returns early, with its error, when the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
