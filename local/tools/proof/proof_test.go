package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
	"seatlock/lockstore/storetest/powerloss"
)

// TestMain lets the program run itself as a client, as a seller and as a simulator.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{clientCommand, sellCommand, simulateCommand}, os.Args[1]) {
		main()
		return
	}
	logging.Disable()
	os.Exit(m.Run())
}

// short are the rows that run here with as few histories and faults as possible, the
// longest first. (A promotion and an election in a Cluster are left out; redisstore has
// tests for them.)
var short = []string{
	"PostgreSQL, clients frozen", "PostgreSQL, synchronous standby away",
	"PostgreSQL, switched", "PostgreSQL, synchronous standby promoted", "PostgreSQL, power", "PostgreSQL, behind PgBouncer: answers",
	"PostgreSQL, behind PgBouncer: PostgreSQL", "Sentinel elects, -redis-wait 1", "slots", "slow disk, appendfsync everysec", "slow disk, appendfsync always", "PostgreSQL, answers", "Redis Cluster, answers",
	"Redis, answers lost, delayed", "rebuilt", "PostgreSQL, PostgreSQL killed", "PostgreSQL, left", "Redis Cluster, left", "file, left",
	"Redis killed -9, appendfsync", "file, runner", "file, disk full", "Redis, runner", "file, closed", "file, power",
	"Redis, left", "clock", "append-only file cut", "clients killed", "miniredis", "memory, left", "memory, calls",
	"memory, new", "file, new", "Redis, new", "Redis Cluster, new", "PostgreSQL, new",
}

// need skips a row whose programs are not installed.
func need(t *testing.T, words string) {
	t.Helper()
	untried := "the row " + words + " was not tried"
	kind, _, _ := strings.Cut(words, ",")
	switch kind {
	case "memory", "miniredis", "file":
	case "PostgreSQL":
		pgtest.Need(t)
	default:
		faults.Need(t, "redis-server", untried)
	}
	switch words {
	case "clock", "slow disk, appendfsync everysec", "slow disk, appendfsync always":
		faults.Need(t, "cc", untried)
	case "file, disk full":
		faults.Need(t, "prlimit", untried)
	case "file, power", "PostgreSQL, power":
		faults.Need(t, powerloss.Program, untried)
	case "PostgreSQL, behind PgBouncer: answers", "PostgreSQL, behind PgBouncer: PostgreSQL":
		pgtest.NeedPooler(t)
	}
}

// TestRows checks that every fault can be injected, and breaks no promise.
func TestRows(t *testing.T) {
	t.Parallel()
	// The rows wait more than they work, but too many at once would slow down the start of
	// servers too much.
	const atOnce = 5
	var all sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for _, words := range short {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			t.Run(words, func(t *testing.T) {
				need(t, words)
				var out, progress bytes.Buffer
				err := run(t.Context(), []string{"-histories", "40", "-faults", "0.03", "-o", t.TempDir(), words}, &out, &progress)
				if err != nil {
					t.Fatalf("%v\n%s%s", err, out.String(), progress.String())
				}
				if n := strings.Count(out.String(), "| kept |"); n != 1 {
					t.Errorf("%d rows were kept, want one:\n%s", n, out.String())
				}
			})
		})
	}
	all.Wait()
}

// A forgetful store forgets one in ten bookings.
type forgetful struct {
	memstore.Store
	calls atomic.Int64
}

func (f *forgetful) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	if op.Kind == lockstore.KindConfirm && f.calls.Add(1)%10 == 0 {
		return lockstore.Result{Changed: op.Seats, Now: time.Now()}, nil
	}
	return f.Store.Do(ctx, ev, op)
}

