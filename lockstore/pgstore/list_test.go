package pgstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest"
)

// bookSQL books the places from $2 to $3 of an event without a change.
const bookSQL = `INSERT INTO seatlock.seat (event, place, name, holder, since, until)
	SELECT id, place, 'A' || (place + 1), 'house', '2000-01-01', 'infinity' FROM seatlock.event, generate_series($2::int, $3) AS place WHERE name = $1`

// changesSQL adds $2 changes of the seats of an event, which has $3, as if so many
// calls had been made.
const changesSQL = `INSERT INTO seatlock.change (event, places)
	SELECT id, ARRAY[n % $3] FROM seatlock.event, generate_series(1, $2::int) AS n WHERE name = $1`

func mustExec(t testing.TB, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until the query, which returns a boolean, returns true.
func eventually(t testing.TB, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		var ok bool
		if err := c.QueryRow(t.Context(), sql, args...).Scan(&ok); err != nil {
			t.Fatal(err)
		}
		if ok {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("never true: %s", sql)
		}
	}
}

// TestManyChangesThatNobodyListed checks that a list after more changes than the log
// keeps is full, however many they are, that lists continue from it, and that the
// changes are deleted.
func TestManyChangesThatNobodyListed(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 1000)
	ctl := admin(t, url)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	old := mustList(t, s, ev, "").Version
	mustDo(t, s, ev, lockstore.Lock(ann, "A2"))
	mustExec(t, ctl, changesSQL, string(ev.ID), 400_000, len(ev.Seats))

	waited := make(chan error, 1)
	go func() { waited <- s.Wait(t.Context(), ev, old) }()
	snap := mustList(t, s, ev, old)
	if !snap.Full {
		t.Errorf("since a Version that is 400,000 changes behind, the list has %d changes", len(snap.Seats))
	}
	wantSeats(t, snap, "A1 locked", "A2 locked")
	if err := <-waited; err != nil {
		t.Error(err)
	}
	mustDo(t, s, ev, lockstore.Lock(ann, "A3"))
	next := mustList(t, s, ev, snap.Version)
	if next.Full {
		t.Error("the list after it is full")
	}
	wantSeats(t, next, "A3 locked")
	if !mustList(t, s, ev, old).Full {
		t.Error("the log has a Version that it passed over")
	}
	eventually(t, ctl, "SELECT count(*) = 0 FROM seatlock.change")
}

// TestRestoredIntoAnotherServer checks that no change is missed in a database whose
// log has transaction ids that the server has not reached yet.
func TestRestoredIntoAnotherServer(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	old := mustList(t, s, ev, "").Version
	mustExec(t, admin(t, url), "UPDATE seatlock.log SET seen = '999999999:999999999:'")
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	snap := mustList(t, s, ev, old)
	wantSeats(t, snap, "A1 locked")
	mustDo(t, s, ev, lockstore.Lock(ann, "A2"))
	wantSeats(t, mustList(t, s, ev, snap.Version), "A2 locked")
}

