package main

import (
	"context"
	"time"

	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// appendOnly makes Redis write each change to a file before it answers.
var appendOnly = []string{"--appendonly", "yes"}

// redisKilled kills the server under load and starts it again on its files.
func redisKilled(ctx context.Context, t *trial) (tally, error) {
	server, store, err := t.redis(appendOnly...)
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "killed", store, 48)
	c.plan.TTL, c.plan.Pause = diskTTL, 20*time.Millisecond
	return c.run(ctx, c.repeating(25, 300*time.Millisecond, time.Second, func(context.Context, int) error {
		return server.Restart()
	}))
}

// postgresKilled kills the server under load and starts it again.
func postgresKilled(ctx context.Context, t *trial) (tally, error) {
	server, store, err := t.postgres(ctx)
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "killed", store, 16)
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
