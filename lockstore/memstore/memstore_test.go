package memstore_test

import (
	"fmt"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) lockstore.LockStore { return new(memstore.Store) })
}

func TestOrders(t *testing.T) {
	storetest.Orders(t, func(*testing.T) lockstore.OrderStore { return new(memstore.Store) })
}

func BenchmarkDo(b *testing.B) {
	for _, seats := range []int{100, 1_000_000} {
		b.Run(fmt.Sprintf("seats=%d", seats), func(b *testing.B) {
			ev := storetest.Event(b, "test", time.Minute, 4, storetest.Seats(seats)...)
			ctx, store := b.Context(), new(memstore.Store)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				seat := ev.Seats[i*7919%seats:][:1]
				if _, err := store.Do(ctx, ev, lockstore.Lock("ann", seat...)); err != nil {
					b.Fatal(err)
				}
				if _, err := store.Do(ctx, ev, lockstore.Release("ann", seat...)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
