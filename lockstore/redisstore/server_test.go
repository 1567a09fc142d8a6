package redisstore_test

import (
	"strings"
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest"
)

// TestContractOnRedis runs the suite on a real server: miniredis does much as
// Redis does, but not all.
func TestContractOnRedis(t *testing.T) {
	url := "redis://" + redistest.New(t).Addr
	storetest.RunInRealTime(t, func(t *testing.T) lockstore.LockStore { return onRedis(t, url, redisstore.Options{}) })
}

// TestContractOnCluster runs it on three masters: all keys of an event must be
// in one slot.
func TestContractOnCluster(t *testing.T) {
	addrs := redistest.Cluster(t)
	url := "redis://" + addrs[0] + "?cluster=true&addr=" + strings.Join(addrs[1:], "&addr=")
	storetest.RunInRealTime(t, func(t *testing.T) lockstore.LockStore { return onRedis(t, url, redisstore.Options{}) })
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
