package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// fileTTL is how long locks last in a file: long enough for something to be
// confirmed on a disk that others use too, and short enough to run out.
const fileTTL = 400 * time.Millisecond

// inFile runs f with the name of a file that is gone afterwards.
func inFile(f func(dir, file string) (tally, error)) (tally, error) {
	return withFolder(func(dir string) (tally, error) { return f(dir, filepath.Join(dir, "seats")) })
}

func onFile(ctx context.Context, s setting) (tally, error) {
	return inFile(func(_, file string) (tally, error) {
		store, err := boltstore.Open(file)
		if err != nil {
			return tally{}, err
		}
		c := newCampaign(s, "alone", store, 24)
		c.plan.TTL = fileTTL
		if err := c.play(ctx, s.histories, nil); err != nil {
			return c.tally, errors.Join(err, store.Close())
		}
		t, err := c.settle(ctx, store)
		return t, errors.Join(err, store.Close())
	})
}

// fileRunnerKilled is runnerKilled, with the seats in a file.
func fileRunnerKilled(ctx context.Context, s setting) (tally, error) {
	return inFile(func(dir, file string) (tally, error) { return killRunner(ctx, s, dir, fileTTL, "-data", file) })
}

// reopening is a store in a file that is closed and opened again under its
// callers. Closed, it is a backend out of reach.
type reopening struct {
	file string

	mu sync.RWMutex // held to read by who fetches the store, not during the call
	*boltstore.Store
}

func (r *reopening) store() *boltstore.Store {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.Store
}

func (r *reopening) reopen() error {
	if err := r.store().Close(); err != nil {
		return err
	}
	store, err := boltstore.Open(r.file)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Store = store
	return nil
}

func (r *reopening) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	return r.store().Lock(ctx, ev, seats, user)
}

func (r *reopening) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return r.store().Confirm(ctx, ev, seats, user)
}

func (r *reopening) Release(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return r.store().Release(ctx, ev, seats, user)
}

func (r *reopening) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	return r.store().List(ctx, ev, since)
}

func (r *reopening) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	return r.store().Wait(ctx, ev, since)
}

// fileReopened closes the file and opens it again, under load.
func fileReopened(ctx context.Context, s setting) (tally, error) {
	return inFile(func(_, file string) (tally, error) {
		store, err := boltstore.Open(file)
		if err != nil {
			return tally{}, err
		}
		r := &reopening{file: file, Store: store}
		c := newCampaign(s, "reopened", r, 24)
		c.plan.TTL = fileTTL
		c.plan.Plain = true // who waits when it is closed waits for a store that nobody changes
		err = c.during(ctx, func(ctx context.Context) error {
			for range s.times(100) {
				if err := sleep(ctx, time.Duration(50+rand.IntN(200))*time.Millisecond); err != nil {
					return err
				}
				if err := r.reopen(); err != nil {
					return err
				}
				c.tally.faults++
			}
			return nil
		})
		if err != nil {
			return c.tally, errors.Join(err, r.store().Close())
		}
		t, err := c.settle(ctx, r)
		return t, errors.Join(err, r.store().Close())
	})
}

// diskFull takes from the runner the right to write beyond some size of a file,
// as a full disk does but without one, under load: sometimes the file may not
// grow, sometimes nothing may be written at all. Every third time it is killed
// like that, and started again.
func diskFull(ctx context.Context, s setting) (tally, error) {
	return inFile(func(dir, file string) (tally, error) {
		faults := s.times(60)
		return onRunner(ctx, s, dir, fileTTL, 3*(faults+1), []string{"-data", file}, func(ctx context.Context, c *campaign, r *runner) error {
			for n := range faults {
				if err := sleep(ctx, time.Duration(100+rand.IntN(200))*time.Millisecond); err != nil {
					return err
				}
				if err := r.fill(ctx, file); err != nil {
					return err
				}
				if err := sleep(ctx, time.Duration(rand.IntN(300))*time.Millisecond); err != nil {
					return err
				}
				if n%3 == 2 {
					r.Kill()
					if err := r.start(ctx); err != nil {
						return err
					}
				} else if err := r.limit(ctx, "unlimited"); err != nil {
					return err
				}
				c.tally.faults++
			}
			return nil
		})
	})
}

// fill lets the runner write to the file no more, or little more.
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
	// The hard limit stays, or it could not be raised again.
	out, err := exec.CommandContext(ctx, "prlimit", "--pid", strconv.Itoa(r.PID()), "--fsize="+size+":").CombinedOutput()
	if err != nil {
		return fmt.Errorf("prlimit (of util-linux): %w: %s", err, out)
	}
	return nil
}
