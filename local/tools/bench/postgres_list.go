package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/storetest/history"
)

// postgresList measures a full list, and one of no changes.
func postgresList(ctx context.Context, d *database) (result, error) {
	ev, err := halfTaken(ctx, d.store)
	if err != nil {
		return result{}, err
	}
	took, err := listTimes(ctx, d.store, ev, "", 3*time.Second)
	if err != nil {
		return result{}, err
	}
	snap, err := d.store.List(ctx, ev, "")
	if err != nil {
		return result{}, err
	}
	unchanged, err := listTimes(ctx, d.store, ev, snap.Version, time.Second)
	if err != nil {
		return result{}, err
	}
	p50 := quantile(took, 0.5)
	return result{
		base:   "unchanged: " + millis(quantile(unchanged, 0.5)),
		ours:   "p50 " + millis(p50),
		figure: "p99 " + millis(quantile(took, 0.99)),
		ok:     p50 <= 10*time.Millisecond,
	}, nil
}

const (
	wholeLists = 32 // at the same time, by programs that each have a pool of the usual size
	usualConns = 16
)

// lastHalfSecond counts the confirms that succeed in the last half second of their lock
// while others read whole lists of the event.
func lastHalfSecond(ctx context.Context, d *database) (result, error) {
	const buyers, sales, lock, early = 40, 5, 2 * time.Second, 500 * time.Millisecond
	ev, err := halfTaken(ctx, d.store)
	if err != nil {
		return result{}, err
	}
	brief, err := lockstore.NewEvent(ev.ID, ev.Layout, lock, 0)
	if err != nil {
		return result{}, err
	}
	lists, stop, err := d.listOnAndOn(ctx, ev)
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	var made, succeeded atomic.Int64
	errs := make([]error, buyers)
	var all sync.WaitGroup
	for b := range buyers {
		all.Go(func() {
			for sale := range sales {
				n := b*sales + sale
				seat := ev.Seats[n/lockstore.MaxSeats*2*lockstore.MaxSeats+lockstore.MaxSeats+n%lockstore.MaxSeats] // it is free
				ends, err := d.lockUntil(ctx, brief, user(b), seat)
				if err != nil {
					errs[b] = err
					return
				}
				time.Sleep(time.Until(ends) - early)
				if time.Until(ends) < early/2 {
					continue // this program itself was too late
				}
				made.Add(1)
				if _, err := d.store.Do(ctx, brief, lockstore.Confirm(user(b), seat)); err == nil {
					succeeded.Add(1)
				}
			}
		})
	}
	all.Wait()
	rate := float64(lists.Load()) / time.Since(began).Seconds()
	stop()
	if err := errors.Join(errs...); err != nil {
		return result{}, err
	}
	return result{
		base:   perSecond(rate) + " lists",
		ours:   fmt.Sprintf("%d confirms", made.Load()),
		figure: fmt.Sprintf("%d succeeded", succeeded.Load()),
		ok:     made.Load() >= buyers*sales/2 && succeeded.Load() == made.Load(),
	}, nil
}

// lockUntil locks the seat and returns when the lock ends.
func (d *database) lockUntil(ctx context.Context, ev *lockstore.Event, user lockstore.UserID, seat lockstore.SeatID) (ends time.Time, err error) {
	err = history.Repeat(ctx, func() error {
		got, err := d.store.Do(ctx, ev, lockstore.Lock(user, seat))
		ends = got.Expires
		return err
	})
	return ends, err
}

// listOnAndOn lists the whole event, from many goroutines, until the returned function is
// called. It counts the lists.
func (d *database) listOnAndOn(ctx context.Context, ev *lockstore.Event) (lists *atomic.Int64, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	lists = new(atomic.Int64)
	var all sync.WaitGroup
	var close []func()
	stop = func() {
		cancel()
		all.Wait()
		for _, c := range close {
			c()
		}
	}
	for range wholeLists / usualConns {
		pool, err := pgstore.Pool(d.URL("postgres"))
		if err != nil {
			stop()
			return nil, nil, err
		}
		close = append(close, pool.Close)
		store := pgstore.New(pool)
		for range usualConns {
			all.Go(func() {
				for ctx.Err() == nil {
					if _, err := store.List(ctx, ev, ""); err == nil {
						lists.Add(1)
					}
				}
			})
		}
	}
	return lists, stop, nil
}

// unlisted is how many changes nobody has listed.
const unlisted = 1_000_000

// manyChanges inserts that many changes of the first event, each as a call for one seat would
// leave it, a hundred to a transaction. It writes to the store's tables directly, since as
// many locks would take minutes.
var manyChanges = fmt.Sprintf(`DO $$ BEGIN
  PERFORM set_config('synchronous_commit', 'off', false);
  FOR i IN 1 .. %d LOOP
    INSERT INTO seatlock.change (event, places)
      SELECT (SELECT id FROM seatlock.event), ARRAY[(i * 100 + n) %% 50000] FROM generate_series(1, 100) n;
    COMMIT;
  END LOOP;
END $$`, unlisted/100)

// firstList measures the first list after many unlisted changes, and the lists after it.
func firstList(ctx context.Context, d *database) (result, error) {
	ev, err := halfTaken(ctx, d.store)
	if err != nil {
		return result{}, err
	}
	snap, err := d.store.List(ctx, ev, "")
	if err != nil {
		return result{}, err
	}
	before, err := listTimes(ctx, d.store, ev, "", 2*time.Second)
	if err != nil {
		return result{}, err
	}
	if _, err := d.Exec(ctx, "postgres", manyChanges); err != nil {
		return result{}, err
	}
	const patience = 20 * time.Second
	start := time.Now()
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = history.Repeat(bounded, func() error { _, err := d.store.List(bounded, ev, snap.Version); return err })
	first := time.Since(start)
	if bounded.Err() != nil && ctx.Err() == nil {
		return result{ours: "no list in " + patience.String(), figure: "none"}, nil
	}
	if err != nil {
		return result{}, err
	}
	after, err := listTimes(ctx, d.store, ev, "", 2*time.Second)
	if err != nil {
		return result{}, err
	}
	was, is := quantile(before, 0.5), quantile(after, 0.5)
	ratio := float64(is) / float64(was)
	return result{
		base:   "p50 " + millis(was),
		ours:   "the first " + millis(first) + ", then p50 " + millis(is),
		figure: fmt.Sprintf("then %.2f", ratio),
		ok:     first <= 2*time.Second && ratio <= 1.5,
	}, nil
}
