package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest/history"
)

// A mapChange is a sale during which the layout of the event is replaced. Processes
// with the old layout and with the new one sell at the same time.
type mapChange struct {
	stores   stores
	old, new *lockstore.Event

	changed atomic.Bool // a call with the new layout has succeeded
	mu      sync.Mutex
	calls   int
	sold    map[lockstore.SeatID][]lockstore.UserID // users whose booking was acknowledged
	open    map[lockstore.SeatID][]lockstore.UserID // users whose booking has an unknown outcome
	found   history.Losses
}

// stores are the store of the processes with the old layout and that of the processes with
// the new one.
type stores struct{ old, new lockstore.LockStore }

const (
	mapSeats   = 120
	mapSellers = 8
	mapTime    = 400 * time.Millisecond // of a sale
)

// newMap replaces the layout in the middle of many sales. Every second new layout lacks
// a booked seat, and must be refused.
func newMap(open func(context.Context, *trial) (stores, error)) func(context.Context, *trial) (tally, error) {
	return func(ctx context.Context, t *trial) (tally, error) {
		counted := tally{unjudged: true}
		stores, err := open(ctx, t)
		if err != nil {
			return counted, err
		}
		for i := range t.times(40) {
			lacking := i%2 == 1
			m, err := newMapChange(ctx, stores, lacking)
			if err != nil {
				return counted, err
			}
			if err := m.run(ctx); err != nil {
				return counted, err
			}
			if m.changed.Load() == lacking {
				m.found.Stuck++
				m.found.Words = append(m.found.Words, fmt.Sprintf("the layout of %s was replaced: %v, though it lacks a booked seat: %v", m.old.ID, !lacking, lacking))
			}
			counted.calls += m.calls
			counted.faults++
			counted.losses.Add(m.found)
		}
		return counted, nil
	}
}

func inMemory(context.Context, *trial) (stores, error) {
	store := new(memstore.Store)
	return stores{store, store}, nil
}

func inFile(_ context.Context, t *trial) (stores, error) {
	_, store, err := t.boltStore()
	return stores{store, store}, err
}

func inRedis(_ context.Context, t *trial) (stores, error) {
	server, before, err := t.redis()
	if err != nil {
		return stores{}, err
	}
	after, err := t.redisStore(server.URL(), redisstore.Options{})
	return stores{before, after}, err
}

func inCluster(ctx context.Context, t *trial) (stores, error) {
	nodes, before, err := t.cluster(ctx, false, 0)
	if err != nil {
		return stores{}, err
	}
	after, err := t.redisStore(nodes.URL(), redisstore.Options{})
	return stores{before, after}, err
}

func inPostgres(ctx context.Context, t *trial) (stores, error) {
	server, before, err := t.postgres(ctx)
	if err != nil {
		return stores{}, err
	}
	after, err := t.postgresStore(ctx, server.URL("postgres"))
	return stores{before, after}, err
}

// newMapChange returns a sale of seats S0, S1, …, the first of which is booked. The new
// layout has them in another order, with new seats in between.
func newMapChange(ctx context.Context, s stores, lacking bool) (*mapChange, error) {
	var seats, later []lockstore.SeatID
	for i := range mapSeats {
		seats = append(seats, lockstore.SeatID("S"+strconv.Itoa(i)))
		later = append(later, seats[i], lockstore.SeatID("N"+strconv.Itoa(i)))
	}
	if lacking {
		later = later[1:]
	}
	slices.Reverse(later)
	id := lockstore.EventID("map-" + strconv.FormatUint(rand.Uint64(), 36))
	m := &mapChange{stores: s, sold: make(map[lockstore.SeatID][]lockstore.UserID), open: make(map[lockstore.SeatID][]lockstore.UserID)}
	var err error
	if m.old, err = eventOf(id, seats, 1); err != nil {
		return nil, err
	}
	if m.new, err = eventOf(id, later, 2); err != nil {
		return nil, err
	}
	err = history.Repeat(ctx, func() error {
		_, err := s.old.Do(ctx, m.old, lockstore.Book("first", "", seats[0]))
		return err
	})
	m.sold[seats[0]] = []lockstore.UserID{"first"}
	return m, err
}

func eventOf(id lockstore.EventID, seats []lockstore.SeatID, revision int) (*lockstore.Event, error) {
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		return nil, err
	}
	ev, err := lockstore.NewEvent(id, layout, 100*time.Millisecond, 0)
	if err == nil {
		ev.Revision = revision
	}
	return ev, err
}

