package redisstore_test

import (
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest"
)

// TestContractOnRedis runs the suite on a real server: miniredis does much as
// Redis does, but not all.
func TestContractOnRedis(t *testing.T) {
	s := onRedis(t, "redis://"+redistest.New(t).Addr, redisstore.Options{})
	storetest.RunInRealTime(t, func(*testing.T) lockstore.LockStore { return s })
}

// TestContractOnCluster runs it on three masters: all keys of an event must be
// in one slot.
func TestContractOnCluster(t *testing.T) {
	nodes := redistest.Cluster(t)
	s := onRedis(t, nodes.URL(), redisstore.Options{})
	storetest.RunInRealTime(t, func(*testing.T) lockstore.LockStore { return s })
}

// onRedis is a store on a client of its own.
func onRedis(t *testing.T, url string, o redisstore.Options) *redisstore.Store {
	t.Helper()
	client, err := redisstore.Client(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	s, err := redisstore.New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
