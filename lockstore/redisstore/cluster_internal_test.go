package redisstore

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// TestRedirectsDoNotPause checks that a trip takes no longer because the slot of
// one of its events moves, since other calls share the trip.
func TestRedirectsDoNotPause(t *testing.T) {
	for _, redirect := range []string{"MOVED 1 127.0.0.1:2", "ASK 1 127.0.0.1:2", "TRYAGAIN"} {
		t.Run(redirect, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := miniredis.NewMiniRedis()
				defer m.Close()
				o, err := parse("redis://127.0.0.1:1?cluster=true")
				if err != nil {
					t.Fatal(err)
				}
				configure(o)
				o.Dialer = func(context.Context, string, string) (net.Conn, error) { return m.Dial() }
				client := redis.NewUniversalClient(o)
				defer client.Close()
				s, err := New(client, Options{})
				if err != nil {
					t.Fatal(err)
				}
				ev := eventOf(t, 3, 0)
				if _, err := s.Do(t.Context(), ev, lockstore.Lock("ann", "A1")); err != nil {
					t.Fatal(err)
				}
				redirects := 0
				m.Server().SetPreHook(func(c *server.Peer, _ string, args ...string) bool {
					moves := slices.Contains(args, mapKey(ev))
					if moves {
						redirects++
						c.WriteError(redirect)
					}
					return moves
				})
				began := time.Now()
				if _, err := s.Do(t.Context(), ev, lockstore.Lock("ben", "A2")); !errors.Is(err, lockstore.ErrUnavailable) {
					t.Errorf("Lock while the slot moves: %v, want ErrUnavailable", err)
				}
				if paused := time.Since(began); paused > 0 || redirects == 0 {
					t.Errorf("%d redirects took %v, want no time", redirects, paused)
				}
				time.Sleep(time.Second) // until the client has read the slots again
			})
		})
	}
}
