package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

// runnerKilled plays over HTTP on a runner that is killed and started again.
func runnerKilled(ctx context.Context, s setting) (tally, error) {
	return withRedis(func(server *redistest.Server, dir string) (tally, error) {
		return killRunner(ctx, s, dir, plan.TTL, "-redis", "redis://"+server.Addr)
	})
}

// killRunner does it with a runner that has its seats where the flags say.
func killRunner(ctx context.Context, s setting, dir string, ttl time.Duration, store ...string) (tally, error) {
	kills := s.times(25)
	return onRunner(ctx, s, dir, ttl, 8*(kills+1), store, func(ctx context.Context, c *campaign, r *runner) error {
		for range kills {
			if err := sleep(ctx, time.Duration(300+rand.IntN(700))*time.Millisecond); err != nil {
				return err
			}
			r.Kill()
			if err := r.start(ctx); err != nil {
				return err
			}
			c.tally.faults++
		}
		return nil
	})
}

// onRunner plays over HTTP on a runner to which f does something, for so many
// histories of each player at most.
func onRunner(ctx context.Context, s setting, dir string, ttl time.Duration, each int, store []string, f func(context.Context, *campaign, *runner) error) (tally, error) {
	program, err := faults.Build(ctx, nil, "seatlock/local")
	if err != nil {
		return tally{}, err
	}
	addr := "127.0.0.1:" + faults.FreePort()
	api, err := client.New("http://"+addr, 200)
	if err != nil {
		return tally{}, err
	}
	defer api.Close()
	c := newCampaign(s, "runner", api, 16)
	c.plan.Plain, c.plan.Remote, c.plan.TTL = true, true, ttl
	events := filepath.Join(dir, "events.json")
	if err := writeEvents(events, c, 2*c.parallel*each); err != nil {
		return tally{}, err
	}
	r := &runner{program: program, args: append([]string{"-addr", addr, "-events", events}, store...)}
	if err := r.start(ctx); err != nil {
		return tally{}, err
	}
	defer func() { r.Kill() }()
	if err := c.during(ctx, func(ctx context.Context) error { return f(ctx, c, r) }); err != nil {
		return c.tally, err
	}
	return c.settle(ctx, api)
}

// A runner is a program that serves a campaign, and can be started again.
type runner struct {
	program string
	args    []string
	*faults.Server
}

// start starts it, and returns once it serves.
func (r *runner) start(ctx context.Context) (err error) {
	r.Server, err = faults.Serve(ctx, r.program, r.args...)
	return err
}

// writeEvents writes the event file of the first seeds of a campaign.
func writeEvents(file string, c *campaign, seeds int) error {
	type event struct {
		ID          lockstore.EventID  `json:"id"`
		LockSeconds float64            `json:"lockSeconds"`
		SeatLimit   int                `json:"seatLimit"`
		Seats       []lockstore.SeatID `json:"seats"`
	}
	var all struct {
		Events []event `json:"events"`
	}
	for seed := 2; seed <= seeds; seed += 2 {
		p := c.plan
		p.Seed = uint64(seed)
		records, err := history.Records(nil, fmt.Sprintf("%s-%d", c.name, seed), p)
		if err != nil {
			return err
		}
		for _, r := range records {
			all.Events = append(all.Events, event{r.Event.ID, r.Event.LockTTL.Seconds(), r.Event.SeatLimit, r.Event.Seats})
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
