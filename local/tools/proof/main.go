// Proof lets anybody check that no seat is sold twice. It plays thousands of random
// histories on every store, undisturbed and under faults, and checks each. Afterwards
// it checks that the stores have every booking that they acknowledged. It prints a
// table, draws illegal histories to files, and exits with status 1 if any promise of
// the README was broken.
//
// It starts its own servers, on free ports of the loopback, and stops them.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9/logging"

	"seatlock/local/tools/internal/testbed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	logging.Disable()            // the Redis client would log every intended fault
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case clientCommand:
			if err := runClient(ctx, os.Args[2:], os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, "proof client:", err)
				os.Exit(1)
			}
			return
		case sellCommand:
			if err := sellFile(ctx, os.Args[2], os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, "proof seller:", err)
				os.Exit(1)
			}
			return
		case simulateCommand:
			simulate(os.Args[2:], os.Stderr)
		}
	}
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "proof:", err)
		os.Exit(1)
	}
}

// settings say how much is done.
type settings struct {
	histories int     // of each undisturbed store
	scale     float64 // multiplies the number of faults
	pace      int     // how many times faster payments are than in production
	dir       string  // where illegal histories are drawn
	progress  io.Writer
}

// times returns n scaled, and at least 1.
func (s settings) times(n int) int { return max(1, int(float64(n)*s.scale)) }

// A trial is a row under way, with the servers and folders that it uses.
type trial struct {
	settings
	testbed.Bed
}

// A row is one store and what is done to it.
type row struct {
	store, faults string // faults is empty if the store is left alone
	run           func(context.Context, *trial) (tally, error)
	mayLose       bool // the store may lose bookings, as the README says
}

var rows = []row{
	{"memory", "", simulated("memory"), false},
	{"memory", "calls and answers lost", simulated("lossy"), false},
	{"memory", "new seat maps during the sale", newMap(inMemory), false},
	{"memory", "64 callers want 1 to 6 places of an area", areaSold(inMemory), false},
	{"file", "", onFile, false},
	{"file", "new seat maps during the sale", newMap(inFile), false},
	{"file", "closed and opened again", fileReopened, false},
	{"file", "runner killed -9 and restarted", fileRunnerKilled, false},
	{"file", "disk full, room again, killed -9 while full", diskFull, false},
	{"file", "power lost at any moment of recorded writes", powerLost, false},
	{"miniredis", "", simulated("miniredis"), false},
	{"Redis", "", onRedis, false},
	{"Redis Cluster", "", onCluster, false},
	{"Redis", "answers lost, delayed, cut", badNetwork, false},
	{"Redis", "clients killed -9", clientsKilled, false},
	{"Redis", "runner killed -9 and restarted", runnerKilled, false},
	{"Redis", "Redis killed -9, appendfsync always", redisKilled, false},
	{"Redis", "Redis killed -9 on a slow disk, appendfsync always", slowDiskAlways, false},
	{"Redis", "Redis killed -9 on a slow disk, appendfsync everysec", slowDiskEverySec, true},
	{"Redis", "append-only file cut at any byte", fileCut, true},
	{"Redis", "rebuilt during the sale", rebuilt, false},
	{"Redis", "new seat maps during the sale", newMap(inRedis), false},
	{"Redis", "64 callers want 1 to 6 places of an area", areaSold(inRedis), false},
	{"Redis", "clock stepped by an hour, forward and back", clockStepped, false},
	{"Redis", "frozen link, replica promoted, -redis-wait 1", promoted(1), false},
	{"Redis", "frozen link, replica promoted", promoted(0), true},
	{"Redis", "frozen link, Sentinel elects, -redis-wait 1", succeeded(1), false},
	{"Redis", "frozen link, Sentinel elects", succeeded(0), true},
	{"PostgreSQL", "", onPostgres, false},
	{"PostgreSQL", "new seat maps during the sale", newMap(inPostgres), false},
	{"PostgreSQL", "64 callers want 1 to 6 places of an area", areaSold(inPostgres), false},
	{"PostgreSQL", "answers lost, delayed, cut", badNetworkToPostgres, false},
	{"PostgreSQL", "PostgreSQL killed -9", postgresKilled, false},
	{"PostgreSQL", "power lost at any moment of recorded writes", powerLostUnderPostgres, false},
	{"PostgreSQL", "behind PgBouncer: answers lost, delayed, cut on both sides", badNetworkAroundPooler, false},
	{"PostgreSQL", "behind PgBouncer: PostgreSQL killed -9", pooledPostgresKilled, false},
	{"PostgreSQL", "clients frozen in the middle of a list of 50,000 seats", frozenInList, false},
	{"PostgreSQL", "synchronous standby away, back again", standbyAway, false},
	{"PostgreSQL", "switched over behind one name", postgresSwitched, false},
	{"PostgreSQL", "synchronous standby promoted, half the time after it was away", postgresPromoted, false},
	{"Redis Cluster", "answers lost, delayed, cut", badNetworkInCluster, false},
	{"Redis Cluster", "slots moved", slotsMoved, false},
	{"Redis Cluster", "new seat maps during the sale", newMap(inCluster), false},
	{"Redis Cluster", "master killed -9, election, -redis-wait 1", elected(1), false},
	{"Redis Cluster", "master killed -9, election", elected(0), true},
}

