package redisstore

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"seatlock/lockstore"
)

// beforeRuns calls f before Redis runs the script by its cached name.
func beforeRuns(m *miniredis.Miniredis, sc *script, f func()) {
	m.Server().SetPreHook(func(_ *server.Peer, name string, args ...string) bool {
		if name == "EVALSHA" && args[0] == sc.sha {
			f()
		}
		return false
	})
}

// sell makes more changes than the script that replaces a layout reads.
func sell(t *testing.T, s *Store, ev *lockstore.Event) {
	for range 300 {
		do(t, s, ev, lockstore.Lock("cat", "A10"))
		do(t, s, ev, lockstore.Release("cat", "A10"))
	}
	do(t, s, ev, lockstore.Lock("cat", "A10"))
	do(t, s, ev, lockstore.Release("cat", "A10"))
}

// TestReplacementDuringABusySale checks that a layout is replaced although, while a page is
// read, more is sold than the log keeps, and, before the last step, more than that step
// reads.
func TestReplacementDuringABusySale(t *testing.T) {
	for name, sc := range map[string]*script{"while pages are read": takenScript, "before the last step": replaceScript} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
				old, next := sold(t, s)
				var sales atomic.Int32
				beforeRuns(m, sc, func() {
					if sales.Add(1) <= 3 {
						sell(t, s, old)
					}
				})
				if err := s.Open(t.Context(), next); err != nil {
					t.Errorf("Open: %v", err)
				}
				m.Server().SetPreHook(nil)
				if sales.Load() == 0 {
					t.Error("nothing was sold meanwhile")
				}
				checkReplaced(t, m, s, old, next)
			})
		})
	}
}

// TestReplacementGivesUp checks that a replacement ends if it never catches up with sales.
func TestReplacementGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		old, next := sold(t, s)
		beforeRuns(m, replaceScript, func() { sell(t, s, old) })
		if err := s.Open(t.Context(), next); !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("Open: %v, want %v", err, lockstore.ErrUnavailable)
		}
		m.Server().SetPreHook(nil)
		do(t, s, old, lockstore.Lock("cat", "A10")) // the old layout stays
	})
}

// TestReplacementOutlivesItsCaller checks that a replacement that takes longer than a
// call is completed nevertheless.
func TestReplacementOutlivesItsCaller(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		old, next := sold(t, s)
		if err := s.Open(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		beforeRuns(m, takenScript, func() { time.Sleep(callTime * 2 / 3) })
		if _, err := s.Do(t.Context(), next, lockstore.Lock("cat", "A10")); !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("a call that cannot wait for the new layout: %v, want %v", err, lockstore.ErrUnavailable)
		}
		time.Sleep(callTime)
		m.Server().SetPreHook(nil)
		if found, err := s.look(t.Context(), next); err != nil || found.text != mapText(next) {
			t.Errorf("Redis has the old layout: %+v, %v", found, err)
		}
		checkReplaced(t, m, s, old, next)
	})
}

// TestRebuildStopsAtAnotherLayout checks that a rebuild writes nothing to the lists of
// a new layout that has replaced its own.
func TestRebuildStopsAtAnotherLayout(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		old, next := sold(t, s)
		if err := s.Open(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		before := m.Dump()
		a := &audit{Store: s, ev: old, repair: true, owners: make(map[lockstore.SeatID]lockstore.UserID)}
		if err := a.seats(t.Context(), 0, old.Seats[:auditSeats]); !errors.Is(err, lockstore.ErrOtherSeats) || m.Dump() != before {
			t.Errorf("seats of the old layout: %v, want %v and no change", err, lockstore.ErrOtherSeats)
		}
		checkAudit(t, s, next)
	})
}

// TestRecordedIsBounded checks that the number of remembered revisions does not grow
// without bound.
func TestRecordedIsBounded(t *testing.T) {
	var r recorded
	ev := eventOf(t, 1, 0)
	for i := range mostRecorded + 2 {
		of := *ev
		of.ID, of.Revision = lockstore.EventID(time.Duration(i).String()), 1
		if r.add(&of); !r.has(&of) {
			t.Fatalf("%s is not remembered", of.ID)
		}
	}
	if n := len(r.highest); n != 2 {
		t.Errorf("%d revisions are remembered, want the last 2", n)
	}
}
