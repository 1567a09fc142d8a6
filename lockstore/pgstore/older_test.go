package pgstore_test

import (
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"seatlock/lockstore"
)

// TestOlderProgramsGoOn: programs of number 1, which are replaced one by one, and
// new ones sell from one database, and neither mistakes the other's answers.
func TestOlderProgramsGoOn(t *testing.T) {
	srv, name := newDatabase(t)
	s, ctl, ev := storeAt(t, srv.URL(name)), admin(t, srv.URL(name)), newEvent(t, 5)
	run := func(files ...string) {
		t.Helper()
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ctl.PgConn().Exec(t.Context(), string(text)).ReadAll(); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
	}
	if _, err := ctl.PgConn().Exec(t.Context(), `CREATE SCHEMA seatlock;
		CREATE TABLE seatlock.version (number int PRIMARY KEY, made timestamptz NOT NULL DEFAULT now());
		INSERT INTO seatlock.version (number) VALUES (1)`).ReadAll(); err != nil {
		t.Fatal(err)
	}
	run("sql/001.sql", "sql/open.sql", "sql/nonce.sql", "sql/take.sql", "sql/list.sql", "testdata/number1.sql")

	// older makes a call as a program of number 1 does, and returns its outcome.
	older := func(call string, seat int32, user lockstore.UserID) (outcome string) {
		t.Helper()
		args := []any{string(ev.ID), ev.Fingerprint(), []int32{seat - 1}, []string{string(ev.Seats[seat-1])}, string(user)}
		sql, into := "SELECT * FROM seatlock."+call+"($1, $2, $3, $4, $5)", []any{&outcome, new([]int32), new([]pgtype.Timestamptz)}
		if call == "lock" {
			sql, args = "SELECT * FROM seatlock.lock($1, $2, $3, $4, $5, $6, $7)", append(args, ev.LockTTL, 0)
			into = []any{&outcome, new(*int), new([]int32), new([]pgtype.Timestamptz), new(pgtype.Timestamptz)}
		}
		if err := ctl.QueryRow(t.Context(), sql, args...).Scan(into...); err != nil {
			t.Fatalf("%s of number 1: %v", call, err)
		}
		return outcome
	}
	var opened string
	if err := ctl.QueryRow(t.Context(), "SELECT seatlock.open($1, $2)", string(ev.ID), ev.Fingerprint()).Scan(&opened); err != nil {
		t.Fatal(err)
	}
	outcomes := []string{opened, older("lock", 1, ann)}
	if changed, err := s.Migrate(t.Context()); !changed || err != nil {
		t.Fatalf("Migrate: %v, %v", changed, err)
	}
	mustDo(t, s, ev, lockstore.Lock(ben, "A5"))
	v := mustList(t, s, ev, "").Version
	outcomes = append(outcomes, older("lock", 2, ann), older("lock", 3, ann), older("confirm", 2, ann), older("release", 3, ann), older("lock", 5, ann), older("confirm", 5, ann))
	if want := []string{"ok", "ok", "ok", "ok", "ok", "ok", "seat_locked", "lock_not_held"}; !slices.Equal(outcomes, want) {
		t.Errorf("the calls of number 1 answer %q, want %q", outcomes, want)
	}
	wantSeats(t, mustList(t, s, ev, v), "A2 booked", "A3 available")
	mustDo(t, s, ev, lockstore.Confirm(ann, "A1"))
	wantSeats(t, mustList(t, s, ev, ""), "A1 booked", "A2 booked", "A5 locked")

	var outcome, nonce string
	var number int64
	var whole, beyond bool
	var clock pgtype.Timestamptz
	var places []int32
	var untils []pgtype.Timestamptz
	if err := ctl.QueryRow(t.Context(), "SELECT * FROM seatlock.list($1, $2, -1, '')", string(ev.ID), ev.Fingerprint()).Scan(&outcome, &number, &nonce, &whole, &clock, &places, &untils); err != nil || len(places) != 3 {
		t.Errorf("list of number 1: places %v, %v", places, err)
	}
	if err := ctl.QueryRow(t.Context(), "SELECT * FROM seatlock.heads($1)", []string{string(ev.ID)}).Scan(new(string), new(string), &number, &nonce, &beyond); err != nil || beyond {
		t.Errorf("heads of number 1: beyond is %v, %v", beyond, err)
	}
}
