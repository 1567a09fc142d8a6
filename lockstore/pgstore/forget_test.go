package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// rowsOf returns how many rows each table has, without those of the named events.
func rowsOf(t *testing.T, c *pgx.Conn, but ...string) map[string]int {
	t.Helper()
	rows := make(map[string]int)
	for _, table := range []string{"event", "seat", "entry", "change", "log", "base"} {
		column := "event"
		if table == "event" {
			column = "id"
		}
		var n int
		sql := fmt.Sprintf("SELECT count(*) FROM seatlock.%s WHERE %s NOT IN (SELECT id FROM seatlock.event WHERE name = ANY ($1))", table, column)
		if err := c.QueryRow(t.Context(), sql, but).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			rows[table] = n
		}
	}
	return rows
}

// TestForget checks that no row of a forgotten event except its orders is in the database,
// that its id can be used again with another layout, and that other events stay. It checks
// the same if Forget was interrupted once the event was out of use.
func TestForget(t *testing.T) {
	for name, interrupt := range map[string]bool{"at once": false, "after an interruption": true} {
		t.Run(name, func(t *testing.T) {
			s, url := newStore(t)
			ctl := admin(t, url)
			ev := storetest.Event(t, "some_event", time.Minute, 0, storetest.Seats(5000)...)
			var others []*lockstore.Event
			for _, id := range []lockstore.EventID{"some-event", "some_event2"} {
				other := storetest.Event(t, id, time.Minute, 0, storetest.Seats(5)...)
				mustDo(t, s, other, lockstore.Book(ann, "", "A1"))
				mustDo(t, s, other, lockstore.Lock(ben, "A2"))
				others = append(others, other)
			}
			mustDo(t, s, ev, lockstore.Book(ann, "r", "A1", "A2"))
			mustDo(t, s, ev, lockstore.Block("why", "A3"))
			_, seq := mustJournal(t, s, ev, "")
			since := mustList(t, s, ev, "").Version
			mustDo(t, s, ev, lockstore.Lock(ben, "A4"))
			mustDo(t, s, ev, lockstore.Book(ann, "r", "A5"))
			mustExec(t, ctl, bookSQL, string(ev.ID), 10, 4999)
			mustPut(t, s, lockstore.Order{ID: "order", Event: ev.ID})
			if booked, known, err := s.Booked(t.Context(), ev.ID); booked != 4993 || !known || err != nil {
				t.Errorf("booked seats: %d, %v, %v, want 4993", booked, known, err)
			}
			if interrupt {
				ctx, cancel := context.WithCancel(t.Context())
				mustExec(t, ctl, "BEGIN")
				mustExec(t, ctl, "LOCK seatlock.entry")
				go func() {
					defer cancel()
					c := admin(t, url)
					eventually(t, c, "SELECT EXISTS (SELECT FROM seatlock.event WHERE name LIKE '% %')")
				}()
				if err := s.Forget(ctx, ev.ID); err == nil {
					t.Error("Forget succeeds though a table is locked")
				}
				mustExec(t, ctl, "ROLLBACK")
				if booked, known, err := s.Booked(t.Context(), ev.ID); booked != 0 || !known || err != nil {
					t.Errorf("booked seats of an event that is out of use: %d, %v, %v, want none of a known event", booked, known, err)
				}
			}
			for range 2 { // the second time, there is nothing to do
				if err := s.Forget(t.Context(), ev.ID); err != nil {
					t.Fatal(err)
				}
			}
			if rows := rowsOf(t, ctl, "some-event", "some_event2"); len(rows) > 0 {
				t.Errorf("rows of the forgotten event: %v", rows)
			}
			if booked, known, err := s.Booked(t.Context(), ev.ID); booked != 0 || known || err != nil {
				t.Errorf("booked seats of the forgotten event: %d, %v, %v, want none", booked, known, err)
			}
			if orders, err := s.Orders(t.Context(), ev.ID, ""); len(orders) != 1 || err != nil {
				t.Errorf("orders of the forgotten event: %v, %v, want one", orders, err)
			}
			next := storetest.Event(t, ev.ID, time.Minute, 0, "B1", "A2", "A1")
			if snap := mustList(t, s, next, since); !snap.Full || len(snap.Seats) > 0 {
				t.Errorf("the id that is used anew is listed as %+v", snap)
			}
			if _, err := s.Journal(t.Context(), next, seq, 10); !errors.Is(err, lockstore.ErrJournalReset) {
				t.Errorf("the new journal after an entry of the old one: %v", err)
			}
			mustDo(t, s, next, lockstore.Book(ben, "", "A1", "B1"))
			wantSeats(t, mustList(t, s, next, ""), "A1 booked", "A3 booked") // by their places: B1 and A1
			if entries, _ := mustJournal(t, s, next, ""); !slices.Equal(seatsOf(entries), []lockstore.SeatID{"A1", "B1"}) {
				t.Errorf("the new journal has %v", entries)
			}
			for _, other := range others {
				if n := len(mustList(t, s, other, "").Seats); n != 2 {
					t.Errorf("event %s has %d seats taken, want 2", other.ID, n)
				}
				if entries, _ := mustJournal(t, s, other, ""); len(entries) != 1 {
					t.Errorf("the journal of event %s has %v", other.ID, entries)
				}
			}
		})
	}
}

// TestForgetDuringASale checks that calls that are made while an event is forgotten, also
// in another process, belong to the old event or to the new one as a whole, and that
// in the end nothing is left of either.
func TestForgetDuringASale(t *testing.T) {
	s, url := newStore(t)
	elsewhere := storeAt(t, url)
	ev := newEvent(t, 40)
	stop := make(chan struct{})
	var calls sync.WaitGroup
	for i := range 4 {
		calls.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				seats := []lockstore.SeatID{ev.Seats[n%20], ev.Seats[39-n%20]}
				if err := do(t, elsewhere, ev, lockstore.Book(ann, "", seats...)); err != nil && !errors.Is(err, lockstore.ErrUnavailable) {
					t.Errorf("a call beside Forget: %v", err)
					return
				}
				snap, err := elsewhere.List(t.Context(), ev, "")
				if err != nil && !errors.Is(err, lockstore.ErrUnavailable) {
					t.Errorf("a list beside Forget: %v", err)
					return
				}
				if len(snap.Seats)%2 != 0 {
					t.Errorf("a list beside Forget has %v", snap.Seats)
					return
				}
			}
		})
	}
	for range 10 {
		if err := s.Forget(t.Context(), ev.ID); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	calls.Wait()
	if err := s.Forget(t.Context(), ev.ID); err != nil {
		t.Fatal(err)
	}
	if rows := rowsOf(t, admin(t, url)); len(rows) > 0 {
		t.Errorf("rows of forgotten events: %v", rows)
	}
}

// TestWaitEndsWhenAnEventIsForgotten checks that a waiter in another process is woken.
func TestWaitEndsWhenAnEventIsForgotten(t *testing.T) {
	s, url := newStore(t)
	elsewhere := storeAt(t, url)
	ev := newEvent(t, 3)
	mustDo(t, s, ev, lockstore.Book(ann, "", "A1"))
	since := mustList(t, elsewhere, ev, "").Version
	woken := make(chan error, 1)
	go func() { woken <- elsewhere.Wait(t.Context(), ev, since) }()
	if err := s.Forget(t.Context(), ev.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-woken; err != nil {
		t.Error(err)
	}
}
