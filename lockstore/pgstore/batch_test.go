package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest"
)

// TestManyProcesses has the callers of three processes lock, confirm, release and
// list few seats at random. There is no deadlock, no seat is sold twice, and
// no user has more seats than the limit. SEATLOCK_CALLS sets the number of calls.
func TestManyProcesses(t *testing.T) {
	calls := 6000
	if n, err := strconv.Atoi(os.Getenv("SEATLOCK_CALLS")); err == nil {
		calls = n
	}
	const limit = 4
	srv := pgtest.New(t, append(pgtest.Unsafe, "deadlock_timeout=20ms")...)
	url := srv.URL("postgres")
	look := admin(t, url)
	var stores []*pgstore.Store
	for range 3 {
		stores = append(stores, migrated(t, url))
	}
	var events []*lockstore.Event
	for i, limit := range []int{0, limit} {
		events = append(events, storetest.Event(t, lockstore.EventID(fmt.Sprint("event", i)), 400*time.Millisecond, limit, storetest.Seats(12)...))
	}
	type seat struct {
		event *lockstore.Event
		id    lockstore.SeatID
	}
	var mu sync.Mutex
	booked := make(map[seat]lockstore.UserID)
	var made, unavailable, unknown atomic.Int64
	var callers sync.WaitGroup
	for n := range 24 {
		callers.Go(func() {
			s := stores[n%3]
			for made.Add(1) <= int64(calls) {
				ev := events[rand.IntN(2)]
				user := lockstore.UserID(fmt.Sprint("user", rand.IntN(6)))
				var seats []lockstore.SeatID
				for _, i := range rand.Perm(12)[:1+rand.IntN(5)] {
					seats = append(seats, ev.Seats[i])
				}
				var err error
				switch k := rand.IntN(12); {
				case k < 6:
					_, err = s.Do(t.Context(), ev, lockstore.Lock(user, seats...))
				case k < 7:
					if rand.IntN(calls/2400+1) > 0 { // some seats have to stay for sale
						continue
					}
					if _, err = s.Do(t.Context(), ev, lockstore.Confirm(user, seats[0])); err == nil {
						mu.Lock()
						if other, ok := booked[seat{ev, seats[0]}]; ok && other != user {
							t.Errorf("%s is sold to %s and %s", seats[0], other, user)
						}
						booked[seat{ev, seats[0]}] = user
						mu.Unlock()
					}
				case k < 10:
					_, err = s.Do(t.Context(), ev, lockstore.Release(user, seats...))
				default:
					_, err = s.List(t.Context(), ev, "")
				}
				switch {
				case errors.Is(err, lockstore.ErrOutcomeUnknown):
					unknown.Add(1)
				case errors.Is(err, lockstore.ErrUnavailable):
					unavailable.Add(1)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		callers.Wait()
	}()
	for looking := true; looking; {
		select {
		case <-ended:
			looking = false
		case <-time.After(20 * time.Millisecond):
		}
		var most int
		if err := look.QueryRow(t.Context(), `SELECT coalesce(max(n), 0) FROM (
			SELECT count(*) AS n FROM seatlock.seat JOIN seatlock.event ON event.id = seat.event
			WHERE event.name = 'event1' AND until > clock_timestamp() AND holder IS NOT NULL GROUP BY holder) AS x`).Scan(&most); err != nil {
			t.Fatal(err)
		}
		if most > limit {
			t.Errorf("a user has %d seats, the limit is %d", most, limit)
		}
	}
	for at, user := range booked {
		if _, err := stores[0].Do(t.Context(), at.event, lockstore.Confirm(user, at.id)); err != nil && !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("%s was booked by %s: %v", at.id, user, err)
		}
	}
	var deadlocks int
	if err := admin(t, url).QueryRow(t.Context(), "SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'").Scan(&deadlocks); err != nil || deadlocks > 0 {
		t.Errorf("%d deadlocks, %v", deadlocks, err)
	}
	t.Logf("%d calls: %d unavailable, %d unknown, %d seats booked", calls, unavailable.Load(), unknown.Load(), len(booked))
}

// TestOneBadCall checks that a call that the database cannot carry out does not fail the
// other calls of its batch.
func TestOneBadCall(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 40)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	if _, err := admin(t, url).Exec(t.Context(), "ALTER TABLE seatlock.seat ADD CHECK (holder <> 'bad')"); err != nil {
		t.Fatal(err)
	}
	// While these rows are locked, new calls gather behind two late batches.
	tx, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	call := func(user lockstore.UserID, seat lockstore.SeatID, want error) {
		all.Go(func() {
			if _, err := s.Do(context.Background(), ev, lockstore.Lock(user, seat)); !errors.Is(err, want) {
				t.Errorf("Lock of %s by %s: %v, want %v", seat, user, err, want)
			}
		})
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE seatlock.seat IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	for _, seat := range ev.Seats[1:39] {
		call(lockstore.UserID("user "+seat), seat, nil)
	}
	call("bad", "A40", lockstore.ErrUnavailable)
	time.Sleep(50 * time.Millisecond)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if n := len(mustList(t, s, ev, "").Seats); n != 39 {
		t.Errorf("%d seats are locked, want 39", n)
	}
}

// TestSlowBatchHoldsUpNobody checks that calls for other seats go on while some
// wait for a row.
func TestSlowBatchHoldsUpNobody(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 4)
	for _, seat := range ev.Seats[:3] {
		mustDo(t, s, ev, lockstore.Lock(lockstore.UserID("user "+seat), seat))
	}
	tx, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM seatlock.seat FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	late := make(chan error, 3)
	for _, seat := range ev.Seats[:3] {
		go func() {
			_, err := s.Do(context.Background(), ev, lockstore.Confirm(lockstore.UserID("user "+seat), seat))
			late <- err
		}()
		time.Sleep(5 * time.Millisecond) // each goes in a batch of its own
	}
	mustDo(t, s, ev, lockstore.Lock(ben, "A4"))
	if len(late) > 0 {
		t.Error("a call for another seat ended after those that wait")
	}
	for range cap(late) {
		if err := <-late; !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("Confirm of a row that another keeps: %v", err)
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, ev, lockstore.Confirm("user A1", "A1"))
}