// TestListWaitsForConfirmsInTime checks that a list waits for a confirm that came before
// the end of its lock if the lock has ended by the list's clock, and that it waits for
// nothing that came later.
func TestListWaitsForConfirmsInTime(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	other, err := lockstore.NewEvent("other", ev.Layout, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	mustList(t, s, other, "")
	mustList(t, s, ev, "")
	share := func(tx pgx.Tx) {
		t.Helper()
		if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock_shared(1399156850, id) FROM seatlock.event WHERE name = $1", string(ev.ID)); err != nil {
			t.Fatal(err)
		}
	}
	confirm, later := begin(t, url, ev, 1, ann), begin(t, url, ev, 2, ben)
	share(confirm)

	listed := make(chan lockstore.Snapshot, 1)
	go func() {
		snap, err := s.List(t.Context(), ev, "")
		if err != nil {
			t.Error(err)
		}
		listed <- snap
	}()
	time.Sleep(100 * time.Millisecond)
	if len(listed) > 0 {
		t.Error("the list did not wait for a confirm that is under way")
	}
	share(later)
	if err := confirm.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSeats(t, <-listed, "A1 locked")

	began := time.Now()
	if _, err := s.List(t.Context(), ev, ""); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("the list beside a confirm that does not end: %v, want ErrUnavailable", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	mustList(t, s, other, "")
	if err := later.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSeats(t, mustList(t, s, ev, ""), "A1 locked", "A2 locked")
}

// TestConfirmsInTimeBesideLists checks that a confirm in the last second of its lock
// succeeds while many clients ask for full lists of a large event.
func TestConfirmsInTimeBesideLists(t *testing.T) {
	s, url := newStore(t)
	ev := storetest.Event(t, "event", 900*time.Millisecond, 0, storetest.Seats(30_000)...)
	mustList(t, s, ev, "")
	mustExec(t, admin(t, url), bookSQL, string(ev.ID), 15_000, 29_999)
	ctx, stop := context.WithCancel(t.Context())
	var listers, buyers sync.WaitGroup
	for range 2 {
		far := storeAt(t, url)
		for range 16 {
			listers.Go(func() {
				for ctx.Err() == nil {
					_, _ = far.List(t.Context(), ev, "") // TestManyWholeListsBesideSales is about lists
				}
			})
		}
	}
	for i := range 4 {
		buyers.Go(func() {
			for n := range 25 {
				confirmInTime(t, s, ev, ev.Seats[i*1000+n])
			}
		})
	}
	buyers.Wait()
	stop()
	listers.Wait()
}

// confirmInTime locks a seat for less than a second, confirms it at once, and checks
// that a lock of the database delayed neither call for too long. A busy
// machine can be too slow for the rest.
func confirmInTime(t *testing.T, s lockstore.LockStore, ev *lockstore.Event, seat lockstore.SeatID) {
	t.Helper()
	for _, op := range []lockstore.Op{lockstore.Lock(ann, seat), lockstore.Confirm(ann, seat)} {
		if err := do(t, s, ev, op); err != nil && strings.Contains(err.Error(), "55P03") {
			t.Errorf("%s of %s: %v", op.Kind, seat, err)
		}
	}
}

// TestManyWholeListsBesideSales checks that many full lists at once all succeed
// while seats are sold by the same process.
func TestManyWholeListsBesideSales(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 30_000)
	mustList(t, s, ev, "")
	mustExec(t, admin(t, url), bookSQL, string(ev.ID), 15_000, 29_999)
	ctx, stop := context.WithCancel(t.Context())
	var sellers, listers sync.WaitGroup
	for i := range 8 {
		sellers.Go(func() {
			for n := 0; ctx.Err() == nil && n < 1800; n++ {
				if err := do(t, s, ev, lockstore.Lock(ann+lockstore.UserID(fmt.Sprint(i)), ev.Seats[i*1800+n])); err != nil {
					t.Errorf("a lock: %v", err)
				}
			}
		})
	}
	for range 48 {
		listers.Go(func() {
			for range 10 {
				if snap := mustList(t, s, ev, ""); len(snap.Seats) < 15_000 {
					t.Errorf("a list has %d seats", len(snap.Seats))
				}
			}
		})
	}
	listers.Wait()
	stop()
	sellers.Wait()
}

// blocks returns how many pages of 8 kB the query reads.
func blocks(t *testing.T, c *pgx.Conn, query string) int {
	t.Helper()
	var text []byte
	if err := c.QueryRow(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	var plans []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		t.Fatalf("EXPLAIN answers %s: %v", text, err)
	}
	return plans[0].Plan.Hit + plans[0].Plan.Read
}

// wantSmallWork checks that numbering one change, listing it and looking for
// changes each read few pages.
func wantSmallWork(t *testing.T, c *pgx.Conn, s lockstore.LockStore, ev *lockstore.Event, when string) {
	t.Helper()
	number, nonce, _ := strings.Cut(string(mustList(t, s, ev, "").Version), "-")
	for _, query := range []string{
		"SELECT seatlock.newest('{event}')",
		"SELECT seatlock.number(1)",
		"SELECT seatlock.changes(1, " + number + ", '" + nonce + "')",
	} {
		var n int
		for range 3 { // the first reads the catalog too, in order to plan
			mustExec(t, c, sale, string(ev.ID), 1, "ann", "1 minute")
			n = blocks(t, c, query)
		}
		if n > 200 {
			t.Errorf("%s: %s reads %d pages, want 200 at most", when, query, n)
		}
	}
}

// TestSmallListsAreSmallWork checks that a list of few changes reads few pages:
// with generic plans, in a large event whose tables have no statistics or new
// ones, and with dead rows that another snapshot keeps.
func TestSmallListsAreSmallWork(t *testing.T) {
	srv := pgtest.New(t, append([]string{"autovacuum=off"}, pgtest.Unsafe...)...)
	url := srv.URL("postgres")
	s := migrated(t, url)
	ev := newEvent(t, 50_000)
	mustList(t, s, ev, "")
	ctl := admin(t, url)
	mustExec(t, ctl, "SET plan_cache_mode = force_generic_plan")
	mustExec(t, ctl, bookSQL, string(ev.ID), 10_000, 49_999)
	wantSmallWork(t, ctl, s, ev, "without statistics")
	mustExec(t, ctl, "VACUUM ANALYZE")
	wantSmallWork(t, ctl, s, ev, "with statistics")

	old, err := admin(t, url).BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(t.Context(), "SELECT FROM seatlock.event"); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		mustExec(t, ctl, changesSQL, string(ev.ID), 9_000, len(ev.Seats))
		mustList(t, s, ev, "")
	}
	wantSmallWork(t, ctl, s, ev, "beside 90,000 dead rows")
	mustExec(t, ctl, "VACUUM ANALYZE")
	wantSmallWork(t, ctl, s, ev, "beside 90,000 dead rows, with statistics")
	if err := old.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}
