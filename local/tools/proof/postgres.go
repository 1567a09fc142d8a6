package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
)

// withPostgres runs f with a server of its own, which waits for the disk as it
// does when nobody says otherwise.
func withPostgres(f func(*pgtest.Server) (tally, error)) (tally, error) {
	server, err := pgtest.Start()
	if err != nil {
		return tally{}, err
	}
	defer server.Close()
	return f(server)
}

// startTime bounds how long a server may take until it answers, on a busy machine.
const startTime = 30 * time.Second

// usePostgres makes a store on a pool of its own, and the tables.
func usePostgres(ctx context.Context, url string) (store *pgstore.Store, closePool func(), err error) {
	pool, err := pgstore.Pool(url)
	if err != nil {
		return nil, nil, err
	}
	store = pgstore.New(pool)
	deadline := time.Now().Add(startTime)
	_, err = store.Migrate(ctx)
	for errors.Is(err, lockstore.ErrUnavailable) && time.Now().Before(deadline) {
		if err = sleep(ctx, 100*time.Millisecond); err == nil {
			_, err = store.Migrate(ctx)
		}
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return store, pool.Close, nil
}

func onPostgres(ctx context.Context, s setting) (tally, error) {
	return withPostgres(func(server *pgtest.Server) (tally, error) {
		store, closePool, err := usePostgres(ctx, server.URL("postgres"))
		if err != nil {
			return tally{}, err
		}
		defer closePool()
		return alone(ctx, s, store, 12)
	})
}

// postgresKilled kills the server under load and starts it again.
func postgresKilled(ctx context.Context, s setting) (tally, error) {
	return withPostgres(func(server *pgtest.Server) (tally, error) {
		store, closePool, err := usePostgres(ctx, server.URL("postgres"))
		if err != nil {
			return tally{}, err
		}
		defer closePool()
		c := newCampaign(s, "crash", store, 16)
		c.plan.Pause = 20 * time.Millisecond
		err = c.during(ctx, func(ctx context.Context) error {
			for range s.times(25) {
				if err := sleep(ctx, time.Duration(500+rand.IntN(1000))*time.Millisecond); err != nil {
					return err
				}
				server.Kill()
				if err := server.Restart(); err != nil {
					return err
				}
				c.tally.faults++
			}
			return nil
		})
		if err != nil {
			return c.tally, err
		}
		return c.settle(ctx, store)
	})
}

// badNetworkToPostgres loses, delays and cuts what the server says: of a commit
// too, which it has then made.
func badNetworkToPostgres(ctx context.Context, s setting) (tally, error) {
	return withPostgres(func(server *pgtest.Server) (tally, error) {
		proxy, err := faults.StartProxy(server.Addr)
		if err != nil {
			return tally{}, err
		}
		defer proxy.Close()
		store, closePool, err := usePostgres(ctx, strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1))
		if err != nil {
			return tally{}, err
		}
		defer closePool()
		c := newCampaign(s, "wire", store, 12)
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
