package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

// A runner is the program that serves Seatlock. It can be started again.
type runner struct {
	program string
	args    []string
	*faults.Server
}

// start starts the program and returns once it serves.
func (r *runner) start(ctx context.Context) (err error) {
	r.Server, err = faults.Serve(ctx, r.program, r.args...)
	return err
}

// restart kills the program and starts it again.
func (r *runner) restart(ctx context.Context) error {
	r.Kill()
	return r.start(ctx)
}

// runnerKilled plays over HTTP on a runner that is killed and started again.
func runnerKilled(ctx context.Context, t *trial) (tally, error) {
	server, err := t.Redis()
	if err != nil {
		return tally{}, err
	}
	return killRunner(ctx, t, plan.TTL, "-redis", server.URL())
}

// fileRunnerKilled does that with the seats in a file.
func fileRunnerKilled(ctx context.Context, t *trial) (tally, error) {
	file, err := t.seatsFile()
	if err != nil {
		return tally{}, err
	}
	return killRunner(ctx, t, diskTTL, "-data", file)
}

// killRunner kills a runner that keeps its seats where the flags say.
func killRunner(ctx context.Context, t *trial, ttl time.Duration, store ...string) (tally, error) {
	const kills = 25
	c, r, err := t.onRunner(ctx, ttl, 8*(t.times(kills)+6), store...)
	if err != nil {
		return tally{}, err
	}
	return c.run(ctx, c.repeating(kills, 300*time.Millisecond, time.Second, func(ctx context.Context, _ int) error {
		return r.restart(ctx)
	}))
}

// onRunner returns a campaign over HTTP and the runner that serves it, of at most
// so many histories for each of those that play at the same time.
func (t *trial) onRunner(ctx context.Context, ttl time.Duration, each int, store ...string) (*campaign, *runner, error) {
	program, err := faults.Build(ctx, nil, "seatlock/local")
	if err != nil {
		return nil, nil, err
	}
	dir, err := t.Folder()
	if err != nil {
		return nil, nil, err
	}
	addr := "127.0.0.1:" + faults.FreePort()
	api, err := client.New("http://"+addr, client.Options{Connections: 200})
	if err != nil {
		return nil, nil, err
	}
	t.OnClose(api.Close)
	c := newCampaign(t.settings, "runner", api, 16)
	c.plan.Plain, c.plan.Remote, c.plan.TTL = true, true, ttl
	events := filepath.Join(dir, "events.json")
	if err := writeEvents(events, c, 2*c.parallel*each); err != nil {
		return nil, nil, err
	}
	r := &runner{program: program, args: append([]string{"-addr", addr, "-events", events}, store...)}
	if err := r.start(ctx); err != nil {
		return nil, nil, err
	}
	t.OnClose(func() { r.Kill() })
	return c, r, nil
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
