// Program proof makes the claim that no seat is sold twice one that anybody
// can check. It makes thousands of histories on every store, alone and while
// things break, judges each, holds the stores to every booking that they
// acknowledged, and prints a table. It ends with status 1 if any promise of
// the README was broken; the histories that show it are drawn to files.
//
// Servers are its own, on free ports of the loopback, and end with it.
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
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9/logging"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	logging.Disable() // the Redis client's own lines: things break on purpose
	if len(os.Args) > 1 && os.Args[1] == clientCommand {
		if err := runClient(ctx, os.Args[2:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "proof client:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == simulateCommand {
		simulate(os.Args[2:], os.Stderr)
	}
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "proof:", err)
		os.Exit(1)
	}
}

// A setting is how much is done.
type setting struct {
	histories int     // of a store that is left alone
	scale     float64 // of the faults
	dir       string  // where pictures go
	progress  io.Writer
}

// times is n, scaled, but never nothing.
func (s setting) times(n int) int { return max(1, int(float64(n)*s.scale)) }

// A row is one store and what is done to it.
type row struct {
	store, faults string // no faults: it is left alone
	run           func(context.Context, setting) (tally, error)
	byNature      bool // bookings may be lost here: the README says so
}

var rows = []row{
	{"memory", "", simulated("memory"), false},
	{"memory", "calls and answers lost", simulated("lossy"), false},
	{"file", "", onFile, false},
	{"file", "closed and opened again", fileReopened, false},
	{"file", "runner killed -9 and restarted", fileRunnerKilled, false},
	{"file", "disk full, room again, killed -9 while full", diskFull, false},
	{"miniredis", "", simulated("miniredis"), false},
	{"Redis", "", onRedis, false},
	{"Redis Cluster", "", onCluster, false},
	{"Redis", "answers lost, delayed, cut", badNetwork, false},
	{"Redis", "clients killed -9", clientsKilled, false},
	{"Redis", "runner killed -9 and restarted", runnerKilled, false},
	{"Redis", "Redis killed -9, append-only file", redisKilled, false},
	{"Redis", "append-only file cut at any byte", fileCut, true},
	{"Redis", "clock stepped by an hour, on and back", clockStepped, false},
	{"Redis", "frozen link, replica promoted, -redis-wait 1", promoted(1), false},
	{"Redis", "frozen link, replica promoted", promoted(0), true},
	{"PostgreSQL", "", onPostgres, false},
	{"PostgreSQL", "answers lost, delayed, cut", badNetworkToPostgres, false},
	{"PostgreSQL", "PostgreSQL killed -9", postgresKilled, false},
	{"Redis Cluster", "slots moved", slotsMoved, false},
	{"Redis Cluster", "master killed -9, election, -redis-wait 1", elected(1), false},
	{"Redis Cluster", "master killed -9, election", elected(0), true},
}

// errBroken is what a broken promise ends with.
var errBroken = errors.New("a promise was broken")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("proof", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: go run ./local/tools/proof [flags] [words]\n\nOnly the rows whose text has all the words are run.")
		flags.PrintDefaults()
	}
	histories := flags.Int("histories", 5000, "make `N` histories of each store that is left alone")
	scale := flags.Float64("faults", 1, "let as many times more things break, as `FACTOR`")
	dir := flags.String("o", ".", "draw illegal histories to files in `FOLDER`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *histories < 1 || *scale <= 0 {
		return errors.New("-histories and -faults must be more than nothing")
	}
	s := setting{*histories, *scale, *dir, stderr}
	return table(ctx, s, rows, flags.Args(), stdout)
}

// table runs the rows and prints what came of them.
func table(ctx context.Context, s setting, rows []row, words []string, stdout io.Writer) error {
	began, broken, ran := time.Now(), 0, 0
	w := tabwriter.NewWriter(stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| store\t| what is done to it\t| histories\t| calls\t| unknown\t| illegal\t| undecided\t| bookings\t| lost\t| sold twice\t| stuck\t| faults\t| promises |\t")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---|\t")
	for _, r := range rows {
		if !wanted(r, words) {
			continue
		}
		fmt.Fprintf(s.progress, "%s, %s\n", r.store, cmp.Or(r.faults, "left alone"))
		rowBegan := time.Now()
		t, err := r.run(ctx, s)
		if err != nil {
			return errors.Join(fmt.Errorf("%s, %s: %w", r.store, r.faults, err), w.Flush())
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), w.Flush())
		}
		ran++
		verdict := t.verdict(r.byNature)
		if verdict != kept {
			broken++
		}
		if verdict == brokenPromise || r.byNature {
			for _, words := range t.losses.Words[:min(len(t.losses.Words), 3)] {
				fmt.Fprintln(s.progress, "  ", words)
			}
		}
		fmt.Fprintf(s.progress, "   %s in %v\n", verdict, time.Since(rowBegan).Round(time.Second))
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s |\t\n", r.store, cmp.Or(r.faults, "left alone"), t, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%v\n", time.Since(began).Round(time.Second))
	if ran == 0 {
		return fmt.Errorf("no row has the words %q", words)
	}
	if broken > 0 {
		return fmt.Errorf("%w in %d of %d rows", errBroken, broken, ran)
	}
	return nil
}

func wanted(r row, words []string) bool {
	for _, word := range words {
		if !strings.Contains(r.store+", "+cmp.Or(r.faults, "left alone"), word) {
			return false
		}
	}
	return true
}