// run sells while the layout is replaced, and then compares the store with what was sold.
func (m *mapChange) run(ctx context.Context) error {
	selling, cancel := context.WithTimeout(ctx, mapTime)
	defer cancel()
	errs := make([]error, 2*mapSellers)
	var sellers sync.WaitGroup
	for i := range errs {
		sellers.Go(func() {
			store, ev := m.stores.old, m.old
			if i%2 == 1 {
				store, ev = m.stores.new, m.new
				_ = sleep(selling, rand.N(mapTime/2)) // ends early when the sale ends
			}
			for n := 0; errs[i] == nil && selling.Err() == nil; n++ {
				errs[i] = m.sell(ctx, store, ev, lockstore.UserID(fmt.Sprintf("buyer-%d-%d", i, n)))
			}
		})
	}
	sellers.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return m.audit(ctx)
}

// sell books a seat for the user, in one step or two.
func (m *mapChange) sell(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, user lockstore.UserID) error {
	seat := ev.Seats[rand.IntN(len(ev.Seats))]
	ops := []lockstore.Op{lockstore.Book(user, "", seat)}
	if rand.IntN(2) == 0 {
		ops = []lockstore.Op{lockstore.Lock(user, seat), lockstore.Confirm(user, seat)}
	}
	for i, op := range ops {
		_, err := store.Do(ctx, ev, op)
		m.mu.Lock()
		m.calls++
		if i == len(ops)-1 && err == nil {
			m.sold[seat] = append(m.sold[seat], user)
		}
		if errors.Is(err, lockstore.ErrOutcomeUnknown) {
			m.open[seat] = append(m.open[seat], user)
		}
		m.mu.Unlock()
		_, conflict := errors.AsType[*lockstore.ConflictError](err)
		switch {
		case err == nil:
			if ev == m.new {
				m.changed.Store(true)
			}
		case errors.Is(err, lockstore.ErrOtherSeats): // the other layout is sold
			time.Sleep(rand.N(5 * time.Millisecond))
			return nil
		case conflict:
			return nil
		default:
			return passing(err)
		}
	}
	return nil
}

// audit compares the roster and the journal with what was acknowledged.
func (m *mapChange) audit(ctx context.Context) error {
	ev := m.old
	if m.changed.Load() {
		ev = m.new
	}
	var booked map[lockstore.SeatID]lockstore.UserID
	err := history.Repeat(ctx, func() error {
		booked = make(map[lockstore.SeatID]lockstore.UserID)
		_, holdings := m.stores.new.Roster(ctx, ev, lockstore.Filter{})
		for h, err := range holdings {
			if err != nil {
				return err
			}
			if h.Status == lockstore.Booked {
				booked[h.Seat] = h.User
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.compare("roster", booked)
	journal := make(map[lockstore.SeatID]lockstore.UserID)
	var after lockstore.Seq
	for {
		var page []lockstore.Entry
		err := history.Repeat(ctx, func() (err error) { page, err = m.stores.new.Journal(ctx, ev, after, lockstore.MaxEntries); return err })
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			after = e.Seq
			for _, seat := range e.Seats {
				if user, twice := journal[seat]; twice {
					m.found.Twice++
					m.say("the journal books %s for %q and for %q", seat, user, e.User)
				}
				journal[seat] = e.User
			}
		}
	}
	m.compare("journal", journal)
	return nil
}

// compare compares bookings with what was acknowledged.
func (m *mapChange) compare(what string, booked map[lockstore.SeatID]lockstore.UserID) {
	for seat, users := range m.sold {
		if what == "roster" {
			m.found.Bookings += len(users)
		}
		if len(users) > 1 {
			m.found.Twice++
			m.say("%s was sold to %q", seat, users)
		}
		if !slices.Contains(users, booked[seat]) {
			m.found.Lost++
			m.say("the %s has %s for %q, and it was sold to %q", what, seat, booked[seat], users)
		}
	}
	for seat, user := range booked {
		if !slices.Contains(m.sold[seat], user) && !slices.Contains(m.open[seat], user) {
			m.found.Stuck++
			m.say("the %s has %s for %q, to whom it was not sold", what, seat, user)
		}
	}
}

func (m *mapChange) say(format string, args ...any) {
	m.found.Words = append(m.found.Words, string(m.old.ID)+": "+fmt.Sprintf(format, args...))
}
