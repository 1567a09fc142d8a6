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

	"seatlock/local/internal/remote"
	"seatlock/lockstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

// runnerKilled plays over HTTP on a runner that is killed and started again.
func runnerKilled(ctx context.Context, s setting) (tally, error) {
	return withRedis(func(server *redistest.Server, dir string) (tally, error) {
		program := filepath.Join(dir, "seatlock")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "seatlock/local").CombinedOutput(); err != nil {
			return tally{}, fmt.Errorf("building the runner (call this in the folder of the module): %w\n%s", err, out)
		}
		addr := "127.0.0.1:" + faults.FreePort()
		api, err := remote.New("http://"+addr, 200)
		if err != nil {
			return tally{}, err
		}
		defer api.Close()
		c := newCampaign(s, "runner", api, 16)
		c.plan.Plain, c.plan.Remote = true, true
		kills := s.times(25)
		events := filepath.Join(dir, "events.json")
		if err := writeEvents(events, c, 2*c.parallel*(kills+1)*8); err != nil {
			return tally{}, err
		}
		start := func() (*faults.Process, error) {
			var log bytes.Buffer
			p, err := faults.StartProcess(&log, nil, program, "-addr", addr, "-events", events, "-redis", "redis://"+server.Addr)
			if err != nil {
				return nil, err
			}
			return p, answers(ctx, "http://"+addr, p, &log)
		}
		runner, err := start()
		if err != nil {
			return tally{}, err
		}
		defer func() { runner.Kill() }()
		err = c.during(ctx, func(ctx context.Context) error {
			for range kills {
				if err := sleep(ctx, time.Duration(300+rand.IntN(700))*time.Millisecond); err != nil {
					return err
				}
				runner.Kill()
				if runner, err = start(); err != nil {
					return err
				}
				c.tally.faults++
			}
			return nil
		})
		if err != nil {
			return c.tally, err
		}
		return c.settle(ctx, api)
	})
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
