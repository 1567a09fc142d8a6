package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

const (
	ann lockstore.UserID = "ann"
	ben lockstore.UserID = "ben"
)

func newEvent(t testing.TB, seats int) *lockstore.Event {
	t.Helper()
	return storetest.Event(t, "event", time.Minute, 0, storetest.Seats(seats)...)
}

func do(t testing.TB, s lockstore.LockStore, ev *lockstore.Event, op lockstore.Op) error {
	_, err := s.Do(t.Context(), ev, op)
	return err
}

// mustDo carries out the operation, which must succeed. A slow server is not a fault, so
// the operation is repeated while the server does not answer.
func mustDo(t testing.TB, s lockstore.LockStore, ev *lockstore.Event, op lockstore.Op) (result lockstore.Result) {
	t.Helper()
	err := history.Repeat(t.Context(), func() (err error) { result, err = s.Do(t.Context(), ev, op); return err })
	if err != nil {
		t.Fatalf("%s %ss %v: %v", op.User, op.Kind, op.Seats, err)
	}
	return result
}

func mustList(t testing.TB, s lockstore.LockStore, ev *lockstore.Event, since lockstore.Version) lockstore.Snapshot {
	t.Helper()
	var snap lockstore.Snapshot
	if err := history.Repeat(t.Context(), func() (err error) { snap, err = s.List(t.Context(), ev, since); return err }); err != nil {
		t.Fatal(err)
	}
	return snap
}

// wantSeats compares a list of an event of newEvent with seats such as "A1 locked".
func wantSeats(t *testing.T, snap lockstore.Snapshot, want ...string) {
	t.Helper()
	var got []string
	for _, s := range snap.Seats {
		got = append(got, fmt.Sprintf("A%d %s", s.Position+1, s.Status))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list is %q, want %q", got, want)
	}
}

// sale changes a seat, numbered from 1, as every call that changes seats does.
const sale = `WITH sold AS (
		INSERT INTO seatlock.seat (event, place, name, holder, since, until)
		SELECT id, $2 - 1, 'A' || $2, $3, clock_timestamp(), clock_timestamp() + $4::interval FROM seatlock.event WHERE name = $1
		ON CONFLICT (event, place) DO UPDATE SET holder = excluded.holder, since = excluded.since, until = excluded.until
		RETURNING event, place
	) INSERT INTO seatlock.change (event, places) SELECT event, ARRAY[place] FROM sold`

// begin begins a transaction that has locked the seat and does not end.
func begin(t *testing.T, url string, ev *lockstore.Event, seat int, user lockstore.UserID) pgx.Tx {
	t.Helper()
	tx, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), sale, string(ev.ID), seat, string(user), "1 minute"); err != nil {
		t.Fatal(err)
	}
	return tx
}

// TestDeltaSeesWhatCommitsLate checks two sales of which the later one is committed, and
// listed, first. A reader that follows the changes misses neither, and neither a sale nor
// a list waits for the other sale.
func TestDeltaSeesWhatCommitsLate(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 5)
	v0 := mustList(t, s, ev, "").Version

	early := begin(t, url, ev, 1, ann)
	late := begin(t, url, ev, 2, ben)
	mustDo(t, s, ev, lockstore.Lock("cat", "A3"))
	unlisted := mustList(t, s, ev, v0)
	wantSeats(t, unlisted, "A3 locked")

	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	between := mustList(t, s, ev, unlisted.Version)
	wantSeats(t, between, "A2 locked")
	if again := mustList(t, s, ev, between.Version); again.Version != between.Version || again.Full || len(again.Seats) > 0 {
		t.Errorf("nothing was committed since, and the list is %+v", again)
	}

	if err := early.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSeats(t, mustList(t, s, ev, between.Version), "A1 locked")
	wantSeats(t, mustList(t, s, ev, unlisted.Version), "A1 locked", "A2 locked")
	wantSeats(t, mustList(t, s, ev, v0), "A1 locked", "A2 locked", "A3 locked")

	undone := begin(t, url, ev, 4, ann)
	v := mustList(t, s, ev, "").Version
	if err := undone.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if snap := mustList(t, s, ev, v); snap.Version != v || len(snap.Seats) > 0 {
		t.Errorf("a sale that was rolled back is listed: %+v", snap)
	}
}

