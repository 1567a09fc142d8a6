package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// redisStore returns a store with a client of its own.
func (t *trial) redisStore(url string, o redisstore.Options) (*redisstore.Store, error) {
	client, err := redisstore.Client(url)
	if err != nil {
		return nil, err
	}
	t.OnClose(func() { client.Close() })
	return redisstore.New(client, o)
}

// redis starts a server and returns it with a store on it.
func (t *trial) redis(args ...string) (*testbed.Redis, *redisstore.Store, error) {
	server, err := t.Redis(args...)
	if err != nil {
		return nil, nil, err
	}
	store, err := t.redisStore(server.URL(), redisstore.Options{})
	return server, store, err
}

// cluster starts a Cluster and returns it with a store on it that waits for so
// many replicas.
func (t *trial) cluster(ctx context.Context, replicas bool, wait int, args ...string) (redistest.Nodes, *redisstore.Store, error) {
	nodes, err := t.Cluster(ctx, replicas, args...)
	if err != nil {
		return nil, nil, err
	}
	store, err := t.redisStore(nodes.URL(), redisstore.Options{Replicas: wait})
	return nodes, store, err
}

// startTime bounds how long a server may take to answer on a busy machine.
const startTime = 30 * time.Second

// postgresStore returns a store with a pool of its own, and makes its tables.
func (t *trial) postgresStore(ctx context.Context, url string) (*pgstore.Store, error) {
	pool, err := pgstore.Pool(url)
	if err != nil {
		return nil, err
	}
	t.OnClose(pool.Close)
	store := pgstore.New(pool)
	for began := time.Now(); ; {
		_, err := store.Migrate(ctx)
		if !errors.Is(err, lockstore.ErrUnavailable) || time.Since(began) > startTime {
			return store, err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// postgres starts a server and returns it with a store on it.
func (t *trial) postgres(ctx context.Context) (*pgtest.Server, *pgstore.Store, error) {
	server, err := t.Postgres()
	if err != nil {
		return nil, nil, err
	}
	store, err := t.postgresStore(ctx, server.URL("postgres"))
	return server, store, err
}

// diskTTL is how long locks last where calls wait for a disk: long enough to
// confirm something on a disk that others use too, and short enough to expire.
const diskTTL = 600 * time.Millisecond

// seatsFile returns the name of a file to keep seats in.
func (t *trial) seatsFile() (string, error) {
	dir, err := t.Folder()
	return filepath.Join(dir, "seats"), err
}

// boltStore returns a store in a new file.
func (t *trial) boltStore() (file string, store *boltstore.Store, err error) {
	if file, err = t.seatsFile(); err != nil {
		return "", nil, err
	}
	store, err = boltstore.Open(file)
	return file, store, err
}

func onRedis(ctx context.Context, t *trial) (tally, error) {
	_, store, err := t.redis()
	if err != nil {
		return tally{}, err
	}
	return newCampaign(t.settings, "alone", store, 24).alone(ctx)
}

func onCluster(ctx context.Context, t *trial) (tally, error) {
	_, store, err := t.cluster(ctx, false, 0)
	if err != nil {
		return tally{}, err
	}
	return newCampaign(t.settings, "alone", store, 24).alone(ctx)
}

func onPostgres(ctx context.Context, t *trial) (tally, error) {
	_, store, err := t.postgres(ctx)
	if err != nil {
		return tally{}, err
	}
	return newCampaign(t.settings, "alone", store, 12).alone(ctx)
}

func onFile(ctx context.Context, t *trial) (tally, error) {
	_, store, err := t.boltStore()
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "alone", store, 24)
	c.plan.TTL = diskTTL
	counted, err := c.alone(ctx)
	return counted, errors.Join(err, store.Close())
}
