package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"seatlock/lockstore"
)

// In a PostgreSQL with a past, every user who locks seats was the last to have a
// thousand other seats, and half of the seats that they lock were last had by others. All of
// these locks have expired.
const (
	pgAgedUsers = 500
	pgAgedRound = pgAgedUsers * agedLimit // the locks of a round: as many as the limit allows
	pgAgedOwn   = pgAgedUsers * agedLapses
	pgAgedSeats = pgAgedOwn + (rounds+1)*pgAgedRound
)

// agedPostgresLock compares Lock in a PostgreSQL with a past with the bare statement.
func agedPostgresLock(ctx context.Context, d *database) (result, error) {
	ev := newEvent("aged", pgAgedSeats, agedLimit)
	if err := d.store.Open(ctx, ev); err != nil {
		return result{}, err
	}
	if err := d.age(ctx, ev); err != nil {
		return result{}, err
	}
	fresh := ev.Seats[pgAgedOwn:]
	c, err := sideBySide(
		func() (float64, error) { return d.pgbench(ctx) },
		func() (float64, error) {
			seats := fresh[:pgAgedRound]
			fresh = fresh[pgAgedRound:]
			return d.agedRound(ctx, ev, seats)
		},
	)
	return c.atLeast(2), err
}

// age gives the event its past. The users have the first seats in turn, and others have
// half of the last seats.
func (d *database) age(ctx context.Context, ev *lockstore.Event) error {
	brief, err := lockstore.NewEvent(ev.ID, ev.Layout, agedLock, 0)
	if err != nil {
		return err
	}
	err = d.inCalls(ctx, pgAgedOwn/lockstore.MaxSeats, func(call int) error {
		at := call * lockstore.MaxSeats
		_, err := d.store.Do(ctx, brief, lockstore.Lock(user(call%pgAgedUsers), ev.Seats[at:at+lockstore.MaxSeats]...))
		return err
	})
	if err != nil {
		return err
	}
	var half []lockstore.SeatID
	for i := pgAgedOwn; i < len(ev.Seats); i += 2 {
		half = append(half, ev.Seats[i])
	}
	err = d.inCalls(ctx, len(half)/lockstore.MaxSeats, func(call int) error {
		at := call * lockstore.MaxSeats
		_, err := d.store.Do(ctx, brief, lockstore.Lock(lockstore.UserID(fmt.Sprint("other", call)), half[at:at+lockstore.MaxSeats]...))
		return err
	})
	if err != nil {
		return err
	}
	time.Sleep(2 * agedLock)
	_, err = d.Exec(ctx, "postgres", "VACUUM ANALYZE seatlock.seat")
	return err
}

// inCalls makes n calls, as many at the same time as there are callers.
func (d *database) inCalls(ctx context.Context, n int, call func(int) error) error {
	_, err := parallel(ctx, callers, time.Hour, func(_ int, turns iter.Seq[int]) error {
		for turn := range turns {
			if turn >= n {
				return nil
			}
			if err := call(turn); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// agedRound has the users lock a seat each, in turn, until they have as many as they may,
// and returns how many locks a second there were. The users then give them back.
func (d *database) agedRound(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID) (float64, error) {
	start := time.Now()
	err := d.inCalls(ctx, len(seats), func(call int) error {
		_, err := d.store.Do(ctx, ev, lockstore.Lock(user(call%pgAgedUsers), seats[call]))
		return err
	})
	rate := float64(len(seats)) / time.Since(start).Seconds()
	if err != nil {
		return 0, err
	}
	return rate, d.inCalls(ctx, pgAgedUsers, func(call int) error {
		var had []lockstore.SeatID
		for i := call; i < len(seats); i += pgAgedUsers {
			had = append(had, seats[i])
		}
		_, err := d.store.Do(ctx, ev, lockstore.Release(user(call), had...))
		return err
	})
}

func postgresPast(ctx context.Context, d *database) (result, error) {
	return pastOf(ctx, d.store)
}
