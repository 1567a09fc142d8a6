package main

import (
	"context"
	"math/rand/v2"
	"time"

	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// badNetwork plays through a proxy that loses, delays and cuts.
func badNetwork(ctx context.Context, s setting) (tally, error) {
	return withRedis(func(server *redistest.Server, _ string) (tally, error) {
		proxy, err := faults.StartProxy(server.Addr)
		if err != nil {
			return tally{}, err
		}
		defer proxy.Close()
		store, client, err := connect("redis://"+proxy.Addr, redisstore.Options{})
		if err != nil {
			return tally{}, err
		}
		defer client.Close()
		c := newCampaign(s, "network", store, 24)
		c.plan.TTL = time.Second // longer than a call can take, or nothing would be confirmed
		err = c.during(ctx, func(ctx context.Context) error {
			c.tally.faults, err = afflict(ctx, proxy, s.times(600))
			return err
		})
		if err != nil {
			return c.tally, err
		}
		return c.settle(ctx, store)
	})
}

// afflict has the proxy break replies until it has done so that many times, and
// returns how often it did.
func afflict(ctx context.Context, proxy *faults.Proxy, want int) (happened int, err error) {
	enough := make(chan struct{})
	rnd := rand.New(rand.NewPCG(1, 2))
	proxy.Afflict(func() faults.Fate {
		f := fate(rnd)
		if f != (faults.Fate{}) {
			if happened++; happened == want {
				close(enough)
			}
		}
		return f
	})
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case <-enough:
	}
	proxy.Afflict(nil)
	return happened, err
}

// fate breaks one reply of about fifty: few enough for a history to be decided.
func fate(rnd *rand.Rand) faults.Fate {
	switch rnd.IntN(250) {
	case 0:
		return faults.Fate{Lost: true}
	case 1, 2:
		return faults.Fate{Cut: true}
	case 3, 4:
		return faults.Fate{Delay: time.Duration(rnd.IntN(800)) * time.Millisecond}
	}
	return faults.Fate{}
}
