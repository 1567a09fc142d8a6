package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/history"
)

// simulators make the stores that can run in a testing/synctest bubble, where waiting
// takes no time. A simulator also returns a function that closes the store.
var simulators = map[string]func(seed uint64) (store lockstore.LockStore, end func(), err error){
	"memory": func(uint64) (lockstore.LockStore, func(), error) {
		return new(memstore.Store), func() {}, nil
	},
	// The lossy store loses one in twenty calls or answers.
	"lossy": func(seed uint64) (lockstore.LockStore, func(), error) {
		return history.NewFlaky(new(memstore.Store), 0.05, seed), func() {}, nil
	},
	"miniredis": func(uint64) (lockstore.LockStore, func(), error) {
		m := miniredis.NewMiniRedis()
		m.ClockTTL(true)
		client := redistest.Pipes(m)
		store, err := redisstore.New(client, redisstore.Options{})
		return store, func() { client.Close(); m.Close() }, err
	},
}

// simulateCommand runs this program as a test, because only tests can make
// bubbles.
const simulateCommand = "simulate"

// findings is what a simulation writes to a file.
type findings struct {
	Histories, Calls, Unknown, Illegal, Undecided int
	Losses                                        history.Losses
}

// simulated plays the histories of a simulator.
func simulated(name string) func(context.Context, *trial) (tally, error) {
	return func(ctx context.Context, t *trial) (tally, error) {
		dir, err := t.Folder()
		if err != nil {
			return tally{}, err
		}
		self, err := os.Executable()
		if err != nil {
			return tally{}, err
		}
		file := filepath.Join(dir, "findings")
		cmd := exec.CommandContext(ctx, self, simulateCommand, name, strconv.Itoa(t.histories), t.dir, file)
		cmd.Stderr = t.progress
		if out, err := cmd.Output(); err != nil {
			return tally{}, fmt.Errorf("%w\n%s", err, out)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return tally{}, err
		}
		var f findings
		if err := json.Unmarshal(text, &f); err != nil {
			return tally{}, err
		}
		return tally{histories: f.Histories, calls: f.Calls, unknown: f.Unknown, illegal: f.Illegal, undecided: f.Undecided, losses: f.Losses}, nil
	}
}

// simulate runs a simulation and exits.
func simulate(args []string, stderr io.Writer) {
	name, count, dir, file := args[0], args[1], args[2], args[3]
	os.Args = os.Args[:1] // the test has no arguments
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
		Name: name,
		F: func(t *testing.T) {
			histories, err := strconv.Atoi(count)
			if err != nil {
				t.Fatal(err)
			}
			c := newCampaign(settings{histories: histories, dir: dir, progress: stderr}, name, nil, 1)
			for n := 0; n < histories; n += 2 {
				if err := c.simulateOne(t, name, uint64(n)); err != nil {
					t.Fatal(err)
				}
			}
			f := findings{c.tally.histories, c.tally.calls, c.tally.unknown, c.tally.illegal, c.tally.undecided, c.tally.losses}
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}}, nil, nil)
}

// simulateOne plays the histories of one seed on a store of their own. Locks last a
// second, waits are checked, and one in four histories lasts longer than LapseMemory.
func (c *campaign) simulateOne(t *testing.T, name string, seed uint64) error {
	var played []*history.History
	var err error
	synctest.Test(t, func(t *testing.T) {
		store, end, makeErr := simulators[name](seed)
		if err = makeErr; err != nil {
			return
		}
		defer end()
		p := c.plan
		p.Seed, p.Long = seed, seed%8 == 0
		p.TTL, p.Pause, p.Slack, p.Grace = time.Second, 300*time.Millisecond, time.Millisecond, time.Millisecond
		if played, err = history.Play(t.Context(), store, fmt.Sprintf("%s-%d", c.name, seed), p); err != nil {
			return
		}
		for _, h := range played {
			ledger := history.NewLedger(h.Event)
			for _, c := range h.Calls {
				ledger.Note(c)
			}
			var found history.Losses
			if found, err = ledger.Audit(t.Context(), store); err != nil {
				return
			}
			c.tally.losses.Add(found)
		}
	})
	if err != nil {
		return err
	}
	return c.check(played...)
}