// String names the row.
func (r row) String() string { return r.store + ", " + cmp.Or(r.faults, leftAlone) }

const leftAlone = "left alone"

// errBroken is returned when a promise was broken.
var errBroken = errors.New("a promise was broken")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s := settings{progress: stderr}
	flags := flag.NewFlagSet("proof", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: go run ./local/tools/proof [flags] [words]\n\nRuns the rows whose text has all the words.")
		flags.PrintDefaults()
	}
	flags.IntVar(&s.histories, "histories", 5000, "make `N` histories on each store that is left alone")
	flags.Float64Var(&s.scale, "faults", 1, "multiply the number of faults by `FACTOR`")
	flags.IntVar(&s.pace, "pace", 20, "run payments `N` times as fast as for buyers")
	flags.StringVar(&s.dir, "o", ".", "draw illegal histories to files in `FOLDER`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.histories < 1 || s.scale <= 0 {
		return errors.New("-histories and -faults must be more than 0")
	}
	if s.pace < 1 {
		return errors.New("-pace must be 1 or more")
	}
	words := flags.Args()
	classic := slices.ContainsFunc(rows, func(r row) bool { return hasWords(r.String(), words) })
	if !classic && countPaid(words) == 0 {
		return fmt.Errorf("no row has the words %q", words)
	}
	var err error
	if classic {
		err = table(ctx, s, rows, words, stdout)
	}
	if countPaid(words) > 0 && ctx.Err() == nil {
		err = errors.Join(err, paidTable(ctx, s, words, stdout))
	}
	return err
}

// table runs the rows that have all the words and prints their tallies. A row that
// fails, say because a program is missing, does not keep the others from running.
func table(ctx context.Context, s settings, rows []row, words []string, stdout io.Writer) error {
	began, broken, ran := time.Now(), 0, 0
	var failed []error
	w := tabwriter.NewWriter(stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| store\t| what is done to it\t| histories\t| calls\t| unknown\t| illegal\t| undecided\t| bookings\t| lost\t| sold twice\t| stuck\t| over limit\t| books\t| orders\t| orders lost\t| faults\t| promises |\t")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---|\t")
	for _, r := range rows {
		if !hasWords(r.String(), words) {
			continue
		}
		fmt.Fprintln(s.progress, r)
		rowBegan := time.Now()
		t := &trial{settings: s}
		counted, err := r.run(ctx, t)
		t.Close()
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), w.Flush())
		}
		ran++
		verdict := counted.verdict(r.mayLose)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", r, err))
			fmt.Fprintf(s.progress, "   %v\n", err)
			if verdict != brokenPromise { // what was broken before stays so
				verdict = notFinished
			}
		}
		if verdict != kept && verdict != notFinished {
			broken++
		}
		if verdict == brokenPromise || r.mayLose {
			for _, all := range [][]string{counted.losses.Words, counted.orders.words} {
				for _, words := range all[:min(len(all), 3)] {
					fmt.Fprintln(s.progress, "  ", words)
				}
			}
		}
		fmt.Fprintf(s.progress, "   %s in %v\n", verdict, time.Since(rowBegan).Round(time.Second))
		if verdict != kept { // the table comes at the end
			fmt.Fprintf(s.progress, "   %+v\n", counted.counts())
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s |\t\n", r.store, cmp.Or(r.faults, leftAlone), counted, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%v\n", time.Since(began).Round(time.Second))
	if broken > 0 {
		failed = append(failed, fmt.Errorf("%w in %d of %d rows", errBroken, broken, ran))
	}
	return errors.Join(failed...)
}

// hasWords reports whether the name of a row has all the words.
func hasWords(name string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(name, word) {
			return false
		}
	}
	return true
}
