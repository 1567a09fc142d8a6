package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
)

const (
	paidProcesses = 3
	paidBuyers    = 12 // at the same time
	paidOrders    = 150
	paidAmount    = 8400

	// paidKills is how often a store is killed.
	paidKills = 4
)

// A paidSale sells many events, each to one buyer, and breaks things meanwhile. Each
// event has a history of its own, which is checked.
type paidSale struct {
	*trial
	paidRow
	world   *paymenttest.World
	books   *recorded
	prefix  string                      // of the ids of its events
	fail    func(context.Context) error // the store; nil if it does not fail
	forgets bool                        // the store

	mu      sync.Mutex
	buyers  []*paidBuyer
	started []*paymenttest.Process
	faults  int

	lost atomic.Int64 // orders whose locks have ended, where that is what fails
}

// newPaidSale returns a sale in the store, which fail makes fail.
func newPaidSale(t *trial, r paidRow, store paidStore, fail func(context.Context) error) *paidSale {
	s := &paidSale{trial: t, paidRow: r, books: &recorded{LockStore: store}, prefix: "paid" + strconv.FormatUint(rand.Uint64(), 36), fail: fail, forgets: fail != nil}
	s.world = &paymenttest.World{Seats: s.books, Orders: store, Bank: new(paymenttest.Bank), Pace: t.pace, Compares: s.forgets}
	if r.bank != nil {
		r.bank(s.world.Bank, s)
	}
	if s.plays == nil {
		s.plays = ordinaryPlays
	}
	return s
}

// run sells, waits until everything has ended, and judges.
func (s *paidSale) run(ctx context.Context) (paidTally, error) {
	defer s.world.Stop()
	failing, cancel := context.WithCancel(ctx)
	var breakers sync.WaitGroup
	stop := func() { cancel(); breakers.Wait() }
	defer stop()
	var breakErr error
	for n := range paidProcesses {
		switch {
		case s.killed != nil:
			first := s.startNext(ctx, n)
			breakers.Go(func() { s.killAgain(failing, n, first) })
		case s.failing != nil:
			s.start(ctx, s.soon(s.failing(n))...)
		default:
			s.start(ctx)
		}
	}
	if s.fail != nil {
		breakers.Go(func() { breakErr = s.failAgain(failing) })
	}
	s.sell(ctx)
	if s.fail != nil {
		breakers.Wait()
	}
	stop()
	s.start(ctx) // one that does not fail
	s.world.Land()
	landed := time.Now()
	if err := errors.Join(breakErr, ctx.Err()); err != nil {
		return paidTally{}, err
	}
	return s.judge(ctx, landed)
}

// soon leaves out the faults that last for long, in a run that must be short.
func (s *paidSale) soon(faults []paymenttest.Fault) []paymenttest.Fault {
	if s.scale >= 1 {
		return faults
	}
	return slices.DeleteFunc(slices.Clone(faults), func(f paymenttest.Fault) bool { return f.Kind.Long() })
}

// start starts a process.
func (s *paidSale) start(ctx context.Context, faults ...paymenttest.Fault) *paymenttest.Process {
	p := s.world.Start(ctx, faults...)
	s.mu.Lock()
	s.started = append(s.started, p)
	s.mu.Unlock()
	return p
}

// killAgain starts a process again and again when it was killed. It begins with the nth
// of the faults; each of the three goroutines takes its share of them.
func (s *paidSale) killAgain(ctx context.Context, n int, p *paymenttest.Process) {
	for ; ; p = s.startNext(context.WithoutCancel(ctx), n) {
		select {
		case <-p.Ended():
		case <-ctx.Done():
			return
		}
		if sleep(ctx, s.world.Paced(upTo(10*time.Second))) != nil {
			return
		}
		n += paidProcesses
	}
}

// startNext starts a process that is killed at the nth of the faults, or at none if there
// are no more.
func (s *paidSale) startNext(ctx context.Context, n int) *paymenttest.Process {
	if n >= len(s.killed) {
		return s.start(ctx)
	}
	return s.start(ctx, s.killed[n])
}

// failAgain makes the store fail a few times. Somebody else then takes what it has
// forgotten.
func (s *paidSale) failAgain(ctx context.Context) error {
	for range s.times(paidKills) {
		if sleep(ctx, 3*time.Second+upTo(3*time.Second)) != nil {
			return nil
		}
		if err := s.fail(ctx); err != nil {
			return err
		}
		s.mu.Lock()
		s.faults++
		latest := slices.Clone(s.buyers[max(0, len(s.buyers)-3*paidBuyers):])
		s.mu.Unlock()
		for _, b := range latest {
			if rand.IntN(3) == 0 {
				b.rival(ctx)
			}
		}
	}
	return nil
}

// sell has buyers buy, until there are enough orders and every process that is to be
// killed was.
func (s *paidSale) sell(ctx context.Context) {
	most := s.times(paidOrders)
	limit := time.Now().Add(s.world.Paced(20 * time.Minute))
	var all sync.WaitGroup
	var count atomic.Int64
	for range min(paidBuyers, max(4, most)) {
		all.Go(func() {
			for ctx.Err() == nil {
				n := int(count.Add(1))
				if n > most && (s.allFired() || time.Now().After(limit)) {
					return
				}
				s.buy(ctx, n)
			}
		})
	}
	all.Wait()
}

// allFired reports whether every kill has happened, and every failure of the store.
func (s *paidSale) allFired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	fired := 0
	for _, p := range s.started {
		fired += p.Fired()
	}
	return fired >= min(len(s.killed), s.times(len(s.killed))) && (s.fail == nil || s.faults >= s.times(paidKills))
}

// buy is what one buyer does, with an event of its own.
func (s *paidSale) buy(ctx context.Context, n int) {
	layout, err := lockstore.NewLayout([]lockstore.SeatID{"A1", "A2", "A3", "A4", "A5"})
	if err != nil {
		panic(err) // it is constant
	}
	ev, err := lockstore.NewEvent(lockstore.EventID(s.prefix+"-"+strconv.Itoa(n)), layout, time.Minute, 0)
	if err != nil {
		panic(err)
	}
	s.books.add(ev)
	s.world.Add(ev)
	b := &paidBuyer{sale: s, ev: ev, n: n}
	if !b.do(ctx, lockstore.Lock(paymenttest.Buyer, ev.Seats[:2]...)) {
		return
	}
	s.mu.Lock()
	s.buyers = append(s.buyers, b)
	s.mu.Unlock()
	b.order = s.world.CheckoutOf(ctx, ev, n, paidAmount)
	if b.order != nil {
		s.plays[rand.IntN(len(s.plays))](ctx, b)
	}
	b.left.Store(time.Now().UnixMilli())
}
