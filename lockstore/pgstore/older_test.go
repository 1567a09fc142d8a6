package pgstore_test

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"seatlock/lockstore"
)

// An older is a program of number 3.
type older struct {
	*pgx.Conn
	ev *lockstore.Event
}

// call makes a call for one seat, which is numbered from 1, as the program does.
func (o older) call(t *testing.T, name string, seat int32, user lockstore.UserID, lasts time.Duration) (outcome string, err error) {
	t.Helper()
	sql := "SELECT outcome FROM seatlock." + name + "($1, $2, $3, $4, $5)"
	args := []any{string(o.ev.ID), o.ev.Fingerprint(), []int32{seat - 1}, []string{string(o.ev.Seats[seat-1])}, string(user)}
	if name == "do_lock" {
		sql, args = "SELECT outcome FROM seatlock.do_lock($1, $2, $3, $4, $5, $6, 0)", append(args, lasts)
	}
	err = o.QueryRow(t.Context(), sql, args...).Scan(&outcome)
	return outcome, err
}

// want makes a call and checks its outcome.
func (o older) want(t *testing.T, outcome, name string, seat int32, user lockstore.UserID, lasts time.Duration) {
	t.Helper()
	if got, err := o.call(t, name, seat, user, lasts); got != outcome || err != nil {
		t.Fatalf("number 3: %s of seat %d by %s: %q, %v, want %q", name, seat, user, got, err, outcome)
	}
}

// number3 makes an empty database of number 3.
func number3(t *testing.T) (url string, o older) {
	t.Helper()
	srv, name := newDatabase(t)
	o = older{admin(t, srv.URL(name)), newEvent(t, 8)}
	scripts := []string{`CREATE SCHEMA seatlock;
		CREATE TABLE seatlock.version (number int PRIMARY KEY, made timestamptz NOT NULL DEFAULT now());
		INSERT INTO seatlock.version (number) VALUES (1), (2), (3)`}
	for _, file := range []string{"sql/001.sql", "testdata/number3.sql"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, string(text))
	}
	for _, script := range scripts {
		if _, err := o.PgConn().Exec(t.Context(), script).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	var outcome string
	if err := o.QueryRow(t.Context(), "SELECT seatlock.open($1, $2)", string(o.ev.ID), o.ev.Fingerprint()).Scan(&outcome); err != nil || outcome != "ok" {
		t.Fatalf("open: %q, %v", outcome, err)
	}
	return srv.URL(name), o
}

// TestMigrationKeepsSeats checks that all that a database of number 3 has of seats
// is there after the migration.
func TestMigrationKeepsSeats(t *testing.T) {
	url, old := number3(t)
	const brief = 20 * time.Millisecond
	old.want(t, "ok", "do_lock", 1, ann, time.Minute)
	old.want(t, "ok", "do_lock", 2, ann, time.Minute)
	old.want(t, "ok", "do_confirm", 2, ann, 0)
	old.want(t, "ok", "do_lock", 3, ann, time.Minute)
	old.want(t, "ok", "do_release", 3, ann, 0)
	old.want(t, "ok", "do_lock", 4, ann, brief) // nobody has it afterwards
	users := []lockstore.UserID{"u0"}
	for n := range 20 { // two users more than are remembered, and one who has it
		if n > 0 {
			users = append(users, lockstore.UserID("u"+string(rune('a'+n))))
		}
		time.Sleep(brief)
		old.want(t, "ok", "do_lock", 5, users[n], brief)
	}
	time.Sleep(brief)
	old.want(t, "ok", "do_lock", 5, ben, time.Minute)
	if _, err := old.Exec(t.Context(), "INSERT INTO seatlock.lapse SELECT event, place, 'forgotten', clock_timestamp() - interval '11 minutes' FROM seatlock.seat WHERE place = 0"); err != nil {
		t.Fatal(err)
	}

	s := storeAt(t, url)
	if changed, err := s.Migrate(t.Context()); !changed || err != nil {
		t.Fatalf("Migrate: %v, %v", changed, err)
	}
	ev := old.ev
	wantSeats(t, mustList(t, s, ev, ""), "A1 locked", "A2 booked", "A5 locked")
	refused := func(user lockstore.UserID, seat lockstore.SeatID, want error) {
		t.Helper()
		if err := do(t, s, ev, lockstore.Confirm(user, seat)); !errors.Is(err, want) {
			t.Errorf("Confirm of %s by %s: %v, want %v", seat, user, err, want)
		}
	}
	for n, user := range users {
		if n < len(users)-lockstore.MinSeatLapses {
			refused(user, "A5", lockstore.LockNotHeld)
		} else {
			refused(user, "A5", lockstore.LockExpired)
		}
	}
	refused(ann, "A4", lockstore.LockExpired)
	refused(ann, "A3", lockstore.LockNotHeld)
	refused("forgotten", "A1", lockstore.LockNotHeld)
	limited := *ev
	limited.SeatLimit = 2
	if err := do(t, s, &limited, lockstore.Lock(ann, "A6")); !errors.Is(err, lockstore.OverSeatLimit) {
		t.Errorf("Lock beyond the limit: %v", err)
	}
	mustDo(t, s, ev, lockstore.Confirm(ann, "A1", "A2"))
	mustDo(t, s, ev, lockstore.Confirm(ben, "A5"))
}

// TestOlderProgramsAreRefused has programs of number 3 sell beside one that
// migrates. Each of their calls is carried out before it, or fails.
func TestOlderProgramsAreRefused(t *testing.T) {
	url, old := number3(t)
	old.want(t, "ok", "do_lock", 1, ann, time.Minute)
	running := make(chan struct{}, 2)
	ended := make(chan int, 2) // calls that were carried out
	for _, user := range []lockstore.UserID{ann, ben} {
		o := older{admin(t, url), old.ev}
		go func() {
			made := 0
			begun := sync.OnceFunc(func() { running <- struct{}{} })
			defer func() { begun(); ended <- made }()
			for seat := int32(2); ; seat = 2 + (seat+1)%6 {
				for _, name := range []string{"do_lock", "do_release"} {
					_, err := o.call(t, name, seat, user, time.Minute)
					if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code != "55P03" { // it waited too long
						return
					}
					if made++; made == 20 {
						begun()
					}
				}
			}
		}()
	}
	<-running
	<-running
	s := migrated(t, url)
	if n, m := <-ended, <-ended; n < 20 || m < 20 {
		t.Errorf("%d and %d calls were carried out", n, m)
	}
	if result := mustDo(t, s, old.ev, lockstore.Lock(ann, "A1")); len(result.Changed) > 0 {
		t.Errorf("a lock of number 3 is lost: %v", result)
	}
	for _, name := range []string{"do_lock", "do_confirm", "do_release"} {
		if outcome, err := old.call(t, name, 1, ann, time.Minute); err == nil {
			t.Errorf("%s of number 3 after the migration: %q", name, outcome)
		}
	}
	var tables int
	if err := old.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'seatlock' AND tablename = 'lapse'").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("the table of lapses is there: %d, %v", tables, err)
	}
}
