package redisstore_test

import (
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest"
)

// TestContractOnRedis runs the suite on a real server: miniredis does much as
// Redis does, but not all.
func TestContractOnRedis(t *testing.T) {
	t.Parallel()
	s := onRedis(t, "redis://"+sharedServer(t), redisstore.Options{})
	storetest.RunInRealTime(t, func(*testing.T) lockstore.LockStore { return s })
}

// TestContractOnCluster runs it on three masters: all keys of an event must be
// in one slot.
func TestContractOnCluster(t *testing.T) {
	t.Parallel()
	s := onRedis(t, sharedCluster(t), redisstore.Options{})
	storetest.RunInRealTime(t, func(*testing.T) lockstore.LockStore { return s })
}
