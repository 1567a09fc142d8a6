package boltstore_test

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// TestFileOfFormat1 checks that a file of format 1 opens. An earlier version of this package
// wrote it in the 70 seconds from 2000-01-01 00:00:00 UTC, when a bubble's time begins.
// Some of its records are in the log and some at their places:
//
//	 0 s  eve locks A4, ann locks A1 and A2 of hamlet
//	 5 s  ann confirms; ben locks A3; cat locks and confirms A2 of macbeth
//	70 s  gus locks and releases A6; dan locks A3 and "Fay Ö." A5
func TestFileOfFormat1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		at := func(d time.Duration) time.Time { return time.UnixMilli(began.Add(d).UnixMilli()) }
		path := filepath.Join(t.TempDir(), "seats")
		unpack(t, path, filepath.Join("testdata", "format1.seats.gz"))
		time.Sleep(100 * time.Second)

		bookings := []boltstore.Booking{
			{Event: "hamlet", Seat: "A1", Status: lockstore.Booked, User: "ann", Since: at(5 * time.Second)},
			{Event: "hamlet", Seat: "A2", Status: lockstore.Booked, User: "ann", Since: at(5 * time.Second)},
			{Event: "macbeth", Seat: "A2", Status: lockstore.Booked, User: "cat", Since: at(5 * time.Second)},
		}
		wantBookings := func() {
			t.Helper()
			got, err := boltstore.Bookings(path)
			if err != nil || !reflect.DeepEqual(got, bookings) {
				t.Errorf("bookings are %v, %v, want %v", got, err, bookings)
			}
		}
		wantBookings()

		d := newTestStore(t, path, newEvent(t, "hamlet", 10, 4))
		d.wantTaken("A1 booked", "A2 booked", "A3 locked 30s", "A5 locked 30s")
		d.wantReason(lockstore.LockExpired, lockstore.Confirm("eve", "A4"))
		d.wantReason(lockstore.LockExpired, lockstore.Confirm("ben", "A3"))
		d.wantReason(lockstore.LockNotHeld, lockstore.Confirm("gus", "A6"))
		d.wantReason(lockstore.OverSeatLimit, lockstore.Lock("ann", "A7", "A8", "A9"))
		d.confirm("dan", "A3")
		d.confirm("ann", "A1", "A2")
		d.reopen()
		time.Sleep(30 * time.Second)
		d.wantTaken("A1 booked", "A2 booked", "A3 booked")
		d.wantReason(lockstore.LockExpired, lockstore.Confirm("Fay Ö.", "A5"))
		d.ev = newEvent(t, "macbeth", 3, 0)
		d.wantTaken("A2 booked")
		if err := d.Open(t.Context(), newEvent(t, "macbeth", 4, 0)); !errors.Is(err, lockstore.ErrOtherSeats) {
			t.Errorf("another layout: %v", err)
		}
		dan := boltstore.Booking{Event: "hamlet", Seat: "A3", Status: lockstore.Booked, User: "dan", Since: at(100 * time.Second)}
		bookings = append(bookings[:2:2], dan, bookings[2])
		wantBookings()
	})
}

// TestFileOfTheLastFormat1 checks that a file written by the last version with format 1 is
// given the rest of this format, once. In the 70 seconds from 2000-01-01 00:00:00 UTC, that
// version did this with 300 seats of hall, and wrote some of it to its log:
//
//	 0 s  ann, ben and cat lock a hundred seats each, and confirm the first fifty of them
//	70 s  dan locks A51 and A52; eve books A2 of small and locks A3
func TestFileOfTheLastFormat1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "seats")
		unpack(t, path, filepath.Join("testdata", "format1last.seats.gz"))
		time.Sleep(80 * time.Second)
		before, err := boltstore.Bookings(path)
		must(t, err)
		if len(before) != 151 || before[50].Seat != "A101" || before[50].User != "ben" || before[150].Event != "small" {
			t.Fatalf("%d bookings: %v", len(before), before)
		}
		d := newTestStore(t, path, newEvent(t, "hall", 300, 0))
		for range 2 {
			if got, err := boltstore.Bookings(path); err != nil || !reflect.DeepEqual(got, before) {
				t.Errorf("opened, it has %d bookings, %v", len(got), err)
			}
			if entries := d.journal(""); len(entries) != 0 {
				t.Errorf("the journal has %v", entries)
			}
			d.wantReason(lockstore.LockExpired, lockstore.Confirm("ann", "A51", "A53"))
			if got := d.holdings(lockstore.Filter{User: "dan"}); !slices.Equal(got, []string{"A51 locked dan  since 70s", "A52 locked dan  since 70s"}) {
				t.Errorf("dan has %q", got)
			}
			d.reopen()
		}
		d.confirm("ann", "A1")
		d.do(lockstore.Cancel("ann", "", "A1"))
		d.put(lockstore.Order{ID: "order", Event: "hall"})
		d.ev = d.revised(1, append(d.ev.Seats[:len(d.ev.Seats):len(d.ev.Seats)], "new")...)
		d.do(lockstore.Book("fay", "order", "new"))
		if entries := d.journal(""); len(entries) != 2 {
			t.Errorf("the journal has %v", entries)
		}
	})
}

func unpack(t *testing.T, to, from string) {
	t.Helper()
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	text, err := gzip.NewReader(in)
	must(t, err)
	out, err := os.Create(to)
	must(t, err)
	_, err = io.Copy(out, text)
	must(t, errors.Join(err, out.Close()))
}
