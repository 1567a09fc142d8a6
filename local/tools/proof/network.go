package main

import (
	"context"
	"math/rand/v2"
	"strings"
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
	return throughProxy(ctx, t, store, 24, proxy)
}

// badNetworkToPostgres breaks answers to commits too, which the server has then
// carried out.
func badNetworkToPostgres(ctx context.Context, t *trial) (tally, error) {
	server, err := t.Postgres()
	if err != nil {
		return tally{}, err
	}
	proxy, err := t.Proxy(server.Addr)
	if err != nil {
		return tally{}, err
	}
	store, err := t.postgresStore(ctx, strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1))
	if err != nil {
		return tally{}, err
	}
	return throughProxy(ctx, t, store, 12, proxy)
}

// throughProxy plays on a store whose server is behind a proxy that loses,
// delays and cuts answers.
func throughProxy(ctx context.Context, t *trial, store lockstore.LockStore, parallel int, proxy *faults.Proxy) (tally, error) {
	c := newCampaign(t.settings, "network", store, parallel)
	c.plan.TTL = time.Second // longer than a call can take, or nothing would be confirmed
	return c.run(ctx, func(ctx context.Context) (err error) {
		c.tally.faults, err = breakReplies(ctx, proxy, c.times(600))
		return err
	})
}

// breakReplies makes the proxy break replies until it has broken that many, and
// returns how many it broke.
func breakReplies(ctx context.Context, proxy *faults.Proxy, want int) (broken int, err error) {
	enough := make(chan struct{})
	rnd := rand.New(rand.NewPCG(1, 2))
	proxy.Inject(func() faults.Fault {
		f := randomFault(rnd)
		if f != (faults.Fault{}) {
			if broken++; broken == want {
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
	proxy.Inject(nil)
	return broken, err
}

// randomFault breaks one reply of about fifty, few enough for most histories to
// be decided.
func randomFault(rnd *rand.Rand) faults.Fault {
	switch rnd.IntN(250) {
	case 0:
		return faults.Fault{Lost: true}
	case 1, 2:
		return faults.Fault{Cut: true}
	case 3, 4:
		return faults.Fault{Delay: time.Duration(rnd.IntN(800)) * time.Millisecond}
	}
	return faults.Fault{}
}
