package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"seatlock/lockstore"
)

// newEvent returns an event of n seats, named 0, 1, 2 …, with locks of an hour.
func newEvent(id lockstore.EventID, n, seatLimit int) *lockstore.Event {
	seats := make([]lockstore.SeatID, n)
	for i := range seats {
		seats[i] = lockstore.SeatID(strconv.Itoa(i))
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		panic(err) // the names are valid
	}
	ev, err := lockstore.NewEvent(id, layout, time.Hour, seatLimit)
	if err != nil {
		panic(err)
	}
	return ev
}

// seatLimit is the seat limit of most events. Users stay below it, but every lock has to
// check it.
const seatLimit = 8

// user returns the user with a number.
func user(n int) lockstore.UserID { return lockstore.UserID("user" + strconv.Itoa(n)) }

// errTooFewSeats is returned when a round locks more seats than an event has.
var errTooFewSeats = errors.New("the event has too few seats for this machine")

// lockAll has callers lock group after group of n seats for a round, each group for a user
// of its own, and returns the number of locks a second.
func lockAll(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, callers, n int) (float64, error) {
	return parallel(ctx, callers, round, func(_ int, turns iter.Seq[int]) error {
		for turn := range turns {
			at := turn * n
			if at+n > len(ev.Seats) {
				return errTooFewSeats
			}
			if _, err := store.Do(ctx, ev, lockstore.Lock(user(turn), ev.Seats[at:at+n]...)); err != nil {
				return err
			}
		}
		return nil
	})
}

// halfTaken returns an event of 50,000 seats, half of which it has taken in the store:
// 20,000 are booked, 5,000 locked.
func halfTaken(ctx context.Context, store lockstore.LockStore) (*lockstore.Event, error) {
	ev := newEvent("half-taken", 50_000, 0)
	for i := 0; i < 25_000; i += lockstore.MaxSeats {
		seats := ev.Seats[2*i : 2*i+lockstore.MaxSeats]
		if _, err := store.Do(ctx, ev, lockstore.Lock(user(i), seats...)); err != nil {
			return nil, err
		}
		if i >= 20_000 {
			continue
		}
		if _, err := store.Do(ctx, ev, lockstore.Confirm(user(i), seats...)); err != nil {
			return nil, err
		}
	}
	return ev, nil
}

// listTimes lists a half taken event again and again for d, and returns how long each
// list took. If since is a Version, nothing must have changed since then.
func listTimes(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, since lockstore.Version, d time.Duration) ([]time.Duration, error) {
	want := 0
	if since == "" {
		want = len(ev.Seats) / 2
	}
	var took []time.Duration
	for began := time.Now(); time.Since(began) < d; {
		start := time.Now()
		snap, err := store.List(ctx, ev, since)
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
		if len(snap.Seats) != want {
			return nil, fmt.Errorf("a list has %d seats, not %d", len(snap.Seats), want)
		}
	}
	return took, nil
}
