package main

import (
	"context"
	"crypto/rand"
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

// A runner is the program that serves Seatlock. It can be restarted.
type runner struct {
	program string
	args    []string
	*faults.Server
}

// start starts the program and waits until it serves.
func (r *runner) start(ctx context.Context) (err error) {
	r.Server, err = faults.Serve(ctx, r.program, r.args...)
	return err
}

// restart kills and restarts the program.
func (r *runner) restart(ctx context.Context) error {
	r.Kill()
	return r.start(ctx)
}

// runnerKilled plays over HTTP on a runner that is killed and restarted, and on another
// that keeps running and serves the same events with other settings.
func runnerKilled(ctx context.Context, t *trial) (tally, error) {
	server, err := t.Redis()
	if err != nil {
		return tally{}, err
	}
	c := t.onRunner(plan.TTL)
	r, own, err := t.serve(ctx, c, nil, runnerKills, "-redis", server.URL())
	if err != nil {
		return tally{}, err
	}
	_, other, err := t.serve(ctx, c, history.Other, runnerKills, "-redis", server.URL())
	if err != nil {
		return tally{}, err
	}
	c.store, c.plan.Others = bySettings{own, other, plan.TTL}, true
	return c.killing(ctx, r)
}

// fileRunnerKilled plays on a single runner, with the seats in a file.
func fileRunnerKilled(ctx context.Context, t *trial) (tally, error) {
	file, err := t.seatsFile()
	if err != nil {
		return tally{}, err
	}
	c := t.onRunner(diskTTL)
	r, api, err := t.serve(ctx, c, nil, runnerKills, "-data", file)
	if err != nil {
		return tally{}, err
	}
	c.store = api
	return c.killing(ctx, r)
}

const runnerKills = 25

// killing plays while the runner is killed and restarted.
func (c *campaign) killing(ctx context.Context, r *runner) (tally, error) {
	return c.run(ctx, c.repeating(runnerKills, 300*time.Millisecond, time.Second, func(ctx context.Context, _ int) error {
		return r.restart(ctx)
	}))
}

// bySettings sends a call to the runner that has its lock time.
type bySettings struct {
	lockstore.LockStore // of the lock time
	other               lockstore.LockStore
	lockTTL             time.Duration
}

func (s bySettings) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	if ev.LockTTL != s.lockTTL {
		return s.other.Do(ctx, ev, op)
	}
	return s.LockStore.Do(ctx, ev, op)
}

// onRunner returns a campaign over HTTP, whose store is still to be set.
func (t *trial) onRunner(ttl time.Duration) *campaign {
	c := newCampaign(t.settings, "runner", nil, 16)
	c.plan.Plain, c.plan.Remote, c.plan.TTL = true, true, ttl
	return c
}

// serve starts a runner of the campaign's events, with enough of them for faultCount
// faults, and returns it with a client. If other is nil, events have their own settings.
func (t *trial) serve(ctx context.Context, c *campaign, other func(*lockstore.Event) *history.Settings, faultCount int, store ...string) (*runner, *client.Client, error) {
	program, err := faults.Build(ctx, nil, "seatlock/local")
	if err != nil {
		return nil, nil, err
	}
	dir, err := t.Folder()
	if err != nil {
		return nil, nil, err
	}
	addr := "127.0.0.1:" + faults.FreePort()
	key := rand.Text() + rand.Text()
	api, err := client.New("http://"+addr, client.Options{Connections: 200, Token: key})
	if err != nil {
		return nil, nil, err
	}
	t.OnClose(api.Close)
	events := filepath.Join(dir, "events.json")
	const each = 8 // histories between two faults, for each that plays at the same time
	if err := writeEvents(events, c, other, 2*c.parallel*each*(t.times(faultCount)+6)); err != nil {
		return nil, nil, err
	}
	// The command env sets the key, with which the audit can read rosters and journals.
	r := &runner{program: "env", args: append([]string{"OPERATOR_KEY=" + key, program, "-addr", addr, "-events", events}, store...)}
	if err := r.start(ctx); err != nil {
		return nil, nil, err
	}
	t.OnClose(func() { r.Kill() })
	return r, api, nil
}

// writeEvents writes the event file of the first seeds of a campaign.
func writeEvents(file string, c *campaign, other func(*lockstore.Event) *history.Settings, seeds int) error {
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
			set := &history.Settings{LockTTL: r.Event.LockTTL, SeatLimit: r.Event.SeatLimit}
			if other != nil {
				set = other(r.Event)
			}
			all.Events = append(all.Events, event{r.Event.ID, set.LockTTL.Seconds(), set.SeatLimit, r.Event.Seats})
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
