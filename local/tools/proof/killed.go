package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

// clientCommand runs this program as one client of one plan, in a process of
// its own that can be killed.
const clientCommand = "client"

// A report is what such a client says when a call begins and when it ends.
type report struct {
	Event int // of the plan
	Op    history.Op
}

// runClient makes the calls of one client and says each before it is made.
func runClient(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet(clientCommand, flag.ContinueOnError)
	url := flags.String("redis", "", "")
	name := flags.String("name", "", "")
	number := flags.Int("number", 0, "")
	text := flags.String("plan", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var p history.Plan
	if err := json.Unmarshal([]byte(*text), &p); err != nil {
		return err
	}
	store, client, err := connect(*url, redisstore.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	records, err := history.Records(store, *name, p)
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	var failed error
	for i, r := range records {
		r.Order = now
		r.Sink = func(op history.Op) { failed = errors.Join(failed, out.Encode(report{i, op})) }
	}
	history.NewClient(*number, p, records).Run(ctx)
	return failed
}

// now orders the calls of several processes of one machine.
func now() int64 { return time.Now().UnixNano() }

// clientsKilled has every client be a process, and kills each in the middle.
func clientsKilled(ctx context.Context, s setting) (tally, error) {
	return withRedis(func(server *redistest.Server, _ string) (tally, error) {
		url := "redis://" + server.Addr
		store, client, err := connect(url, redisstore.Options{})
		if err != nil {
			return tally{}, err
		}
		defer client.Close()
		c := newCampaign(s, "mortal", store, 1)
		for n := range s.times(60) {
			p := c.plan
			p.Seed, p.Calls = uint64(n), 500 // they do not live to make them
			histories, err := playMortal(ctx, url, store, fmt.Sprintf("%s-%d", c.name, n), p)
			if err != nil || ctx.Err() != nil {
				return c.tally, err
			}
			c.tally.faults += p.Clients
			for _, h := range histories {
				if err := c.judge(h); err != nil {
					return c.tally, err
				}
			}
		}
		return c.settle(ctx, store)
	})
}

// playMortal makes the histories of one plan with clients that are killed.
func playMortal(ctx context.Context, url string, store *redisstore.Store, name string, p history.Plan) ([]*history.History, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	records, err := history.Records(store, name, p)
	if err != nil {
		return nil, err
	}
	said := make([][]report, p.Clients)
	errs := make([]error, p.Clients)
	var all sync.WaitGroup
	for i := range p.Clients {
		all.Go(func() {
			said[i], errs[i] = untilKilled(ctx, time.Duration(100+rand.IntN(300))*time.Millisecond,
				self, clientCommand, "-redis", url, "-name", name, "-number", strconv.Itoa(i), "-plan", string(text))
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, r := range records {
		r.Order = now
	}
	history.NewClient(p.Clients, p, records).Finish(ctx)
	var histories []*history.History
	for i, r := range records {
		h := r.History(p.Slack)
		for _, reports := range said {
			h.Ops = append(h.Ops, closed(reports, i)...)
		}
		histories = append(histories, h)
	}
	return histories, nil
}

// untilKilled reads what a client says until it is killed, so long after it
// made its first call.
func untilKilled(ctx context.Context, life time.Duration, program string, args ...string) ([]report, error) {
	read, write := io.Pipe()
	process, err := faults.StartProcess(write, nil, program, args...)
	if err != nil {
		return nil, err
	}
	defer process.Kill()
	go func() {
		<-process.Ended()
		write.Close()
	}()
	var reports []report
	lines := bufio.NewReader(read)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // it is dead; the line that it did not finish is of a call that it did not make
		}
		var r report
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("a client said %q: %w", line, err)
		}
		if reports = append(reports, r); len(reports) == 1 {
			defer time.AfterFunc(life, process.Kill).Stop()
			defer context.AfterFunc(ctx, process.Kill)()
		}
	}
	if len(reports) == 0 {
		return nil, errEnded
	}
	return reports, nil
}

// closed is the calls to one event that a client told of: of each the end, if
// it lived to tell it.
func closed(reports []report, event int) []history.Op {
	var ops []history.Op
	for i, r := range reports {
		if r.Event != event {
			continue
		}
		if i+1 < len(reports) && reports[i+1].Op.Begin == r.Op.Begin {
			continue // its end follows
		}
		ops = append(ops, r.Op)
	}
	return ops
}
