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

func BenchmarkDo(b *testing.B) {
	for _, seats := range []int{100, 1_000_000} {
		b.Run(fmt.Sprintf("seats=%d", seats), func(b *testing.B) {
			ev := storetest.Event(b, "test", time.Minute, 4, storetest.Seats(seats)...)
			ctx, store := b.Context(), new(memstore.Store)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := i * 7919 % seats
				for _, op := range []lockstore.Op{
					lockstore.Lock("ann", ev.Seats[at:at+1]...),
					lockstore.Release("ann", ev.Seats[at:at+1]...),
				} {
					if _, err := store.Do(ctx, ev, op); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
