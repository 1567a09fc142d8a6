package pgstore_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
)

func TestBadURLs(t *testing.T) {
	for url, says := range map[string]string{
		"localhost:5432":                                                "postgres://",
		"mysql://u:hunter2@h/db":                                        "postgres://",
		"postgres://u:hunter2@h/db?nonsense=1":                          "unknown parameter",
		"postgres://u:hunter2@h/db?pool_max_conns=0":                    "at least 1",
		"postgres://u:hunter2@h/db?default_query_exec_mode=exec":        "cache_describe",
		"postgres://u:hunter2@h/db?target_session_attrs=standby":        "must be read-write",
		"postgres://u:pa?hunter2@h/db":                                  "% and two hexadecimal digits",
		"postgres://u:p?pool_max_conns=hunter2@h/db":                    "% and two hexadecimal digits",
		"postgres://u:12/hunter2@127.0.0.1/db":                          "% and two hexadecimal digits",
		"postgres://u:12#hunter2@127.0.0.1/db":                          "% and two hexadecimal digits",
		"postgres://u:hunter2/x@h/db":                                   "% and two hexadecimal digits",
		"postgres://u:hunter2@h:5x/db":                                  "% and two hexadecimal digits",
		"postgres://u:hunter2@h/db?sslmode=verify-full&sslrootcert=/no": "the files that it names must exist",
		"postgres://u:hunter2@h/db?sslmode=%zz":                         "name=value",
	} {
		_, err := pgstore.Pool(url)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error with %q", url, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// TestManyStartAtOnce checks that of many programs that start on an empty database, one
// makes the tables, and that all of them then work.
func TestManyStartAtOnce(t *testing.T) {
	srv, name := newDatabase(t)
	ev := newEvent(t, 8)
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		s := storeAt(t, srv.URL(name))
		all.Go(func() {
			changed, err := s.Migrate(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			if changed {
				made.Add(1)
			}
			if err := do(t, s, ev, lockstore.Lock(ann, ev.Seats[i])); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() == 0 {
		t.Error("nobody made the tables")
	}
	s := storeAt(t, srv.URL(name))
	if changed, err := s.Migrate(t.Context()); changed || err != nil {
		t.Errorf("once all is there: %v, %v", changed, err)
	}
	if n := len(mustList(t, s, ev, "").Seats); n != 8 {
		t.Errorf("%d seats are locked, want 8", n)
	}
}

// TestCallsMakeTheTables checks that a program need not be restarted if the database was
// away at the start or is emptied.
func TestCallsMakeTheTables(t *testing.T) {
	srv, name := newDatabase(t)
	url := srv.URL(name)
	s := storeAt(t, url)
	ev := newEvent(t, 3)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	v := mustList(t, s, ev, "").Version
	if _, err := admin(t, url).Exec(t.Context(), "DROP SCHEMA seatlock CASCADE"); err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, ev, lockstore.Lock(ben, "A1"))
	if snap := mustList(t, s, ev, v); !snap.Full || len(snap.Seats) != 1 {
		t.Errorf("since a version that the database forgot: %+v, want a full list", snap)
	}
}

func TestNewerDatabase(t *testing.T) {
	s, url := newStore(t)
	if _, err := admin(t, url).Exec(t.Context(), "INSERT INTO seatlock.version (number) VALUES (1000)"); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Migrate(t.Context()); changed || !errors.Is(err, pgstore.ErrNewer) {
		t.Errorf("a database of a newer version: %v, %v, want ErrNewer", changed, err)
	}
}

// TestLeastRights checks that one role can make the tables and another can sell, with the
// rights that the README gives them and no others.
func TestLeastRights(t *testing.T) {
	srv := pgtest.New(t) // its own: roles are the server's
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rights, ok := strings.Cut(string(readme), "```sql\nCREATE ROLE")
	rights, _, _ = strings.Cut(rights, "```")
	before, after, connects := strings.Cut("CREATE ROLE"+rights, "\\connect seatlock\n")
	if !ok || !connects {
		t.Fatal("the README does not say which rights are needed")
	}
	for statement := range strings.SplitSeq(before, ";\n") {
		if statement = strings.TrimSpace(statement); statement != "" {
			if _, err := srv.Exec(t.Context(), "postgres", statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	if _, err := srv.Exec(t.Context(), "seatlock", after); err != nil {
		t.Fatal(err)
	}
	owner, seller := storeAt(t, srv.URLFor("seatlock_owner", "seatlock")), storeAt(t, srv.URLFor("seatlock", "seatlock"))
	ev := newEvent(t, 4)
	if _, err := seller.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "this user may not") {
		t.Errorf("who sells makes tables: %v", err)
	}
	if changed, err := owner.Migrate(t.Context()); !changed || err != nil {
		t.Fatalf("who owns the tables makes them: %v, %v", changed, err)
	}
	if warnings, err := seller.Check(t.Context()); err != nil {
		t.Errorf("Check: %v, %v", warnings, err)
	}
	if changed, err := seller.Migrate(t.Context()); changed || err != nil {
		t.Errorf("once the tables are there: %v, %v", changed, err)
	}
	old := mustList(t, seller, ev, "").Version
	mustDo(t, seller, ev, lockstore.Lock(ann, "A1", "A2"))
	mustDo(t, seller, ev, lockstore.Lock(ann, "A3"))
	if err := seller.Wait(t.Context(), ev, old); err != nil {
		t.Error(err)
	}
	if err := do(t, seller, ev, lockstore.Confirm(ann, "A1")); err != nil {
		t.Error(err)
	}
	if err := do(t, seller, ev, lockstore.Release(ann, "A2")); err != nil {
		t.Error(err)
	}
	wantSeats(t, mustList(t, seller, ev, old), "A1 booked", "A2 available", "A3 locked")
	mustDo(t, seller, ev, lockstore.Cancel(ann, "", "A1"))
	if entries, err := seller.Journal(t.Context(), ev, "", 10); err != nil || len(entries) != 2 {
		t.Errorf("the journal is %v, %v", entries, err)
	}
	if all := mustRoster(t, seller, ev, lockstore.Filter{}); len(all) != 1 || all[0].Seat != "A3" {
		t.Errorf("the roster is %v", all)
	}
	mustPut(t, seller, lockstore.Order{ID: "o", Event: ev.ID, Due: time.UnixMilli(1)})
	if due, err := seller.Due(t.Context(), 10, time.Minute); err != nil || len(due) != 1 {
		t.Errorf("the orders that are due are %v, %v", due, err)
	}
	mustList(t, seller, revised(t, ev, "A4", "A3", "A2", "A1"), "")
	ctl := admin(t, srv.URLFor("seatlock", "seatlock"))
	for _, statement := range []string{"DROP TABLE seatlock.seat", "CREATE TABLE seatlock.mine ()", "DROP FUNCTION seatlock.nonce"} {
		if _, err := ctl.Exec(t.Context(), statement); err == nil {
			t.Errorf("who sells may %s", statement)
		}
	}
}

// TestCheck checks that settings that would lose bookings are refused or warned of.
func TestCheck(t *testing.T) {
	srv, name := newDatabase(t)
	check := func() (string, error) {
		warnings, err := storeAt(t, srv.URL(name)).Check(t.Context())
		return strings.Join(warnings, "\n"), err
	}
	if w, err := check(); !strings.Contains(w, "fsync is off") || !strings.Contains(w, "full_page_writes is off") || err != nil {
		t.Errorf("a server that does not wait for the disk: %q, %v", w, err)
	}
	for setting, bad := range map[string]string{
		"synchronous_commit": "off", "default_transaction_isolation": "serializable", "default_transaction_read_only": "on",
	} {
		if _, err := srv.Exec(t.Context(), name, "ALTER DATABASE "+name+" SET "+setting+" = '"+bad+"'"); err != nil {
			t.Fatal(err)
		}
		if w, err := check(); !errors.Is(err, pgstore.ErrSettings) || !strings.Contains(err.Error(), setting+" is "+bad) || !strings.Contains(err.Error(), "ALTER DATABASE "+name+" SET "+setting+" = ") {
			t.Errorf("%s = %s: %q, %v", setting, bad, w, err)
		}
		if _, err := srv.Exec(t.Context(), "postgres", "ALTER DATABASE "+name+" RESET "+setting); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := storeAt(t, "postgres://postgres@127.0.0.1:1/none?sslmode=disable").Check(t.Context()); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("nothing there: %v", err)
	}
}

// waiting returns how many connections wait for notifications.
func waiting(t *testing.T, ctl *pgx.Conn) (n int) {
	t.Helper()
	err := ctl.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND (query LIKE 'LISTEN%' OR query LIKE '%seatlock.newest%') AND pid <> pg_backend_pid()").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOneConnectionForManyWaiters checks that 50 waiters of five events need no more than
// the one connection of a pool, and leave it free for everything else, that one change
// wakes all who wait for it, and that in the end no connection is kept.
func TestOneConnectionForManyWaiters(t *testing.T) {
	srv, name := newDatabase(t)
	url := srv.URL(name)
	s, ctl := storeAt(t, url+"&pool_max_conns=1"), admin(t, url)
	var all sync.WaitGroup
	var events []*lockstore.Event
	for i := range 5 {
		ev, err := lockstore.NewEvent(lockstore.EventID("event"+string(rune('a'+i))), newEvent(t, 1).Layout, time.Minute, 0)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
		v := mustList(t, s, ev, "").Version
		for range 10 {
			all.Go(func() {
				if err := s.Wait(t.Context(), ev, v); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for waiting(t, ctl) == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 5 { // they come one by one, and none may add to it
		if n := waiting(t, ctl); n > 2 { // one, and the pool's
			t.Errorf("%d connections wait", n)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, ev := range events {
		mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	}
	all.Wait()
	for began := time.Now(); waiting(t, ctl) > 1; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("nobody waits, and a connection still does")
		}
	}
}

// TestWaitHearsOfOthers checks that Wait returns after a change by another process,
// with or without a notification.
func TestWaitHearsOfOthers(t *testing.T) {
	s, url := newStore(t)
	other := storeAt(t, url)
	ev := newEvent(t, 3)
	for i, sell := range []func(){
		func() { mustDo(t, other, ev, lockstore.Lock(ann, "A1")) },
		func() { // without a notification
			_, err := admin(t, url).Exec(t.Context(), sale, string(ev.ID), 1, string(ann), "1 hour")
			if err != nil {
				t.Error(err)
			}
		},
	} {
		v := mustList(t, s, ev, "").Version
		woken := make(chan error, 1)
		go func() { woken <- s.Wait(t.Context(), ev, v) }()
		time.Sleep(50 * time.Millisecond)
		if len(woken) > 0 {
			t.Errorf("%d: Wait returned before anything changed: %v", i, <-woken)
			continue
		}
		sell()
		if err := <-woken; err != nil {
			t.Error(err)
		}
	}
}
