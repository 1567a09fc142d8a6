package redisstore_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest"
)

// TestOrdersContract runs the suite of orders on miniredis.
func TestOrdersContract(t *testing.T) {
	storetest.Orders(t, func(t *testing.T) lockstore.OrderStore { return onMiniredis(t, miniredis.NewMiniRedis()) })
}

// TestOrdersOnRedis runs the suite on servers. Then it checks that, of many callers in two
// processes that put the same order, one succeeds, and that an order that is due is leased
// once.
func TestOrdersOnRedis(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"server": "redis://" + redistest.New(t).Addr, "cluster": redistest.Cluster(t).URL()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ev := onRedis(t, url, redisstore.Options{}), newEvent(t)
			storetest.OrdersInRealTime(t, func(*testing.T) lockstore.OrderStore { return s })
			other := onRedis(t, url, redisstore.Options{})
			const ids, rivals = 50, 10
			var won [ids]atomic.Int32
			var all sync.WaitGroup
			for i := range ids * rivals {
				all.Go(func() {
					o := lockstore.Order{ID: lockstore.OrderID(fmt.Sprint("order", i%ids)), Event: ev.ID, Due: time.Now(), Body: []byte(fmt.Sprint(i))}
					if _, err := []*redisstore.Store{s, other}[i/ids%2].Put(t.Context(), o); err == nil {
						won[i%ids].Add(1)
					} else if !errors.Is(err, lockstore.ErrOrderChanged) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			for i := range won {
				if n := won[i].Load(); n != 1 {
					t.Errorf("order%d was put by %d, want one", i, n)
				}
			}
			time.Sleep(5 * time.Millisecond)
			var mu sync.Mutex
			leased := make(map[lockstore.OrderID]int)
			for _, s := range []*redisstore.Store{s, other, s, other} {
				all.Go(func() {
					for range 10 {
						orders, err := s.Due(t.Context(), 7, time.Hour)
						if err != nil {
							t.Error(err)
						}
						mu.Lock()
						for _, o := range orders {
							leased[o.ID]++
						}
						mu.Unlock()
					}
				})
			}
			all.Wait()
			for id, n := range leased {
				if n != 1 {
					t.Errorf("%s was leased %d times", id, n)
				}
			}
			if orders, err := s.Orders(t.Context(), ev.ID, ""); err != nil || len(orders) != ids || len(leased) != ids {
				t.Errorf("there are %d orders, %v, and %d were leased, want %d", len(orders), err, len(leased), ids)
			}
		})
	}
}

// BenchmarkPut puts new orders, 64 at a time, while as many callers lock seats.
func BenchmarkPut(b *testing.B) {
	s, ev := onRedis(b, "redis://"+sharedServer(b), redisstore.Options{}), newEvent(b)
	b.SetParallelism(32) // of two processors
	body := make([]byte, 500)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			o := lockstore.Order{ID: lockstore.OrderID(fmt.Sprint("bench", n.Add(1))), Event: ev.ID, Due: time.Now(), Body: body}
			if _, err := s.Put(b.Context(), o); err != nil && !errors.Is(err, lockstore.ErrOrderChanged) {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}
