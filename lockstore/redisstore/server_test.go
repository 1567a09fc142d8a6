package redisstore_test

import (
	"slices"
	"strconv"
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest"
)

// TestContractOnRedis runs the suite on a real server: miniredis does not do everything as
// Redis does.
func TestContractOnRedis(t *testing.T) {
	t.Parallel()
	s := onRedis(t, "redis://"+sharedServer(t), redisstore.Options{})
	storetest.RunInRealTime(t, func(*testing.T) lockstore.LockStore { return s })
}

// TestContractOnCluster runs the suite on three masters: all keys of an event must be
// in one slot.
func TestContractOnCluster(t *testing.T) {
	t.Parallel()
	s := onRedis(t, sharedCluster(t), redisstore.Options{})
	storetest.RunInRealTime(t, func(*testing.T) lockstore.LockStore { return s })
}

// BenchmarkList measures a full list of 50,000 seats, half of them taken.
func BenchmarkList(b *testing.B) {
	seats := make([]lockstore.SeatID, 50_000)
	for i := range seats {
		seats[i] = lockstore.SeatID("S" + strconv.Itoa(i))
	}
	s, ev := onRedis(b, "redis://"+sharedServer(b), redisstore.Options{}), newEvent(b, seats...)
	for half := range slices.Chunk(seats, 2*lockstore.MaxSeats) {
		mustDo(b, s, ev, lockstore.Lock(lockstore.UserID(half[0]), half[:lockstore.MaxSeats]...))
	}
	b.ReportAllocs()
	for b.Loop() {
		mustList(b, s, ev, "")
	}
}
