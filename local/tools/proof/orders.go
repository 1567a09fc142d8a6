package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// An orderPlay has clients change orders at random, while its caller breaks things,
// and checks every order that they read: a Put that was acknowledged is never lost, and
// no two Puts make the same revision.
type orderPlay struct {
	store lockstore.OrderStore
	event lockstore.EventID
	ids   []lockstore.OrderID

	mu    sync.Mutex
	known map[lockstore.OrderID]*knownOrder
	found orderLosses
}

// A knownOrder is what the clients know of an order.
type knownOrder struct {
	newest int64                     // the highest revision that was acknowledged
	put    map[int64]string          // by revision: the body that was acknowledged
	open   map[int64]map[string]bool // by revision: bodies of Puts that may have taken effect
}

// orderLosses counts what was wrong with orders.
type orderLosses struct {
	puts  int // acknowledged Puts
	lost  int // acknowledged Puts that the store does not have, or made twice
	words []string
}

// add adds other losses.
func (l *orderLosses) add(o orderLosses) {
	l.puts += o.puts
	l.lost += o.lost
	l.words = append(l.words, o.words...)
}

const (
	orderClients = 3
	orderPause   = 10 * time.Millisecond
)

func newOrderPlay(store lockstore.OrderStore, name string) *orderPlay {
	p := &orderPlay{store: store, event: lockstore.EventID(name + "-orders"), known: make(map[lockstore.OrderID]*knownOrder)}
	for i := range 8 {
		id := lockstore.OrderID(name + "-order-" + strconv.Itoa(i))
		p.ids = append(p.ids, id)
		p.known[id] = &knownOrder{put: make(map[int64]string), open: make(map[int64]map[string]bool)}
	}
	return p
}

// run changes orders until done is closed or the context ends.
func (p *orderPlay) run(ctx context.Context, done <-chan struct{}) error {
	errs := make([]error, orderClients)
	var clients sync.WaitGroup
	for i := range errs {
		clients.Go(func() {
			for n := 0; errs[i] == nil && ctx.Err() == nil; n++ {
				select {
				case <-done:
					return
				case <-time.After(rand.N(2 * orderPause)):
				}
				errs[i] = p.turn(ctx, fmt.Sprintf("%d-%d", i, n))
			}
		})
	}
	clients.Wait()
	return errors.Join(errs...)
}

// turn reads an order and puts its next revision. Sometimes it lists the due orders.
func (p *orderPlay) turn(ctx context.Context, body string) error {
	if rand.IntN(8) == 0 {
		return passing(p.due(ctx))
	}
	id := p.ids[rand.IntN(len(p.ids))]
	o, err := p.read(ctx, id)
	if err != nil {
		return passing(err)
	}
	o.Body, o.Due = []byte(body), time.Now().Add(rand.N(200*time.Millisecond))
	p.try(o)
	revision, err := p.store.Put(ctx, o)
	if err != nil {
		if !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			p.undo(o)
		}
		if errors.Is(err, lockstore.ErrOrderChanged) {
			return nil
		}
		return passing(err)
	}
	p.acknowledged(o, revision)
	return nil
}

// passing returns err, or nil if the store was unreachable or did not answer, or the
// context has ended.
func passing(err error) error {
	for _, fine := range []error{lockstore.ErrUnavailable, lockstore.ErrOutcomeUnknown, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, fine) {
			return nil
		}
	}
	return err
}

// read reads an order, a new one if there is none, and checks it.
func (p *orderPlay) read(ctx context.Context, id lockstore.OrderID) (lockstore.Order, error) {
	p.mu.Lock()
	least := p.known[id].newest
	p.mu.Unlock()
	o, err := p.store.Order(ctx, id)
	if errors.Is(err, lockstore.ErrNoOrder) {
		o, err = lockstore.Order{ID: id, Event: p.event}, nil
	}
	if err == nil {
		p.check(o, least)
	}
	return o, err
}

func (p *orderPlay) due(ctx context.Context) error {
	all, err := p.store.Due(ctx, 5, 50*time.Millisecond)
	for _, o := range all {
		if o.Event == p.event {
			p.check(o, 0)
		}
	}
	return err
}

// check checks an order that was read when its revision had to be at least least.
func (p *orderPlay) check(o lockstore.Order, least int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.known[o.ID]
	if k == nil {
		p.wrong("order %s was never put", o.ID)
		return
	}
	put, acknowledged := k.put[o.Revision]
	switch {
	case o.Revision < least:
		p.wrong("order %s has revision %d, and revision %d was acknowledged", o.ID, o.Revision, least)
	case o.Revision > 0 && !k.open[o.Revision][string(o.Body)] && (!acknowledged || put != string(o.Body)):
		p.wrong("order %s has %q at revision %d, and %q was acknowledged", o.ID, o.Body, o.Revision, put)
	}
}

func (p *orderPlay) wrong(format string, args ...any) {
	p.found.lost++
	p.found.words = append(p.found.words, fmt.Sprintf(format, args...))
}

// try records a Put that is about to be made.
func (p *orderPlay) try(o lockstore.Order) {
	p.mu.Lock()
	defer p.mu.Unlock()
	open := p.known[o.ID].open
	if open[o.Revision+1] == nil {
		open[o.Revision+1] = make(map[string]bool)
	}
	open[o.Revision+1][string(o.Body)] = true
}

// undo records that a Put did nothing.
func (p *orderPlay) undo(o lockstore.Order) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close(o)
}

// close forgets a Put whose outcome is known. The caller must hold p.mu.
func (p *orderPlay) close(o lockstore.Order) {
	delete(p.known[o.ID].open[o.Revision+1], string(o.Body))
}

// acknowledged records that a Put was acknowledged with the revision.
func (p *orderPlay) acknowledged(o lockstore.Order, revision int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// in one step, so that a client that reads the order meanwhile finds it open or put
	p.close(o)
	k := p.known[o.ID]
	p.found.puts++
	if revision != o.Revision+1 {
		p.wrong("a Put of order %s at revision %d made revision %d", o.ID, o.Revision, revision)
	}
	if other, twice := k.put[revision]; twice {
		p.wrong("revision %d of order %s was acknowledged for %q and for %q", revision, o.ID, other, o.Body)
	}
	k.put[revision], k.newest = string(o.Body), max(k.newest, revision)
}

// audit reads every order once more and returns what was wrong.
func (p *orderPlay) audit(ctx context.Context) (orderLosses, error) {
	for _, id := range p.ids {
		err := history.Repeat(ctx, func() error { _, err := p.read(ctx, id); return err })
		if err != nil {
			return p.found, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found, nil
}
