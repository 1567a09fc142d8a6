package pgstore

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// TestListOfNumber1 checks the list of a database that was only migrated to number 1,
// whose times have fractions of a millisecond: Now is not in the future, and no lock
// ends early.
func TestListOfNumber1(t *testing.T) {
	clock, number, nonce, whole := time.UnixMicro(1_000_900), int64(1), "x", true
	var until millis
	if err := until.ScanTimestamptz(pgtype.Timestamptz{Time: clock.Add(50 * time.Microsecond), Valid: true}); err != nil {
		t.Fatal(err)
	}
	l := listing{number: &number, nonce: &nonce, whole: &whole, clock: &clock, places: []int32{1}, untils: []millis{until}}
	snap, err := l.snapshot(storetest.Event(t, "event", time.Minute, 0, "A1", "A2"), base{})
	if err != nil || snap.Now != 1000 {
		t.Errorf("Now is %d, %v, want 1000", snap.Now, err)
	}
	if want := (lockstore.ListedSeat{Position: 1, Status: lockstore.Locked, Expires: 1001}); len(snap.Seats) != 1 || snap.Seats[0] != want {
		t.Errorf("the seats are %v, want %v", snap.Seats, want)
	}
}
