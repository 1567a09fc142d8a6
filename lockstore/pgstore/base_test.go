package pgstore_test

import (
	"slices"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// TestWholeListsGoOnFromOneBefore checks that a full list of many seats is built from one
// that was kept and the changes since then, also in another process, and that it shows what
// the seats do. A list that was kept is not used once the log no longer reaches back to it.
func TestWholeListsGoOnFromOneBefore(t *testing.T) {
	s, url := newStore(t)
	ctl := admin(t, url)
	ev := storetest.Event(t, "event", time.Minute, 0, storetest.Seats(5000)...)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1", "A2", "A3"))
	brief := mustDo(t, s, ev, lockstore.Op{Kind: lockstore.KindLock, User: ben, Seats: ev.Seats[3:4], For: 300 * time.Millisecond}).Expires
	mustDo(t, s, ev, lockstore.Block("why", "A5"))
	mustExec(t, ctl, bookSQL, string(ev.ID), 1000, 3999)
	first := mustList(t, s, ev, "")
	if !first.Full || len(first.Seats) < 3004 {
		t.Fatalf("the first list: full %v, %d seats", first.Full, len(first.Seats))
	}
	eventually(t, ctl, "SELECT count(*) = 1 FROM seatlock.base")

	mustDo(t, s, ev, lockstore.Confirm(ann, "A1"))
	mustDo(t, s, ev, lockstore.Release(ann, "A2"))
	mustDo(t, s, ev, lockstore.Unblock("A5"))
	mustDo(t, s, ev, lockstore.Cancel("house", "", "A1001"))
	mustDo(t, s, ev, lockstore.Lock(ben, "A5000"))
	elsewhere := storeAt(t, url)
	for now := first.Now; now < brief.UnixMilli(); {
		now = mustList(t, elsewhere, ev, first.Version).Now
	}
	want := []lockstore.ListedSeat{{Position: 0, Status: lockstore.Booked}}
	for _, seat := range first.Seats {
		if p := seat.Position; p == 2 || p > 1000 {
			want = append(want, seat)
		}
	}
	last := mustList(t, elsewhere, ev, "")
	want = append(want, last.Seats[len(last.Seats)-1])
	if !last.Full || !slices.Equal(last.Seats, want) || want[len(want)-1].Position != 4999 {
		t.Errorf("the list that goes on from one before: full %v, %d seats, want %d", last.Full, len(last.Seats), len(want))
	}
	mustExec(t, ctl, "DELETE FROM seatlock.seat WHERE place = 2000") // without a change
	if again := mustList(t, elsewhere, ev, ""); !slices.Equal(again.Seats, last.Seats) {
		t.Errorf("the list is made of the seats themselves: it has %d, want %d", len(again.Seats), len(last.Seats))
	}
	mustExec(t, ctl, changesSQL, string(ev.ID), 10_001, 5000)
	if anew := mustList(t, elsewhere, ev, ""); len(anew.Seats) != len(last.Seats)-1 {
		t.Errorf("the list once the log has begun anew has %d seats, want %d", len(anew.Seats), len(last.Seats)-1)
	}
	eventually(t, ctl, "SELECT EXISTS (SELECT FROM seatlock.base JOIN seatlock.log USING (event, number, nonce))")
	mustExec(t, ctl, "UPDATE seatlock.base SET seats = '\\x02'")
	for size, began := 0, time.Now(); size < 2; time.Sleep(5 * time.Millisecond) { // one list is kept at a time
		if now := mustList(t, elsewhere, ev, ""); len(now.Seats) != len(last.Seats)-1 {
			t.Errorf("the list beside one that cannot be read has %d seats, want %d", len(now.Seats), len(last.Seats)-1)
		}
		if err := ctl.QueryRow(t.Context(), "SELECT octet_length(seats) FROM seatlock.base").Scan(&size); err != nil {
			t.Fatal(err)
		}
		if time.Since(began) > time.Minute {
			t.Fatal("a list that cannot be read is never replaced")
		}
	}
	mustExec(t, ctl, "DROP TABLE seatlock.base; CREATE TABLE seatlock.base (of_another_form int)")
	if now := mustList(t, elsewhere, ev, ""); len(now.Seats) != len(last.Seats)-1 {
		t.Errorf("the list without kept ones has %d seats, want %d", len(now.Seats), len(last.Seats)-1)
	}
}

// TestKeptListsEndWithTheirEvents checks that a kept list is gone once its event is deleted,
// as by a program of number 7, which knows of no kept lists. The migration removes those that
// were left behind before.
func TestKeptListsEndWithTheirEvents(t *testing.T) {
	s, url := newStore(t)
	ctl := admin(t, url)
	ev := newEvent(t, 1)
	mustList(t, s, ev, "")
	mustExec(t, ctl, "INSERT INTO seatlock.base SELECT id, 0, '', '' FROM seatlock.event")
	mustExec(t, ctl, "DELETE FROM seatlock.event")
	lists := func() (n int) {
		t.Helper()
		if err := ctl.QueryRow(t.Context(), "SELECT count(*) FROM seatlock.base").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := lists(); n > 0 {
		t.Errorf("%d kept lists of events that are gone", n)
	}
	mustExec(t, ctl, "ALTER TABLE seatlock.base DROP CONSTRAINT base_event_fkey")
	mustExec(t, ctl, "INSERT INTO seatlock.base VALUES (7, 0, '', '')")
	mustExec(t, ctl, "DELETE FROM seatlock.version WHERE number > 8")
	if changed, err := s.Migrate(t.Context()); !changed || err != nil || lists() > 0 {
		t.Errorf("Migrate: %v, %v; %d kept lists of events that are gone", changed, err, lists())
	}
}
