package redisstore_test

import (
	"context"
	"net"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
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
	client := redis.NewClient(&redis.Options{
		Addr:                  "127.0.0.1:6379", // a name would be looked up outside the bubble
		Dialer:                func(context.Context, string, string) (net.Conn, error) { return dial(m) },
		MaxRetries:            -1,
		ContextTimeoutEnabled: true,
		DisableIdentity:       true,
		PoolSize:              1000, // whoever waits for a connection takes a timer that go-redis keeps for other bubbles
	})
	t.Cleanup(func() { client.Close(); m.Close() })
	s, err := redisstore.New(client, redisstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dial(m *miniredis.Miniredis) (net.Conn, error) {
	c, err := m.Dial()
	if err != nil {
		return nil, err
	}
	return buffered(c), nil
}
