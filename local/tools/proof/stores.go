package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// alone plays on a store to which nothing is done.
func alone(ctx context.Context, s setting, store lockstore.LockStore, parallel int) (tally, error) {
	c := newCampaign(s, "alone", store, parallel)
	if err := c.play(ctx, s.histories, nil); err != nil {
		return c.tally, err
	}
	return c.settle(ctx, store)
}

func onRedis(ctx context.Context, s setting) (tally, error) {
	return withRedis(func(server *redistest.Server, _ string) (tally, error) {
		store, client, err := connect("redis://"+server.Addr, redisstore.Options{})
		if err != nil {
			return tally{}, err
		}
		defer client.Close()
		return alone(ctx, s, store, 24)
	})
}

func onCluster(ctx context.Context, s setting) (tally, error) {
	return withCluster(ctx, false, func(nodes redistest.Nodes) (tally, error) {
		store, client, err := connect(nodes.URL(), redisstore.Options{})
		if err != nil {
			return tally{}, err
		}
		defer client.Close()
		return alone(ctx, s, store, 24)
	})
}

// connect makes a store on a client of its own.
func connect(url string, o redisstore.Options) (*redisstore.Store, redis.UniversalClient, error) {
	client, err := redisstore.Client(url)
	if err != nil {
		return nil, nil, err
	}
	store, err := redisstore.New(client, o)
	return store, client, err
}

// withRedis runs f with a server, whose files are in the folder.
func withRedis(f func(s *redistest.Server, dir string) (tally, error), args ...string) (tally, error) {
	return withFolder(func(dir string) (tally, error) {
		server, err := redistest.Start(dir, args...)
		if err != nil {
			return tally{}, err
		}
		defer server.Kill()
		return f(server, dir)
	})
}

// withCluster runs f with a Cluster.
func withCluster(ctx context.Context, replicas bool, f func(redistest.Nodes) (tally, error), args ...string) (tally, error) {
	return withFolder(func(dir string) (tally, error) {
		nodes, err := redistest.StartCluster(ctx, dir, replicas, args...)
		if err != nil {
			return tally{}, err
		}
		defer nodes.Kill()
		return f(nodes)
	})
}

// withFolder runs f with a folder that is gone afterwards.
func withFolder(f func(dir string) (tally, error)) (tally, error) {
	dir, err := os.MkdirTemp("", "seatlock-proof-")
	if err != nil {
		return tally{}, err
	}
	defer os.RemoveAll(filepath.Clean(dir))
	return f(dir)
}
