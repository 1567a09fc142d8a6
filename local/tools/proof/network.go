package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest/faults"
)

func badNetwork(ctx context.Context, t *trial) (tally, error) {
	server, err := t.Redis()
	if err != nil {
		return tally{}, err
	}
	proxy, err := t.Proxy(server.Addr)
	if err != nil {
		return tally{}, err
	}
	store, err := t.redisStore("redis://"+proxy.Addr, redisstore.Options{})
	if err != nil {
		return tally{}, err
	}
	return throughProxies(ctx, t, store, 24, 600, proxy)
}

// badNetworkInCluster puts a proxy before each master. The Cluster names the
// proxies to its clients.
func badNetworkInCluster(ctx context.Context, t *trial) (tally, error) {
	nodes, err := t.Cluster(ctx, false)
	if err != nil {
		return tally{}, err
	}
	var proxies []*faults.Proxy
	var addrs []string
	for _, n := range nodes {
		proxy, err := t.Proxy(n.Addr)
		if err != nil {
			return tally{}, err
		}
		proxies, addrs = append(proxies, proxy), append(addrs, proxy.Addr)
	}
	if err := nodes.Announce(ctx, addrs); err != nil {
		return tally{}, err
	}
	store, err := t.redisStore("redis://"+addrs[0]+"?cluster=true", redisstore.Options{})
	if err != nil {
		return tally{}, err
	}
	return throughProxies(ctx, t, store, 16, 300, proxies...)
}

// badNetworkToPostgres breaks answers, also to commits that the server has carried out.
func badNetworkToPostgres(ctx context.Context, t *trial) (tally, error) {
	server, err := t.Postgres()
	if err != nil {
		return tally{}, err
	}
	proxy, err := t.Proxy(server.Addr)
	if err != nil {
		return tally{}, err
	}
	store, err := t.postgresStore(ctx, urlAt(server, proxy.Addr))
	if err != nil {
		return tally{}, err
	}
	return throughProxies(ctx, t, store, 12, 600, proxy)
}

// throughProxies plays on a store whose servers are behind proxies. The proxies lose, delay
// or cut as many answers as broken says, scaled.
func throughProxies(ctx context.Context, t *trial, store lockstore.LockStore, parallel, broken int, proxies ...*faults.Proxy) (tally, error) {
	c := newCampaign(t.settings, "network", store, parallel)
	c.plan.TTL = time.Second // longer than a call can take, so that something is confirmed
	return c.run(ctx, func(ctx context.Context) (err error) {
		c.tally.faults, err = breakReplies(ctx, proxies, c.times(broken))
		return err
	})
}

// breakReplies makes the proxies break replies until they have broken at least want, and
// returns how many they broke.
func breakReplies(ctx context.Context, proxies []*faults.Proxy, want int) (int, error) {
	enough := make(chan struct{})
	var mu sync.Mutex // the proxies call at the same time
	broken, rnd := 0, rand.New(rand.NewPCG(1, 2))
	for _, p := range proxies {
		p.Inject(func() faults.Fault {
			mu.Lock()
			defer mu.Unlock()
			f, breaks := randomFault(rnd)
			if breaks {
				if broken++; broken == want {
					close(enough)
				}
			}
			return f
		})
	}
	var err error
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case <-enough:
	}
	for _, p := range proxies {
		p.Inject(nil)
	}
	mu.Lock()
	defer mu.Unlock()
	return broken, err
}

// randomFault breaks about one in fifty replies, few enough for most histories to be
// decided.
func randomFault(rnd *rand.Rand) (f faults.Fault, breaks bool) {
	switch rnd.IntN(250) {
	case 0:
		return faults.Fault{Lost: true}, true
	case 1, 2:
		return faults.Fault{Cut: true}, true
	case 3, 4:
		return faults.Fault{Delay: time.Duration(rnd.IntN(800)) * time.Millisecond}, true
	}
	return faults.Fault{}, false
}
