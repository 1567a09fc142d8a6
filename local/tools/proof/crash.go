package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// appendOnly makes Redis write each change to a file.
var appendOnly = []string{"--appendonly", "yes"}

// redisKilled kills the server under load and restarts it on its files. With any policy
// but always, Redis answers before it has written if its disk is slow.
func redisKilled(ctx context.Context, t *trial) (tally, error) {
	server, store, err := t.redis(slices.Concat(appendOnly, []string{"--appendfsync", "always"})...)
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "killed", store, 48)
	c.plan.TTL, c.plan.Pause = diskTTL, 20*time.Millisecond
	return c.run(ctx, c.repeating(25, 300*time.Millisecond, time.Second, func(context.Context, int) error {
		return server.Restart()
	}))
}

// A slowRedis is a server with an append-only file on a disk that can be made slow.
type slowRedis struct {
	*redistest.Server
	disk *redistest.Disk
	dir  string
	args []string
}

// slowRedis starts a server whose fsync takes longer by delay.
func (t *trial) slowRedis(policy string, delay time.Duration) (*slowRedis, error) {
	dir, err := t.Folder()
	if err != nil {
		return nil, err
	}
	disk, err := redistest.NewDisk(dir)
	if err != nil {
		return nil, err
	}
	r := &slowRedis{disk: disk, dir: dir}
	r.args = slices.Concat(appendOnly, []string{"--appendfsync", policy, "--port", faults.FreePort()})
	if err := r.start(delay); err != nil {
		return nil, err
	}
	t.OnClose(func() { r.Kill() })
	return r, nil
}

// start starts the server. Its disk is slow once it answers.
func (r *slowRedis) start(delay time.Duration) (err error) {
	if err := r.disk.Slow(0); err != nil {
		return err
	}
	if r.Server, err = r.disk.Start(r.dir, r.args...); err != nil {
		return err
	}
	return r.disk.Slow(delay)
}

// slowDiskEverySec kills Redis when it has not written for a while: it writes once
// a second, but puts that off for up to two seconds while an fsync is under way.
var slowDiskEverySec = inRounds(6, func(ctx context.Context, t *trial, _ int) (tally, error) {
	server, err := t.slowRedis("everysec", 1500*time.Millisecond)
	if err != nil {
		return tally{}, err
	}
	url := "redis://" + server.Addr
	store, err := t.redisStore(url, redisstore.Options{})
	if err != nil {
		return tally{}, err
	}
	return t.failover(ctx, store, t.redisAfter(url), func(ctx context.Context) error {
		if err := sleep(ctx, time.Second+rand.N(2*time.Second)); err != nil {
			return err
		}
		server.Kill()
		return server.start(0)
	})
})

// slowDiskAlways kills a Redis that waits for a slow disk before each answer, again and
// again. With a delay of 1.5 seconds it would answer no call in time.
func slowDiskAlways(ctx context.Context, t *trial) (tally, error) {
	const delay = 20 * time.Millisecond
	server, err := t.slowRedis("always", delay)
	if err != nil {
		return tally{}, err
	}
	store, err := t.redisStore("redis://"+server.Addr, redisstore.Options{})
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "slow", store, 48)
	c.plan.Plain = true
	c.plan.TTL, c.plan.Pause = 2*time.Second, 0
	return c.run(ctx, c.repeating(15, 500*time.Millisecond, 1500*time.Millisecond, func(context.Context, int) error {
		server.Kill()
		return server.start(delay)
	}))
}

// postgresKilled kills the server under load and restarts it.
func postgresKilled(ctx context.Context, t *trial) (tally, error) {
	server, store, err := t.postgres(ctx)
	if err != nil {
		return tally{}, err
	}
	return newCampaign(t.settings, "killed", store, 16).killingPostgres(ctx, server)
}

// killingPostgres plays while the server is killed and restarted.
func (c *campaign) killingPostgres(ctx context.Context, server *pgtest.Server) (tally, error) {
	c.plan.TTL, c.plan.Pause = diskTTL, 20*time.Millisecond
	c.plan.LosesLog = true // its tables are unlogged
	return c.run(ctx, c.repeating(25, 500*time.Millisecond, 1500*time.Millisecond, func(context.Context, int) error {
		server.Kill()
		return server.Restart()
	}))
}

// clockStepped sets the server's clock an hour forward and back under load. Locks
// then end early or late, so the histories are not checked; bookings must stay.
func clockStepped(ctx context.Context, t *trial) (tally, error) {
	dir, err := t.Folder()
	if err != nil {
		return tally{}, err
	}
	clock, err := redistest.NewClock(dir)
	if err != nil {
		return tally{}, err
	}
	server, err := clock.Start(dir)
	if err != nil {
		return tally{}, err
	}
	t.OnClose(server.Kill)
	store, err := t.redisStore("redis://"+server.Addr, redisstore.Options{})
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "clock", store, 24)
	c.unjudged = true
	steps := []time.Duration{time.Hour, 0, -time.Hour, 0, time.Hour, -time.Hour, 0}
	err = c.playDuring(ctx, c.repeating(3*len(steps), 200*time.Millisecond, time.Second, func(_ context.Context, i int) error {
		return clock.Set(steps[i%len(steps)])
	}))
	if err != nil {
		return c.tally, err
	}
	if err := clock.Set(3 * time.Hour); err != nil { // so that every lock has ended
		return c.tally, err
	}
	return c.audit(ctx)
}
