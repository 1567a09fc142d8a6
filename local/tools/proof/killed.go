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
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

// clientCommand runs this program as one client of a plan, as a process of its
// own that can be killed.
const clientCommand = "client"

// A report is written by a client when a call begins and when it ends.
type report struct {
	Event int // of the plan
	Call  history.Call
}

// runClient makes the calls of one client and reports each before and after it.
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
	t := new(trial)
	defer t.Close()
	store, err := t.redisStore(*url, redisstore.Options{})
	if err != nil {
		return err
	}
	records, err := history.Records(store, *name, p)
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	var failed error
	for i, r := range records {
		r.Order = now
		r.Sink = func(c history.Call) { failed = errors.Join(failed, out.Encode(report{i, c})) }
	}
	history.NewClient(*number, p, records).Run(ctx)
	return failed
}

// now returns a time that orders the calls of several processes on one machine.
func now() int64 { return time.Now().UnixNano() }

// clientsKilled runs every client as a process and kills each in the middle.
func clientsKilled(ctx context.Context, t *trial) (tally, error) {
	server, store, err := t.redis()
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "clients", store, 1)
	const few = 6 // enough that one books something even on a busy machine
	for n := range max(few, t.times(60)) {
		p := c.plan
		p.Seed, p.Calls = uint64(n), 500 // more than a client can make before it is killed
		histories, err := playUntilKilled(ctx, server.URL(), store, fmt.Sprintf("%s-%d", c.name, n), p)
		if err != nil {
			return c.tally, err
		}
		c.tally.faults += p.Clients
		if err := c.check(histories...); err != nil {
			return c.tally, err
		}
	}
	return c.audit(ctx)
}

// playUntilKilled plays the histories of one plan with clients that are killed.
func playUntilKilled(ctx context.Context, url string, store *redisstore.Store, name string, p history.Plan) ([]*history.History, error) {
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
	reports := make([][]report, p.Clients)
	errs := make([]error, p.Clients)
	var all sync.WaitGroup
	for i := range p.Clients {
		all.Go(func() {
			reports[i], errs[i] = reportsUntilKilled(ctx, time.Duration(100+rand.IntN(300))*time.Millisecond,
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
		for _, client := range reports {
			h.Calls = append(h.Calls, callsOf(client, i)...)
		}
		histories = append(histories, h)
	}
	return histories, nil
}

// reportsUntilKilled starts a client, kills it when life has passed since its first
// report, and returns its reports.
func reportsUntilKilled(ctx context.Context, life time.Duration, program string, args ...string) ([]report, error) {
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
			break // it was killed; the call of an unfinished line was not made
		}
		var r report
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("a client reported %q: %w", line, err)
		}
		if reports = append(reports, r); len(reports) == 1 {
			defer time.AfterFunc(life, process.Kill).Stop()
			defer context.AfterFunc(ctx, process.Kill)()
		}
	}
	if len(reports) == 0 {
		return nil, errors.New("a client ended before it made a call")
	}
	return reports, nil
}

// callsOf returns the calls to one event that a client reported, each once: with its end
// if the client reported that before it was killed.
func callsOf(reports []report, event int) []history.Call {
	var calls []history.Call
	for i, r := range reports {
		if r.Event != event {
			continue
		}
		if i+1 < len(reports) && reports[i+1].Call.Begin == r.Call.Begin {
			continue // its end follows
		}
		calls = append(calls, r.Call)
	}
	return calls
}
