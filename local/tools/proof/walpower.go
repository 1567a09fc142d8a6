package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/history"
)

// walSettings make the log the only file that PostgreSQL waits for: it writes its other files
// at a checkpoint, and there is none.
var walSettings = []string{"wal_sync_method=fdatasync", "checkpoint_timeout=1h", "autovacuum=off"}

// A booking is an acknowledged booking of a pair of seats.
type booking struct {
	at   int // the position of the first of its two seats
	when time.Time
}

// A walRecording is the state of a PostgreSQL before a sale, and what it then wrote to its
// log.
type walRecording struct {
	before  *pgtest.Server // not started
	segment string         // the name of the file of the log
	steps   []*walStep
	sold    []booking
}

// powerLostUnderPostgres records what PostgreSQL writes to its log during a sale, and starts
// it on the log that a disk might have if the power failed at any moment.
func powerLostUnderPostgres(ctx context.Context, t *trial) (tally, error) {
	const recordings, losses = 3, 30
	counted := tally{unjudged: true}
	for range t.times(recordings) {
		r, err := t.recordWAL(ctx)
		if err != nil {
			return counted, err
		}
		counted.calls += len(r.sold)
		for range t.times(losses) {
			at := r.sold[rand.IntN(len(r.sold))].when
			if rand.IntN(2) == 0 {
				at = at.Add(rand.N(10 * time.Millisecond))
			}
			if err := r.failPower(ctx, t, at, &counted); err != nil {
				return counted, err
			}
		}
	}
	return counted, nil
}

// recordWAL records a sale.
func (t *trial) recordWAL(ctx context.Context) (*walRecording, error) {
	server, err := pgtest.Start(walSettings...)
	if err != nil {
		return nil, err
	}
	t.OnClose(server.Close)
	store, err := t.postgresStore(ctx, server.URL("postgres"))
	if err != nil {
		return nil, err
	}
	ev, err := powerEvent()
	if err != nil {
		return nil, err
	}
	if err := store.Open(ctx, ev); err != nil {
		return nil, err
	}
	// A new log file, which has room for the whole sale.
	for _, sql := range []string{"SELECT pg_switch_wal()", "CHECKPOINT"} {
		if _, err := server.Exec(ctx, "postgres", sql); err != nil {
			return nil, err
		}
	}
	r := new(walRecording)
	if r.segment, err = segment(ctx, server); err != nil {
		return nil, err
	}
	server.Stop()
	log := filepath.Join(filepath.Dir(server.Data()), "strace")
	if err := server.RestartUnder(straceWAL(log, filepath.Join(server.Data(), "pg_wal", r.segment))...); err != nil {
		return nil, err
	}
	if _, err := server.Exec(ctx, "postgres", "CHECKPOINT"); err != nil {
		return nil, err
	}
	if r.before, err = server.Copy(); err != nil {
		return nil, err
	}
	t.OnClose(func() { os.RemoveAll(filepath.Dir(r.before.Data())) })
	if r.sold, err = sellPairs(ctx, store, ev); err != nil {
		return nil, err
	}
	if last, err := segment(ctx, server); err != nil || last != r.segment {
		return nil, errors.Join(err, fmt.Errorf("the sale filled %s", r.segment))
	}
	server.Kill()
	r.steps, err = readWAL(log)
	return r, err
}

// segment returns the name of the file that the server writes its log to.
func segment(ctx context.Context, server *pgtest.Server) (name string, err error) {
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT pg_walfile_name(pg_current_wal_lsn())").Scan(&name)
	return name, err
}

// sellPairs sells some pairs of seats. Each buyer calls twice at the same time, so that one
// answer may depend on a write that the other call has not yet waited for.
func sellPairs(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event) ([]booking, error) {
	const pairs = 400
	var mu sync.Mutex
	var sold []booking
	var failed error
	book := func(at int) {
		err := history.Repeat(ctx, func() error {
			_, err := store.Do(ctx, ev, lockstore.Confirm(user(at), ev.Seats[at:at+2]...))
			return err
		})
		when := time.Now()
		mu.Lock()
		defer mu.Unlock()
		if failed = errors.Join(failed, err); err == nil {
			sold = append(sold, booking{at, when})
		}
	}
	var all sync.WaitGroup
	for b := range powerBuyers {
		all.Go(func() {
			for at := 2 * b; at < 2*pairs; at += 2 * powerBuyers {
				err := history.Repeat(ctx, func() error {
					_, err := store.Do(ctx, ev, lockstore.Lock(user(at), ev.Seats[at:at+2]...))
					return err
				})
				if err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
				var twice sync.WaitGroup
				twice.Go(func() { book(at) })
				book(at)
				twice.Wait()
			}
		})
	}
	all.Wait()
	return sold, failed
}

// failPower starts PostgreSQL on the log that a disk might have if the power failed at a
// moment, and counts the missing ones of the bookings acknowledged by then.
func (r *walRecording) failPower(ctx context.Context, t *trial, at time.Time, counted *tally) error {
	counted.faults++
	server, err := r.before.Copy()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(server.Data(), "pg_wal", r.segment), os.O_WRONLY, 0)
	if err == nil {
		err = errors.Join(failAt(file, r.steps, at, rand.New(rand.NewPCG(rand.Uint64(), 0))), file.Close())
	}
	if err == nil {
		err = server.Restart()
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(filepath.Dir(server.Data())))
	}
	defer server.Close()
	bed := &trial{settings: t.settings}
	defer bed.Close()
	store, err := bed.postgresStore(ctx, server.URL("postgres"))
	if err != nil {
		return err
	}
	ev, err := powerEvent()
	if err != nil {
		return err
	}
	var list lockstore.Snapshot
	if err := history.Repeat(ctx, func() (err error) { list, err = store.List(ctx, ev, ""); return err }); err != nil {
		return err
	}
	status := make([]lockstore.Status, powerSeats)
	for _, seat := range list.Seats {
		status[seat.Position] = seat.Status
	}
	sold := make(map[int]bool)
	for _, b := range r.sold {
		if !b.when.After(at) {
			sold[b.at] = true
		}
	}
	counted.losses.Bookings += 2 * len(sold)
	for at := 0; at < powerSeats; at += 2 {
		if status[at] != status[at+1] {
			counted.torn++
		}
		if sold[at] && (status[at] != lockstore.Booked || status[at+1] != lockstore.Booked) {
			counted.losses.Lost += 2
			counted.losses.Words = append(counted.losses.Words, fmt.Sprintf("after the power failed, %s is %v", ev.Seats[at], status[at]))
		}
	}
	return nil
}