// TestBrokenStore checks that a store that breaks its promise ends the program with
// an error, after the table, with a drawing of the history, and that a row which fails
// does so too. The rows after them run all the same.
func TestBrokenStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out bytes.Buffer
	err := table(t.Context(), settings{histories: 40, scale: 1, dir: dir, progress: io.Discard}, []row{
		{"a store that forgets", "", func(ctx context.Context, t *trial) (tally, error) {
			return newCampaign(t.settings, "alone", new(forgetful), 20).alone(ctx)
		}, false},
		{"a store that is away", "", func(context.Context, *trial) (tally, error) { return tally{}, lockstore.ErrUnavailable }, false},
		{"memory", "", func(ctx context.Context, t *trial) (tally, error) {
			return newCampaign(t.settings, "alone", new(memstore.Store), 20).alone(ctx)
		}, false},
	}, nil, &out)
	if !errors.Is(err, errBroken) || !errors.Is(err, lockstore.ErrUnavailable) || !strings.Contains(err.Error(), "1 of 3") {
		t.Errorf("it ended with %v", err)
	}
	if strings.Count(out.String(), "| "+notFinished+" |") != 1 {
		t.Errorf("the row that failed is not in the table:\n%s", out.String())
	}
	if strings.Count(out.String(), "| "+brokenPromise+" |") != 1 || strings.Count(out.String(), "| "+kept+" |") != 1 {
		t.Errorf("the table is\n%s", out.String())
	}
	drawn, err := filepath.Glob(filepath.Join(dir, "illegal-*.html"))
	if err != nil || len(drawn) == 0 {
		t.Errorf("%d illegal histories were drawn, %v", len(drawn), err)
	}
}

// TestBrokenBeforeAnError checks that a row which breaks a promise and then fails is broken,
// and that what was lost is printed.
func TestBrokenBeforeAnError(t *testing.T) {
	var out, progress bytes.Buffer
	err := table(t.Context(), settings{progress: &progress}, []row{
		{"a store that forgets and is away", "", func(context.Context, *trial) (tally, error) {
			return tally{losses: history.Losses{Bookings: 2, Lost: 1, Words: []string{"S1 is available"}}}, lockstore.ErrUnavailable
		}, false},
	}, nil, &out)
	if !errors.Is(err, errBroken) || !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("it ended with %v", err)
	}
	if !strings.Contains(out.String(), "| "+brokenPromise+" |") || !strings.Contains(progress.String(), "S1 is available") {
		t.Errorf("the table is\n%s%s", out.String(), progress.String())
	}
}

func TestVerdict(t *testing.T) {
	lost := history.Losses{Bookings: 10, Lost: 1}
	fine := history.Losses{Bookings: 10}
	for _, c := range []struct {
		t       tally
		mayLose bool
		want    string
	}{
		{tally{histories: 100, losses: fine}, false, kept},
		{tally{histories: 100, losses: fine, illegal: 1}, false, brokenPromise},
		{tally{histories: 100, losses: fine, torn: 1}, true, brokenPromise},
		{tally{histories: 100, losses: lost}, false, brokenPromise},
		{tally{histories: 100, losses: lost}, true, kept},
		{tally{histories: 100, losses: history.Losses{Bookings: 10, Twice: 1}}, false, brokenPromise},
		{tally{histories: 100, losses: history.Losses{Bookings: 10, Stuck: 1}}, true, brokenPromise},
		{tally{histories: 100, losses: history.Losses{Bookings: 10, Over: 1}}, true, brokenPromise},
		{tally{histories: 100, losses: fine, late: 1}, true, brokenPromise},
		{tally{histories: 100, losses: fine, undecided: 3}, false, kept},
		{tally{histories: 100, losses: fine, undecided: 4}, false, tooFew},
		{tally{histories: 100}, false, tooFew}, // nothing was booked
	} {
		if got := c.t.verdict(c.mayLose); got != c.want {
			t.Errorf("%+v, may lose %v: %s, want %s", c.t, c.mayLose, got, c.want)
		}
	}
}

// TestCallsOf checks that a call in a client's reports counts once, with its end if
// there is one.
func TestCallsOf(t *testing.T) {
	call := func(begin, end int64) history.Call { return history.Call{Begin: begin, End: end} }
	reports := []report{{0, call(1, history.Never)}, {0, call(1, 2)}, {1, call(3, history.Never)}, {1, call(3, 4)}, {0, call(5, history.Never)}}
	first, second := callsOf(reports, 0), callsOf(reports, 1)
	got := fmt.Sprint(len(first), first[0].End, first[1].End == history.Never, len(second), second[0].End)
	if want := "2 2 true 1 4"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestBadFlags checks that a wrong flag is an error, and that no row runs.
func TestBadFlags(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, args := range [][]string{{"-histories", "0"}, {"-faults", "0"}, {"-nonsense"}, {"no such row"}} {
		if err := run(ctx, args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
