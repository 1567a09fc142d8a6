package boltstore_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

// TestContract runs the suite, each case with a file of its own. Writing takes no time in a
// bubble.
func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) lockstore.LockStore { return open(t, filepath.Join(t.TempDir(), "seats")) })
}

// TestOrders runs the suite of orders, each case with a file of its own.
func TestOrders(t *testing.T) {
	t.Parallel()
	storetest.Orders(t, func(t *testing.T) lockstore.OrderStore { return open(t, filepath.Join(t.TempDir(), "seats")) })
}

// TestHistoriesInRealTime plays histories in which locks end while they are written. In a
// bubble no time passes during a write.
func TestHistoriesInRealTime(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "seats"))
	for _, ttl := range []time.Duration{150 * time.Millisecond, 20 * time.Millisecond, 3 * time.Millisecond} {
		t.Run(ttl.String(), func(t *testing.T) {
			var all sync.WaitGroup
			for seed := range uint64(16) {
				all.Go(func() { playAndJudge(t, s, seed, ttl) })
			}
			all.Wait()
		})
	}
}

func playAndJudge(t *testing.T, s lockstore.LockStore, seed uint64, ttl time.Duration) {
	p := history.Plan{Clients: 5, Calls: 16, Seats: 5, Seed: seed, TTL: ttl, Pause: ttl / 4, Slack: 3 * time.Millisecond}
	histories, err := history.Play(t.Context(), s, fmt.Sprintf("%s-%d", ttl, seed), p)
	if err != nil {
		t.Error(err)
	}
	for _, h := range histories {
		v, err := h.Check(20 * time.Second)
		if v == history.Illegal {
			why, _ := h.Explain(20 * time.Second)
			t.Errorf("event %s: %s", h.Event.ID, why)
		} else if err != nil {
			t.Error(err)
		}
	}
}

// open opens a file until the test ends.
func open(t *testing.T, path string) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
