package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/history"
)

// frozenInList freezes clients in the middle of a list of a large event, one after the
// other, while others sell and list that event, and histories are played.
func frozenInList(ctx context.Context, t *trial) (tally, error) {
	server, store, err := t.postgres(ctx)
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "frozen", store, 8)
	c.plan.TTL = diskTTL
	sale, err := newSale(ctx, c)
	if err != nil {
		return tally{}, err
	}
	err = c.playDuring(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		var selling sync.WaitGroup
		selling.Go(func() { sale.run(ctx) })
		defer selling.Wait()
		defer cancel()
		return c.repeating(12, 0, 500*time.Millisecond, func(ctx context.Context, _ int) error {
			return freezeInList(ctx, server, store, sale.rec.Event)
		})(ctx)
	})
	if err != nil {
		return c.tally, err
	}
	sale.judge()
	c.record(sale.rec.History(0)) // it is too large to look for an order
	return c.audit(ctx)
}

// freezeInList has another client list the event, freezes it in the middle, and keeps it
// frozen for longer than anybody may be held up.
func freezeInList(ctx context.Context, server *pgtest.Server, store lockstore.LockStore, ev *lockstore.Event) error {
	for began := time.Now(); ; {
		frozen, err := freezeOnce(ctx, server, store, ev)
		if err != nil || frozen {
			return err
		}
		if time.Since(began) > startTime {
			return errors.New("no list of a client that was frozen is under way in PostgreSQL")
		}
	}
}

// freezeOnce is one attempt of freezeInList. It reports whether the client was frozen; on a
// busy machine the list may end too early.
func freezeOnce(ctx context.Context, server *pgtest.Server, store lockstore.LockStore, ev *lockstore.Event) (frozen bool, err error) {
	var since lockstore.Version
	err = history.Repeat(ctx, func() error {
		snap, err := store.List(ctx, ev, "")
		since = snap.Version
		return err
	})
	if err != nil {
		return false, err
	}
	link, err := startNarrow(server.Addr)
	if err != nil {
		return false, err
	}
	defer link.close()
	pool, err := pgstore.Pool(urlAt(server, link.addr) + "&pool_max_conns=1&application_name=frozen")
	if err != nil {
		return false, err
	}
	defer pool.Close()
	client := pgstore.New(pool)
	// A list of changes opens the connection. After a whole list the system's buffers would
	// have room for another.
	if err := history.Repeat(ctx, func() error { _, err := client.List(ctx, ev, since); return err }); err != nil {
		return false, err
	}
	// A kept list is so short that it would be sent whole.
	if err := forgetKept(ctx, server); err != nil {
		return false, err
	}
	link.freezeAfter(20 << 10)
	_, _ = client.List(ctx, ev, "") // the server does not notice its end
	if frozen, err = blocked(ctx, server); err != nil || !frozen {
		return false, err
	}
	return true, sleep(ctx, 2*holdUp)
}

// forgetKept deletes the kept lists. Readers soon keep another.
func forgetKept(ctx context.Context, server *pgtest.Server) error {
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "DELETE FROM seatlock.base")
	return err
}

// blocked reports whether the server waits for the client that is frozen.
func blocked(ctx context.Context, server *pgtest.Server) (yes bool, err error) {
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return false, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'frozen' AND wait_event = 'ClientWrite')").Scan(&yes)
	return yes, err
}

// holdUp is how long somebody else's fault may hold up a caller.
const holdUp = 2 * time.Second

// A sale of a large event has sellers and readers, who repeat each call until it is
// answered.
type sale struct {
	c      *campaign
	rec    *history.Recorder
	calls  atomic.Int64
	heldUp atomic.Int64 // of the calls
}

const (
	saleSeats   = 50_000
	saleSellers = 4
	saleReaders = 2
)

// newSale books enough of an event to make its list large.
func newSale(ctx context.Context, c *campaign) (*sale, error) {
	seats := make([]lockstore.SeatID, saleSeats)
	for i := range seats {
		seats[i] = lockstore.SeatID(fmt.Sprintf("S%d", i))
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		return nil, err
	}
	ev, err := lockstore.NewEvent(lockstore.EventID(c.name+".large"), layout, time.Second, 0)
	if err != nil {
		return nil, err
	}
	s := &sale{c: c, rec: &history.Recorder{Store: c.store, Event: ev}}
	const sellers = 16
	errs := make([]error, sellers)
	var all sync.WaitGroup
	for n := range sellers {
		all.Go(func() {
			for at := saleSeats/2 + n*lockstore.MaxSeats; at < saleSeats; at += sellers * lockstore.MaxSeats {
				for _, op := range bookingOf(lockstore.UserID(fmt.Sprintf("first-%d", at)), seats[at:at+lockstore.MaxSeats]...) {
					call := s.call(ctx, history.Call{Client: n, Op: op, Settings: &history.Settings{LockTTL: time.Minute}})
					errs[n] = errors.Join(errs[n], call.Cause)
				}
			}
		})
	}
	all.Wait()
	return s, errors.Join(errs...)
}

func bookingOf(user lockstore.UserID, seats ...lockstore.SeatID) []lockstore.Op {
	return []lockstore.Op{lockstore.Lock(user, seats...), lockstore.Confirm(user, seats...)}
}

// run sells and lists until the context ends.
func (s *sale) run(ctx context.Context) {
	s.calls.Store(0)
	s.heldUp.Store(0)
	var all sync.WaitGroup
	for n := range saleSellers {
		all.Go(func() {
			for at := n; at < saleSeats/2 && ctx.Err() == nil; at += saleSellers {
				for _, op := range bookingOf(lockstore.UserID(fmt.Sprintf("user-%d", at)), s.rec.Event.Seats[at]) {
					s.call(ctx, history.Call{Client: n, Op: op})
				}
				_ = sleep(ctx, 50*time.Millisecond)
			}
		})
	}
	for n := range saleReaders {
		all.Go(func() {
			var since lockstore.Version
			for i := 0; ctx.Err() == nil; i++ {
				if i%10 == 0 {
					since = "" // a whole list
				}
				call := s.call(ctx, history.Call{Client: saleSellers + n, Method: history.List, Since: since})
				if call.Snapshot != nil {
					since = call.Snapshot.Version
				}
				_ = sleep(ctx, 50*time.Millisecond)
			}
		})
	}
	all.Wait()
}

// call repeats the call until it is answered. The call was held up if that took too long, or
// if a confirm came too late although it was made as soon as the seat was locked.
func (s *sale) call(ctx context.Context, c history.Call) (got history.Call) {
	ctx = context.WithoutCancel(ctx) // finish what has begun
	began := time.Now()
	_ = history.Repeat(ctx, func() error { // returns the error of the call
		got = s.rec.Do(ctx, c)
		return got.Cause
	})
	s.calls.Add(1)
	if time.Since(began) > holdUp || got.Conflict != nil && got.Conflict.Reason == lockstore.LockExpired {
		s.heldUp.Add(1)
	}
	return got
}

// judge counts the calls that were held up, if there are more than a busy machine explains.
func (s *sale) judge() {
	calls, heldUp := s.calls.Load(), s.heldUp.Load()
	if 10*heldUp > calls {
		s.c.late(fmt.Sprintf("%d of %d calls of others were held up", heldUp, calls))
	}
}
