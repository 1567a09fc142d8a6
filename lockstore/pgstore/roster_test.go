package pgstore_test

import (
	"slices"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/storetest"
)

// mustRoster returns a roster.
func mustRoster(t *testing.T, s *pgstore.Store, ev *lockstore.Event, f lockstore.Filter) []lockstore.Holding {
	t.Helper()
	_, roster := s.Roster(t.Context(), ev, f)
	var all []lockstore.Holding
	for h, err := range roster {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	return all
}

// TestRosterInPages checks rosters of several pages: of all seats, where most rows are of
// available seats, and of a user.
func TestRosterInPages(t *testing.T) {
	s, url := newStore(t)
	ev := storetest.Event(t, "event", time.Hour, 0, storetest.Seats(9000)...)
	ctl := admin(t, url)
	mustList(t, s, ev, "")
	mustExec(t, ctl, bookSQL, string(ev.ID), 0, 8899)
	mustExec(t, ctl, "UPDATE seatlock.seat SET holder = NULL, until = '-infinity' WHERE place BETWEEN 500 AND 4999")
	mustExec(t, ctl, "UPDATE seatlock.seat SET holder = 'eve' WHERE place BETWEEN 5000 AND 7499")
	mustDo(t, s, ev, lockstore.Lock("eve", "A8950", "A3000"))
	mustDo(t, s, ev, lockstore.Block("why", "A8999"))

	all := mustRoster(t, s, ev, lockstore.Filter{})
	if len(all) != 500+3900+2+1 {
		t.Errorf("the roster has %d seats", len(all))
	}
	places := make([]int, len(all))
	for i, h := range all {
		places[i], _ = ev.Position(h.Seat)
	}
	if !slices.IsSorted(places) || len(slices.Compact(slices.Clone(places))) != len(places) {
		t.Error("the roster is not in the order of the layout, or has a seat twice")
	}
	if last := all[len(all)-1]; last.Status != lockstore.Blocked || last.Ref != "why" || last.User != "" || last.Since.IsZero() {
		t.Errorf("the blocked seat is %+v", last)
	}

	eve := mustRoster(t, s, ev, lockstore.Filter{User: "eve"})
	if len(eve) != 2500+2 || eve[0].Seat != "A3000" || eve[0].Status != lockstore.Locked || eve[1].Seat != "A5001" || eve[len(eve)-1].Seat != "A8950" {
		t.Errorf("the roster of a user has %d seats, the first %+v", len(eve), eve[0])
	}
	some := mustRoster(t, s, ev, lockstore.Filter{Seats: []lockstore.SeatID{"A8999", "A1", "A600", "A3000"}})
	if len(some) != 3 || some[0].Seat != "A1" || some[1].Seat != "A3000" || some[2].Seat != "A8999" {
		t.Errorf("the roster of four seats is %+v", some)
	}
}

// TestRosterSeesConfirmsInTime checks that a roster has a seat whose lock ended while it
// was being confirmed.
func TestRosterSeesConfirmsInTime(t *testing.T) {
	s, url := newStore(t)
	ev := storetest.Event(t, "event", 300*time.Millisecond, 0, storetest.Seats(3)...)
	end := mustDo(t, s, ev, lockstore.Lock(ann, "A1")).Expires
	tx, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pgstore.CarryOut(t.Context(), tx, ev, lockstore.Confirm(ann, "A1")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(end) + 20*time.Millisecond)
	found := make(chan []lockstore.Holding, 1)
	go func() { found <- mustRoster(t, s, ev, lockstore.Filter{}) }()
	time.Sleep(50 * time.Millisecond)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := <-found; len(all) != 1 || all[0].Status != lockstore.Booked || all[0].User != ann {
		t.Errorf("the roster is %+v, want the booking", all)
	}
}
