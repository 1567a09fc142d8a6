package boltstore_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// benchStore returns a store in a new file.
func benchStore(b *testing.B) *boltstore.Store {
	b.Helper()
	s, err := boltstore.Open(filepath.Join(b.TempDir(), "seats"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkPut has 64 callers put orders.
func BenchmarkPut(b *testing.B) {
	s := benchStore(b)
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			o := lockstore.Order{ID: lockstore.OrderID(fmt.Sprintf("%x", n.Add(1)*7919%1_000_003)), Event: "hamlet", Body: make([]byte, 500)}
			if _, err := s.Put(b.Context(), o); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkDo has 64 callers lock a seat, or book one in one step.
func BenchmarkDo(b *testing.B) {
	for name, op := range map[string]func(lockstore.SeatID) lockstore.Op{
		"lock": func(seat lockstore.SeatID) lockstore.Op { return lockstore.Lock("ann", seat) },
		"book": func(seat lockstore.SeatID) lockstore.Op { return lockstore.Book("ann", "order-1", seat) },
	} {
		b.Run(name, func(b *testing.B) {
			s, ev := benchStore(b), newEvent(b, "hamlet", 200_000, 0)
			if _, err := s.Do(b.Context(), ev, op(ev.Seats[0])); err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Do(b.Context(), ev, op(ev.Seats[n.Add(1)%200_000])); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// sold returns a store in which one in two hundred of 50,000 seats is ben's, and the others
// are ann's.
func sold(b *testing.B) (*boltstore.Store, *lockstore.Event) {
	b.Helper()
	s, ev := benchStore(b), newEvent(b, "hamlet", 50_000, 0)
	for seats := range slices.Chunk(ev.Seats, lockstore.MaxSeats) {
		if _, err := s.Do(b.Context(), ev, lockstore.Book("ann", "order-1", seats[1:]...)); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Do(b.Context(), ev, lockstore.Book("ben", "", seats[0])); err != nil {
			b.Fatal(err)
		}
	}
	return s, ev
}

func BenchmarkRoster(b *testing.B) {
	s, ev := sold(b)
	for name, want := range map[lockstore.UserID]int{"": 50_000, "ben": 250} {
		b.Run("user="+string(name), func(b *testing.B) {
			for b.Loop() {
				seats := 0
				_, roster := s.Roster(b.Context(), ev, lockstore.Filter{User: name})
				for _, err := range roster {
					if err != nil {
						b.Fatal(err)
					}
					seats++
				}
				if seats != want {
					b.Fatal(seats)
				}
			}
		})
	}
}

// BenchmarkJournal reads pages of 1,000 entries of a seat each.
func BenchmarkJournal(b *testing.B) {
	s, ev := benchStore(b), newEvent(b, "hamlet", 1000, 0)
	for _, seat := range ev.Seats {
		if _, err := s.Do(b.Context(), ev, lockstore.Book("ann", "order-1", seat)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if page, err := s.Journal(b.Context(), ev, "", lockstore.MaxEntries); err != nil || len(page) != 1000 {
			b.Fatal(len(page), err)
		}
	}
}
