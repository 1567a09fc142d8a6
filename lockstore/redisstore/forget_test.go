package redisstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest"
)

// TestForgetOnServers checks, on one server and on a Cluster, that Redis has no key of a
// forgotten event, that the id can be used again, and that calls that are made meanwhile
// belong to the old event or to the new one as a whole.
func TestForgetOnServers(t *testing.T) {
	for name, url := range map[string]func() string{
		"server":  func() string { return "redis://" + sharedServer(t) },
		"Cluster": func() string { return sharedCluster(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s, client := storeOn(t, url(), redisstore.Options{})
			ev := storetest.Event(t, newEvent(t).ID, newEvent(t).LockTTL, 0, storetest.Seats(2000)...)
			other := numbered(t, 1)
			mustDo(t, s, other, lockstore.Book(ann, "", "A1"))
			for start := 0; start < len(ev.Seats); start += lockstore.MaxSeats {
				mustDo(t, s, ev, lockstore.Book(ann, "", ev.Seats[start:min(start+lockstore.MaxSeats, len(ev.Seats))]...))
			}
			if booked, known, err := s.Booked(t.Context(), ev.ID); booked != len(ev.Seats) || !known || err != nil {
				t.Errorf("booked seats: %d, %v, %v, want %d", booked, known, err, len(ev.Seats))
			}
			var buyers sync.WaitGroup
			stop := make(chan struct{})
			for range 4 {
				buyers.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						_, err := s.Do(t.Context(), ev, lockstore.Book(ben, "", "A1", "A2000"))
						if err != nil && !errors.Is(err, lockstore.SeatBooked) && !errors.Is(err, lockstore.ErrUnavailable) {
							t.Errorf("a call beside Forget: %v", err)
							return
						}
					}
				})
			}
			err := s.Forget(t.Context(), ev.ID)
			close(stop)
			buyers.Wait()
			if err != nil {
				t.Fatal(err)
			}
			if n := len(mustList(t, s, ev, "").Seats); n != 0 && n != 2 {
				t.Errorf("the event that was sold anew has %d seats taken, want none or 2", n)
			}
			if err := s.Forget(t.Context(), ev.ID); err != nil {
				t.Fatal(err)
			}
			if keys := keysOf(t, client, key(ev, "*")); len(keys) > 0 {
				t.Errorf("keys of the forgotten event: %q", keys)
			}
			next := storetest.Event(t, ev.ID, ev.LockTTL, 0, "B1", "A1")
			mustDo(t, s, next, lockstore.Lock(ben, "A1", "B1"))
			if got := roster(t, s, other, lockstore.Filter{}); len(got) != 1 {
				t.Errorf("the other event has %v", got)
			}
		})
	}
}

// keysOf returns the keys that match the pattern.
func keysOf(t *testing.T, client redis.UniversalClient, pattern string) (all []string) {
	t.Helper()
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return client.Keys(t.Context(), pattern).Val()
	}
	var mu sync.Mutex
	err := cluster.ForEachMaster(t.Context(), func(ctx context.Context, master *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		keys, err := master.Keys(ctx, pattern).Result()
		all = append(all, keys...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
