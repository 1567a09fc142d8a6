package redisstore

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"seatlock/lockstore"
)

// TestRebuildBeforeTheSale checks that the first calls of a sale succeed while Redis has
// nothing of the event and another process has begun a Rebuild.
func TestRebuildBeforeTheSale(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 2*auditSeats+1, 0)
		if err := s.redis.Ping(t.Context()).Err(); err != nil { // which starts the server
			t.Fatal(err)
		}
		sold, selling := 0, false
		m.Server().SetPreHook(func(_ *server.Peer, name string, _ ...string) bool {
			// The MGET of the first pages of seats that are read; scripts run MGET, too.
			if name == "MGET" && sold < 3 && !selling {
				selling = true
				do(t, s, ev, lockstore.Lock("ann", ev.Seats[sold]))
				sold, selling = sold+1, false
			}
			return false
		})
		_, err := s.Rebuild(t.Context(), ev)
		m.Server().SetPreHook(nil)
		if err != nil || sold != 3 {
			t.Errorf("Rebuild during %d calls of a sale: %v", sold, err)
		}
		checkAudit(t, s, ev)
		if taken := len(list(t, s, ev).Seats); taken != sold {
			t.Errorf("%d seats are listed, want %d", taken, sold)
		}
	})
}

// TestCallsWaitForAMigration checks that a call during a migration waits for its end.
func TestCallsWaitForAMigration(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := restoreFormat1(t, s)
		answered := make(chan error, 1)
		beforeRuns(m, migrateScript, func() {
			go func() {
				_, err := s.Do(t.Context(), ev, lockstore.Lock("eve", "A10"))
				answered <- err
			}()
			time.Sleep(callTime / 4)
		})
		if _, err := s.Rebuild(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		if err := <-answered; err != nil {
			t.Errorf("a call during the migration: %v", err)
		}
	})
}
