package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
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
	r := &runner{program: filepath.Join(dir, "seatlock"), addr: "127.0.0.1:" + faults.FreePort()}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", r.program, "seatlock/local").CombinedOutput(); err != nil {
		return tally{}, fmt.Errorf("building the runner (call this in the folder of the module): %w\n%s", err, out)
	}
	api, err := client.New("http://"+r.addr, 200)
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
	r.args = append([]string{"-addr", r.addr, "-events", events}, store...)
	if err := r.start(ctx); err != nil {
		return tally{}, err
	}
	defer func() { r.Kill() }()
	if err := c.during(ctx, func(ctx context.Context) error { return f(ctx, c, r) }); err != nil {
		return c.tally, err
	}
	return c.settle(ctx, api)
}

// A runner is a program that serves a campaign.
type runner struct {
	program, addr string
	args          []string
	*faults.Process
}

// start starts it, and returns once it answers.
func (r *runner) start(ctx context.Context) error {
	var log bytes.Buffer
	p, err := faults.StartProcess(&log, nil, r.program, r.args...)
	if err != nil {
		return err
	}
	r.Process = p
	return answers(ctx, "http://"+r.addr, p, &log)
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

// answers returns once the runner answers, or with what it said instead.
func answers(ctx context.Context, url string, p *faults.Process, log *bytes.Buffer) error {
	for {
		resp, err := http.Get(url + "/events")
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.Ended():
			return fmt.Errorf("the runner: %w\n%s", errEnded, log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