// TestDeltasUnderLoad has sellers in many transactions at the same time, some of which
// take long, and followers who fold the changes. In the end, each follower has what the
// list has.
func TestDeltasUnderLoad(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 60)
	mustList(t, s, ev, "")
	ctx, stop := context.WithCancel(t.Context())
	var followers sync.WaitGroup
	for range 4 {
		mine := storeAt(t, url)
		followers.Go(func() {
			folded, since := make(map[int32]lockstore.ListedSeat), lockstore.Version("")
			for last := false; !last; {
				last = ctx.Err() != nil
				snap, err := mine.List(t.Context(), ev, since)
				if err != nil {
					t.Error(err)
					return
				}
				if snap.Full != (since == "") {
					t.Errorf("since %q: full is %v", since, snap.Full)
				}
				for _, seat := range snap.Seats {
					folded[seat.Position] = seat
				}
				since = snap.Version
			}
			maps.DeleteFunc(folded, func(_ int32, seat lockstore.ListedSeat) bool { return seat.Status == lockstore.Available })
			whole := make(map[int32]lockstore.ListedSeat)
			for _, seat := range mustList(t, s, ev, "").Seats {
				whole[seat.Position] = seat
			}
			if !maps.Equal(folded, whole) {
				t.Errorf("the changes fold to %v, the list is %v", folded, whole)
			}
		})
	}
	var sellers sync.WaitGroup
	for i := range 8 {
		sellers.Go(func() {
			user := lockstore.UserID(fmt.Sprint("user", i))
			for n := range 60 {
				seats := []lockstore.SeatID{ev.Seats[(i*7+n)%60], ev.Seats[(i*7+n+13)%60]}
				if err := do(t, s, ev, lockstore.Lock(user, seats...)); err == nil && n%3 > 0 {
					if err := do(t, s, ev, lockstore.Release(user, seats...)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	sellers.Go(func() {
		for n := range 20 {
			tx := begin(t, url, ev, n*3+1, "slow")
			time.Sleep(10 * time.Millisecond)
			err := tx.Commit(t.Context())
			if err != nil {
				t.Error(err)
			}
		}
	})
	sellers.Wait()
	stop()
	followers.Wait()
}

// TestSalesDoNotQueue checks that a sale that is under way holds up only calls for its own
// seats, and nothing else of the event.
func TestSalesDoNotQueue(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 40)
	v := mustList(t, s, ev, "").Version
	under := begin(t, url, ev, 1, ann)
	for i := 1; i < len(ev.Seats); i += 2 {
		mustDo(t, s, ev, lockstore.Lock(ben, ev.Seats[i]))
		if err := do(t, s, ev, lockstore.Confirm(ben, ev.Seats[i])); err != nil {
			t.Fatal(err)
		}
		next := mustList(t, s, ev, v)
		wantSeats(t, next, string(ev.Seats[i])+" booked")
		v = next.Version
	}
	if err := under.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSeats(t, mustList(t, s, ev, v), "A1 locked")
}

// TestTheLogIsPruned checks that the log keeps about 10,000 changes, and that a reader that
// is further behind, or has a version of another life of the database, gets a full list.
func TestTheLogIsPruned(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 50)
	old := mustList(t, s, ev, "").Version
	var versions []lockstore.Version
	for range 110 {
		mustDo(t, s, ev, lockstore.Lock(ann, ev.Seats...))
		versions = append(versions, mustList(t, s, ev, "").Version)
		if err := do(t, s, ev, lockstore.Release(ann, ev.Seats...)); err != nil {
			t.Fatal(err)
		}
		mustList(t, s, ev, "") // otherwise the two would be one change
	}
	last := mustList(t, s, ev, "").Version
	ctl := admin(t, url)
	var rows int
	if err := ctl.QueryRow(t.Context(), "SELECT count(*) FROM seatlock.log").Scan(&rows); err != nil || rows > 202 {
		t.Errorf("the log has %d rows, %v", rows, err)
	}
	if snap := mustList(t, s, ev, old); !snap.Full {
		t.Error("a delta from beyond the log")
	}
	if snap := mustList(t, s, ev, versions[len(versions)-90]); snap.Full || len(snap.Seats) != 50 {
		t.Errorf("over most of the log: full is %v, with %d seats", snap.Full, len(snap.Seats))
	}
	if _, err := ctl.Exec(t.Context(), "UPDATE seatlock.log SET nonce = 'another' WHERE number = (SELECT max(number) FROM seatlock.log)"); err != nil {
		t.Fatal(err)
	}
	if snap := mustList(t, s, ev, last); !snap.Full {
		t.Error("a delta from a Version that the database has with another nonce")
	}
	if _, err := ctl.Exec(t.Context(), "TRUNCATE seatlock.log"); err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	wantSeats(t, mustList(t, s, ev, last), "A1 locked")
}

// TestStrangersHoldUpNoList checks that lists do not wait for another user's call for a
// seat in the last second of its lock, which changes nothing.
func TestStrangersHoldUpNoList(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 1)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	ctl := admin(t, url)
	if _, err := ctl.Exec(t.Context(), "UPDATE seatlock.seat SET until = clock_timestamp() + interval '950 ms'"); err != nil {
		t.Fatal(err)
	}
	tx, err := ctl.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	for _, kind := range []lockstore.Kind{lockstore.KindRelease, lockstore.KindConfirm} {
		if err := carryOut(t, tx, ev, kind, 1, "eve"); err != nil && !errors.Is(err, lockstore.LockNotHeld) {
			t.Fatal(err)
		}
	}
	mustList(t, s, ev, "")
}
