package redisstore_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest"
)

// TestContract runs the suite on miniredis, which shares the clock of the
// suite's bubbles and talks over a pipe.
func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) lockstore.LockStore { return onMiniredis(t, miniredis.NewMiniRedis()) })
}

func onMiniredis(t *testing.T, m *miniredis.Miniredis) *redisstore.Store {
	t.Helper()
	m.ClockTTL(true)
	client := redistest.Pipes(m)
	t.Cleanup(func() { client.Close(); m.Close() })
	s, err := redisstore.New(client, redisstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
