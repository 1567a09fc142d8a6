package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// A reopened is a store in a file that is closed and reopened while it is called. While
// it is closed it acts as a backend that cannot be reached.
type reopened struct {
	file string

	mu    sync.RWMutex // guards store; not held during a call
	store *boltstore.Store
}

func (r *reopened) current() *boltstore.Store {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.store
}

func (r *reopened) reopen() error {
	if err := r.current().Close(); err != nil {
		return err
	}
	store, err := boltstore.Open(r.file)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store = store
	return nil
}

func (r *reopened) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	return r.current().Do(ctx, ev, op)
}

func (r *reopened) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	return r.current().List(ctx, ev, since)
}

func (r *reopened) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	return r.current().Wait(ctx, ev, since)
}

func (r *reopened) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	return r.current().Roster(ctx, ev, f)
}

func (r *reopened) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	return r.current().Journal(ctx, ev, after, limit)
}

func (r *reopened) Put(ctx context.Context, o lockstore.Order) (int64, error) {
	return r.current().Put(ctx, o)
}

func (r *reopened) Order(ctx context.Context, id lockstore.OrderID) (lockstore.Order, error) {
	return r.current().Order(ctx, id)
}

func (r *reopened) Due(ctx context.Context, limit int, lease time.Duration) ([]lockstore.Order, error) {
	return r.current().Due(ctx, limit, lease)
}

func (r *reopened) Orders(ctx context.Context, event lockstore.EventID, after lockstore.OrderID) ([]lockstore.Order, error) {
	return r.current().Orders(ctx, event, after)
}

// fileReopened closes and reopens the file under load.
func fileReopened(ctx context.Context, t *trial) (tally, error) {
	file, store, err := t.boltStore()
	if err != nil {
		return tally{}, err
	}
	r := &reopened{file: file, store: store}
	c := newCampaign(t.settings, "reopened", r, 24)
	c.plan.TTL = diskTTL
	c.plan.Plain = true // a Wait on a store that is then closed sees no change
	counted, err := c.run(ctx, c.repeating(100, 50*time.Millisecond, 250*time.Millisecond, func(context.Context, int) error {
		return r.reopen()
	}))
	return counted, errors.Join(err, r.current().Close())
}

// diskFull limits, under load, the size of the files that the runner may write, which
// has the effect of a full disk: sometimes the file of seats cannot grow, sometimes
// nothing can be written at all. Every third time the runner is killed in that state and
// restarted.
func diskFull(ctx context.Context, t *trial) (tally, error) {
	file, err := t.seatsFile()
	if err != nil {
		return tally{}, err
	}
	const limits = 60
	c := t.onRunner(diskTTL)
	r, api, err := t.serve(ctx, c, nil, limits, "-data", file)
	if err != nil {
		return tally{}, err
	}
	c.store = api
	return c.run(ctx, c.repeating(limits, 100*time.Millisecond, 300*time.Millisecond, func(ctx context.Context, i int) error {
		if err := r.fill(ctx, file); err != nil {
			return err
		}
		if err := sleep(ctx, time.Duration(rand.IntN(300))*time.Millisecond); err != nil {
			return err
		}
		if i%3 == 2 {
			return r.restart(ctx)
		}
		return r.limit(ctx, "unlimited")
	}))
}

// fill lets the runner write little more to the file, or nothing.
func (r *runner) fill(ctx context.Context, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	limits := []int64{0, 4096, info.Size(), info.Size() + rand.Int64N(1<<16)}
	return r.limit(ctx, strconv.FormatInt(limits[rand.IntN(len(limits))], 10))
}

// limit sets the size up to which the runner may write files.
func (r *runner) limit(ctx context.Context, size string) error {
	// Only the soft limit, because a hard limit cannot be raised again.
	out, err := exec.CommandContext(ctx, "prlimit", "--pid", strconv.Itoa(r.PID()), "--fsize="+size+":").CombinedOutput()
	if err != nil {
		return fmt.Errorf("prlimit (of util-linux): %w: %s", err, out)
	}
	return nil
}
