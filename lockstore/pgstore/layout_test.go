package pgstore_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// revised returns the event with other seats of a higher revision.
func revised(t *testing.T, ev *lockstore.Event, seats ...lockstore.SeatID) *lockstore.Event {
	t.Helper()
	next := storetest.Event(t, ev.ID, ev.LockTTL, ev.SeatLimit, seats...)
	next.Revision = ev.Revision + 1
	return next
}

// TestLayoutOfManySeats checks that the layout of a large event is replaced in one call,
// or in a few, with every seat as it was.
func TestLayoutOfManySeats(t *testing.T) {
	s, url := newStore(t)
	ev := storetest.Event(t, "event", time.Hour, 0, storetest.Seats(50_000)...)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	mustExec(t, admin(t, url), bookSQL, string(ev.ID), 1000, 40_999)
	mustDo(t, s, ev, lockstore.Lock(ben, "A50000"))
	since := mustList(t, s, ev, "").Version

	turned := slices.Clone(ev.Seats)
	slices.Reverse(turned)
	next := revised(t, ev, append(turned, "B1")...)
	var err error
	for began := time.Now(); time.Since(began) < time.Minute; {
		if _, err = s.Do(t.Context(), next, lockstore.Lock(ann, "B1")); !errors.Is(err, lockstore.ErrUnavailable) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	snap := mustList(t, s, next, since)
	if !snap.Full || len(snap.Seats) != 40_003 {
		t.Errorf("the list since a version of the layout before: full %v, %d seats", snap.Full, len(snap.Seats))
	}
	for _, seat := range snap.Seats {
		id, want := next.Seats[seat.Position], lockstore.Locked
		at, known := ev.Position(id)
		if known && at >= 1000 && at < 41_000 {
			want = lockstore.Booked
		}
		if seat.Status != want {
			t.Fatalf("%s is %s, want %s", id, seat.Status, want)
		}
	}
	if _, err := s.Do(t.Context(), ev, lockstore.Lock(ben, "A2")); !errors.Is(err, lockstore.ErrOtherSeats) {
		t.Errorf("Lock with the layout before: %v, want ErrOtherSeats", err)
	}
}

// TestMissingSeatsAreNamed checks that the error of a refused layout names 100 seats, in
// the order of the old layout, and that nothing changes.
func TestMissingSeatsAreNamed(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 300)
	mustList(t, s, ev, "")
	mustExec(t, admin(t, url), bookSQL, string(ev.ID), 50, 199)
	mustDo(t, s, ev, lockstore.Block("", "A1"))
	since := mustList(t, s, ev, "").Version
	next := revised(t, ev, ev.Seats[60:]...)
	next.Revision = 7
	_, err := s.List(t.Context(), next, "")
	missing, ok := errors.AsType[*lockstore.MissingSeatsError](err)
	if !ok || missing.Event != ev.ID || missing.More != 0 || !slices.Equal(missing.Seats, ev.Seats[50:60]) {
		t.Errorf("List with a layout without taken seats: %v", err)
	}
	next = revised(t, ev, append(slices.Clone(ev.Seats[:20]), ev.Seats[180:]...)...)
	missing = nil
	if err := do(t, s, next, lockstore.Lock(ann, "A2")); !errors.As(err, &missing) || missing.More != 30 || !slices.Equal(missing.Seats, ev.Seats[50:150]) {
		t.Errorf("Lock with a layout without taken seats: %v", err)
	}
	if snap := mustList(t, s, ev, since); snap.Version != since || len(snap.Seats) > 0 {
		t.Errorf("a refused layout changed %+v", snap)
	}
}

// TestSalesAcrossLayouts has processes with the old layout and processes with new ones sell
// at the same time. No seat is sold twice or lost, and no sale lands on another seat.
func TestSalesAcrossLayouts(t *testing.T) {
	first, url := newStore(t)
	const seats, layouts = 60, 6
	ev := newEvent(t, seats)
	mustDo(t, first, ev, lockstore.Book("user A1", "", "A1"))
	events := []*lockstore.Event{ev}
	for i := range layouts - 1 {
		turned := slices.Concat(ev.Seats[10*(i+1):], ev.Seats[:10*(i+1)])
		next := revised(t, ev, turned...)
		next.Revision = i + 1
		events = append(events, next)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	booked := map[lockstore.SeatID]lockstore.UserID{"A1": "user A1"}
	for i, ev := range events {
		s := storeAt(t, url)
		all.Go(func() {
			time.Sleep(time.Duration(i) * 50 * time.Millisecond)
			for n, seat := range ev.Seats {
				user := lockstore.UserID(fmt.Sprintf("user %s of %d", seat, i))
				err := errOf(s.Do(t.Context(), ev, lockstore.Book(user, "", seat)))
				switch {
				case err == nil:
					mu.Lock()
					if other, twice := booked[seat]; twice {
						t.Errorf("%s is sold to %s and %s", seat, other, user)
					}
					booked[seat] = user
					mu.Unlock()
				case errors.Is(err, lockstore.ErrOtherSeats) && i < layouts-1, errors.Is(err, lockstore.SeatBooked):
				case errors.Is(err, lockstore.ErrUnavailable) && n > 0:
				default:
					t.Errorf("Book of %s with revision %d: %v", seat, i, err)
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	all.Wait()
	last := events[layouts-1]
	_, roster := first.Roster(t.Context(), last, lockstore.Filter{})
	found := make(map[lockstore.SeatID]lockstore.UserID)
	for h, err := range roster {
		if err != nil {
			t.Fatal(err)
		}
		found[h.Seat] = h.User
	}
	for seat, user := range booked {
		if found[seat] != user {
			t.Errorf("%s was sold to %s, and the roster has %q", seat, user, found[seat])
		}
	}
	if len(found) != len(booked) {
		t.Errorf("the roster has %d seats, and %d were sold", len(found), len(booked))
	}
	t.Logf("%d seats were sold", len(booked))
}

func errOf(_ lockstore.Result, err error) error { return err }

// TestLayoutWaitsForSales checks that a layout is not replaced while a transaction that
// changes seats is under way, and that others are not held up for longer than a call.
func TestLayoutWaitsForSales(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	stalled := stalledBook(t, url, ev, 3, ben, time.Time{})
	next := revised(t, ev, "A3", "A2", "A1")
	if err := do(t, s, next, lockstore.Lock(ann, "A2")); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Lock with a new layout during a sale: %v, want ErrUnavailable", err)
	}
	mustDo(t, s, ev, lockstore.Lock(ann, "A2"))
	if err := stalled.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, seat := range mustList(t, s, next, "").Seats {
		got = append(got, fmt.Sprint(next.Seats[seat.Position], " ", seat.Status))
	}
	if !slices.Equal(got, []string{"A3 booked", "A2 locked", "A1 locked"}) {
		t.Errorf("the list of the new layout is %q", got)
	}
}
