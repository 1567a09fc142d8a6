package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"seatlock/lockstore"
)

// An operation is compared with Lock by its rate. ready prepares the seats of a round,
// and op returns the operation on a seat that is measured.
type operation struct {
	ready func(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, n int) error
	op    func(n int, seat lockstore.SeatID) lockstore.Op
}

var (
	// extend moves the end of every lock by an hour.
	extend = operation{
		ready: take(lockstore.KindLock),
		op: func(n int, seat lockstore.SeatID) lockstore.Op {
			op := lockstore.Extend(user(n), time.Now().Add(2*time.Hour), seat)
			op.Cap = 3 * time.Hour
			return op
		},
	}
	book = operation{
		op: func(n int, seat lockstore.SeatID) lockstore.Op { return lockstore.Book(user(n), "order", seat) },
	}
	cancel = operation{
		ready: take(lockstore.KindBook),
		op:    func(n int, seat lockstore.SeatID) lockstore.Op { return lockstore.Cancel(user(n), "", seat) },
	}
)

// take returns a function that gives each of the first n seats to a user of its own.
func take(kind lockstore.Kind) func(context.Context, lockstore.LockStore, *lockstore.Event, int) error {
	return func(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, n int) error {
		_, err := parallel(ctx, callers, time.Hour, func(_ int, turns iter.Seq[int]) error {
			for turn := range turns {
				if turn >= n {
					return nil
				}
				op := lockstore.Op{Kind: kind, User: user(turn), Seats: ev.Seats[turn : turn+1]}
				if _, err := store.Do(ctx, ev, op); err != nil {
					return err
				}
			}
			return nil
		})
		return err
	}
}

// operationSeats is the number of seats that a round of an operation has.
const operationSeats = 10_000

// besideLock compares the rate of the operation with that of Lock. newEvent returns a
// store and an event of the given number of seats, none of which anybody has had.
func (o operation) besideLock(ctx context.Context, newEvent func(seats int) (lockstore.LockStore, *lockstore.Event, error)) (result, error) {
	c, err := sideBySide(
		func() (float64, error) {
			store, ev, err := newEvent(operationSeats)
			if err != nil {
				return 0, err
			}
			return o.round(ctx, store, ev, func(n int, seat lockstore.SeatID) lockstore.Op { return lockstore.Lock(user(n), seat) })
		},
		func() (float64, error) {
			store, ev, err := newEvent(operationSeats)
			if err != nil {
				return 0, err
			}
			if o.ready != nil {
				if err := o.ready(ctx, store, ev, operationSeats); err != nil {
					return 0, err
				}
			}
			return o.round(ctx, store, ev, o.op)
		},
	)
	return c.atLeast(0.8), err
}

// round carries out the operation on each seat of the event once, and returns the
// operations a second. Each must change its seat.
func (o operation) round(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, op func(n int, seat lockstore.SeatID) lockstore.Op) (float64, error) {
	start := time.Now()
	_, err := parallel(ctx, callers, time.Hour, func(_ int, turns iter.Seq[int]) error {
		for turn := range turns {
			if turn >= len(ev.Seats) {
				return nil
			}
			op := op(turn, ev.Seats[turn])
			result, err := store.Do(ctx, ev, op)
			if err == nil && len(result.Changed) != 1 {
				err = fmt.Errorf("%v of seat %s changed nothing", op.Kind, ev.Seats[turn])
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return float64(len(ev.Seats)) / time.Since(start).Seconds(), err
}

func redisOperation(o operation) func(context.Context, *redisServer) (result, error) {
	return func(ctx context.Context, s *redisServer) (result, error) {
		return o.besideLock(ctx, func(seats int) (lockstore.LockStore, *lockstore.Event, error) {
			store, err := s.empty(ctx)
			return store, newEvent("bench", seats, 0), err
		})
	}
}

func postgresOperation(o operation) func(context.Context, *database) (result, error) {
	return func(ctx context.Context, d *database) (result, error) {
		return o.besideLock(ctx, func(seats int) (lockstore.LockStore, *lockstore.Event, error) {
			ev, err := d.newEvent(ctx, seats)
			return d.store, ev, err
		})
	}
}
