package pgstore_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"seatlock/lockstore"
)

// An older is a program of an earlier number.
type older struct {
	*pgx.Conn
	ev     *lockstore.Event
	number int
}

// call makes a call for one seat, which is numbered from 1, as the program does.
func (o older) call(t *testing.T, kind string, seat int32, user lockstore.UserID, lasts time.Duration) (outcome string, err error) {
	t.Helper()
	var sql string
	args := []any{string(o.ev.ID), o.ev.Fingerprint(), []int32{seat - 1}, []string{string(o.ev.Seats[seat-1])}, string(user)}
	switch {
	case o.number == 5:
		sql = "SELECT coalesce(outcomes[1], 'ok') FROM seatlock.carry_out($1, $2, 0, ARRAY[$3], ARRAY[$4], $7, $5, $6, $7, $7, ARRAY[$8], $7, $7, $7)"
		args = []any{kind, lasts, string(o.ev.ID), o.ev.Fingerprint(), []int32{seat - 1}, []string{string(o.ev.Seats[seat-1])}, []int32{1}, string(user)}
	case kind == "lock":
		sql, args = "SELECT outcome FROM seatlock.do_lock($1, $2, $3, $4, $5, $6, 0)", append(args, lasts)
	default:
		sql = "SELECT outcome FROM seatlock.do_" + kind + "($1, $2, $3, $4, $5)"
	}
	err = o.QueryRow(t.Context(), sql, args...).Scan(&outcome)
	return outcome, err
}

// want makes a call and checks its outcome.
func (o older) want(t *testing.T, outcome, kind string, seat int32, user lockstore.UserID, lasts time.Duration) {
	t.Helper()
	if got, err := o.call(t, kind, seat, user, lasts); got != outcome || err != nil {
		t.Fatalf("number %d: %s of seat %d by %s: %q, %v, want %q", o.number, kind, seat, user, got, err, outcome)
	}
}

// fromNumber makes an empty database of that number.
func fromNumber(t *testing.T, number int) (url string, o older) {
	t.Helper()
	srv, name := newDatabase(t)
	o = older{admin(t, srv.URL(name)), newEvent(t, 8), number}
	scripts := []string{`CREATE SCHEMA seatlock;
		CREATE TABLE seatlock.version (number int PRIMARY KEY, made timestamptz NOT NULL DEFAULT now());
		INSERT INTO seatlock.version (number) SELECT generate_series(1, ` + strconv.Itoa(number) + `)`}
	files := []string{"sql/001.sql"}
	if number == 5 {
		files = append(files, "sql/004.sql", "sql/005.sql")
	}
	for _, file := range append(files, fmt.Sprintf("testdata/number%d.sql", number)) {
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

// numbers are those of earlier programs that were in use for long.
var numbers = []int{3, 5}

// TestMigrationKeepsSeats checks that everything that a database of an earlier number has
// about seats is still there after the migration.
func TestMigrationKeepsSeats(t *testing.T) {
	for _, number := range numbers {
		t.Run(strconv.Itoa(number), func(t *testing.T) { migrationKeepsSeats(t, number) })
	}
}

func migrationKeepsSeats(t *testing.T, number int) {
	url, old := fromNumber(t, number)
	const brief = 20 * time.Millisecond
	old.want(t, "ok", "lock", 1, ann, time.Minute)
	old.want(t, "ok", "lock", 2, ann, time.Minute)
	old.want(t, "ok", "confirm", 2, ann, 0)
	old.want(t, "ok", "lock", 3, ann, time.Minute)
	old.want(t, "ok", "release", 3, ann, 0)
	old.want(t, "ok", "lock", 4, ann, brief) // nobody has it afterwards
	users := []lockstore.UserID{"u0"}
	for n := range 20 { // two users more than are remembered, and one who has it
		if n > 0 {
			users = append(users, lockstore.UserID("u"+string(rune('a'+n))))
		}
		time.Sleep(brief)
		old.want(t, "ok", "lock", 5, users[n], brief)
	}
	time.Sleep(brief)
	old.want(t, "ok", "lock", 5, ben, time.Minute)
	if number == 3 {
		mustExec(t, old.Conn, "INSERT INTO seatlock.lapse SELECT event, place, 'forgotten', clock_timestamp() - interval '11 minutes' FROM seatlock.seat WHERE place = 0")
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
	holdings := mustRoster(t, s, ev, lockstore.Filter{User: ann})
	if len(holdings) != 2 || holdings[0].Seat != "A1" || holdings[0].Since.IsZero() || holdings[1].Status != lockstore.Booked || holdings[1].Ref != "" {
		t.Errorf("the roster is %+v", holdings)
	}
	until := holdings[0].Since.Add(2 * time.Minute)
	if got := mustDo(t, s, ev, lockstore.Extend(ann, until, "A1")).Expires; !got.Equal(until) {
		t.Errorf("an extended lock ends at %v, want %v", got, until)
	}
	mustDo(t, s, ev, lockstore.Confirm(ann, "A1", "A2"))
	mustDo(t, s, ev, lockstore.Confirm(ben, "A5"))
	if result := mustDo(t, s, ev, lockstore.Cancel(ann, "", "A1", "A2")); len(result.Changed) != 2 {
		t.Errorf("Cancel of both bookings changed %v", result.Changed)
	}
	if entries, err := s.Journal(t.Context(), ev, "", 10); err != nil || len(entries) != 3 {
		t.Errorf("the journal is %v, %v, want what happened since the migration", entries, err)
	}
	if next := revised(t, ev, slices.Concat(ev.Seats[1:], ev.Seats[:1])...); len(mustList(t, s, next, "").Seats) != 1 {
		t.Error("a new layout has other seats")
	}
}

// TestOlderProgramsAreRefused has programs of an earlier number sell beside one that
// migrates. Each of their calls is carried out before the migration, or fails.
func TestOlderProgramsAreRefused(t *testing.T) {
	for _, number := range numbers {
		t.Run(strconv.Itoa(number), func(t *testing.T) { olderProgramsAreRefused(t, number) })
	}
}

func olderProgramsAreRefused(t *testing.T, number int) {
	url, old := fromNumber(t, number)
	old.want(t, "ok", "lock", 1, ann, time.Minute)
	running := make(chan struct{}, 2)
	ended := make(chan int, 2) // calls that were carried out
	for _, user := range []lockstore.UserID{ann, ben} {
		o := older{admin(t, url), old.ev, number}
		go func() {
			made := 0
			begun := sync.OnceFunc(func() { running <- struct{}{} })
			defer func() { begun(); ended <- made }()
			for seat := int32(2); ; seat = 2 + (seat+1)%6 {
				for _, kind := range []string{"lock", "release"} {
					_, err := o.call(t, kind, seat, user, time.Minute)
					if e, ok := errors.AsType[*pgconn.PgError](err); err != nil && (!ok || e.Code != "55P03") { // it waited too long
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
		t.Errorf("a lock of number %d is lost: %v", number, result)
	}
	for _, kind := range []string{"lock", "confirm", "release"} {
		if outcome, err := old.call(t, kind, 1, ann, time.Minute); err == nil {
			t.Errorf("%s of number %d after the migration: %q", kind, number, outcome)
		}
	}
	var tables int
	if err := old.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'seatlock' AND tablename = 'lapse'").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("the table of lapses is there: %d, %v", tables, err)
	}
}
