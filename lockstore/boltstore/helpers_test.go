package boltstore_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/storetest"
)

// newEvent makes an event of n seats, A1, A2 …, with locks of a minute.
func newEvent(t testing.TB, id lockstore.EventID, n, limit int) *lockstore.Event {
	t.Helper()
	return storetest.Event(t, id, time.Minute, limit, storetest.Seats(n)...)
}

// A testStore is a store with an event, and helpers that check what must hold.
type testStore struct {
	*testing.T
	*boltstore.Store
	path string
	ev   *lockstore.Event
}

func newTestStore(t *testing.T, path string, ev *lockstore.Event) *testStore {
	t.Helper()
	s, err := boltstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	d := &testStore{t, s, path, ev}
	t.Cleanup(func() { d.Close() })
	return d
}

// reopen closes the file and opens it again.
func (d *testStore) reopen() {
	d.Helper()
	if err := d.Close(); err != nil {
		d.Fatal(err)
	}
	s, err := boltstore.Open(d.path)
	if err != nil {
		d.Fatal(err)
	}
	d.Store = s
}

// try carries out the operation in d.ev and returns its error.
func (d *testStore) try(op lockstore.Op) error {
	_, err := d.Do(d.Context(), d.ev, op)
	return err
}

// do carries out the operation, which must succeed.
func (d *testStore) do(op lockstore.Op) {
	d.Helper()
	if err := d.try(op); err != nil {
		d.Fatalf("%s %ss %v: %v", op.User, op.Kind, op.Seats, err)
	}
}

func (d *testStore) lock(user lockstore.UserID, seats ...lockstore.SeatID) {
	d.Helper()
	d.do(lockstore.Lock(user, seats...))
}

func (d *testStore) confirm(user lockstore.UserID, seats ...lockstore.SeatID) {
	d.Helper()
	d.do(lockstore.Confirm(user, seats...))
}

// wantReason checks that an operation fails for that reason.
func (d *testStore) wantReason(want lockstore.Reason, op lockstore.Op) {
	d.Helper()
	if err := d.try(op); !errors.Is(err, want) {
		d.Errorf("%s %ss %v: %v, want %s", op.User, op.Kind, op.Seats, err, want)
	}
}

// taken lists the seats that are taken as "A1 locked 45s", with the time that is left.
func (d *testStore) taken() []string {
	d.Helper()
	snap, err := d.List(d.Context(), d.ev, "")
	if err != nil {
		d.Fatal(err)
	}
	var all []string
	for _, s := range snap.Seats {
		text := fmt.Sprint(d.ev.Seats[s.Position], " ", s.Status)
		if s.Status == lockstore.Locked {
			text += fmt.Sprint(" ", time.Duration(s.Expires-snap.Now)*time.Millisecond)
		}
		all = append(all, text)
	}
	return all
}

// wantTaken checks which seats are taken.
func (d *testStore) wantTaken(want ...string) {
	d.Helper()
	if got := d.taken(); !slices.Equal(got, want) {
		d.Errorf("taken are %q, want %q", got, want)
	}
}

// put stores an order, which must succeed, and returns its revision.
func (d *testStore) put(o lockstore.Order) int64 {
	d.Helper()
	revision, err := d.Put(d.Context(), o)
	if err != nil {
		d.Fatalf("order %s: %v", o.ID, err)
	}
	return revision
}
