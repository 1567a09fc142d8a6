package pgstore_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
)

// TestWholeListIsOfOneMoment checks full lists while seats change before and after the
// list reads the seats.
func TestWholeListIsOfOneMoment(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 4)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	mustList(t, s, ev, "")
	ctl := admin(t, url)
	keep := func(table string) pgx.Tx {
		t.Helper()
		tx, err := admin(t, url).Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "LOCK TABLE seatlock."+table); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	sell := func(tx pgx.Tx, seat int, lasts string) {
		t.Helper()
		if _, err := tx.Exec(t.Context(), sale, string(ev.ID), seat, string(ben), lasts); err != nil {
			t.Fatal(err)
		}
	}
	commit := func(tx pgx.Tx) {
		t.Helper()
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass"
	for _, late := range []bool{false, true} {
		seats := keep("seat")
		listed := make(chan lockstore.Snapshot, 1)
		go func() {
			snap, err := s.List(t.Context(), ev, "")
			if err != nil {
				t.Error(err)
			}
			listed <- snap
		}()
		eventually(t, ctl, waits, "seatlock.seat")
		want := []string{"A1 locked", "A2 locked"}
		if !late {
			sell(seats, 2, "1 minute")
			commit(seats)
		} else {
			changes := keep("change") // the list has to look for changes again
			commit(seats)
			eventually(t, ctl, waits, "seatlock.change")
			sell(changes, 1, "-1 minute")
			sell(changes, 3, "1 minute")
			commit(changes)
			want = []string{"A2 locked", "A3 locked"}
		}
		snap := <-listed
		wantSeats(t, snap, want...)
		if next := mustList(t, s, ev, snap.Version); next.Version != snap.Version || len(next.Seats) > 0 {
			t.Errorf("nothing has changed since the whole list, and the next one is %+v", next)
		}
	}
}

// TestListIsAsNewAsItsChanges checks that a list that had to wait has no lock that
// began after the list's clock.
func TestListIsAsNewAsItsChanges(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 2)
	since := mustList(t, s, ev, "").Version
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	ctl := admin(t, url)
	numbering, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := numbering.Exec(t.Context(), "SELECT pg_advisory_xact_lock(1399156851, (SELECT id FROM seatlock.event))"); err != nil {
		t.Fatal(err)
	}
	listed := make(chan lockstore.Snapshot, 1)
	go func() {
		snap, err := s.List(t.Context(), ev, since)
		if err != nil {
			t.Error(err)
		}
		listed <- snap
	}()
	eventually(t, ctl, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")
	time.Sleep(10 * time.Millisecond) // longer than the clock's unit
	late := mustDo(t, s, ev, lockstore.Lock(ben, "A2")).Now
	if err := numbering.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	snap := <-listed
	wantSeats(t, snap, "A1 locked", "A2 locked")
	if now := time.UnixMilli(snap.Now); now.Before(late) {
		t.Errorf("the list is of %v and has a lock of %v", now, late)
	}
}
