// Bench measures Seatlock's promises about speed and prints a table. Each row is
// measured in turns with something simpler in the same run, so that the ratio carries
// over to another machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"

	"seatlock/local/tools/internal/testbed"
)

// A row is one promise.
type row struct {
	what, against, goal string
	measure             func(context.Context, *testbed.Bed) (result, error)
}

// A result is what was measured for a row.
type result struct {
	base, ours, figure string
	ok                 bool // the goal was reached
}

// rows are all promises in the order of the table.
var rows = []row{
	{"POST /lock, memory", "bare net/http: decode the body with the same library, answer a constant", "≥ 0.85 of it", postLock},
	{"POST /lock, memory, counted for Prometheus", "POST /lock, memory", "≥ 0.9 of it", postLockCounted},
	{"POST /lock, memory, with sessions", "POST /lock, memory, open", "≥ 0.9 of it", postLockSession},
	{"POST /lock with count 2, memory, 5,000 seats until all are sold", "the same seats by name", "≥ 0.8 of it", pairsSoldOut},
	{"POST /lock with count 4, memory, 200 at once, 5,000 seats", "", "none refused", partiesAtOnce},
	{"POST /lock of 1 to 6 places, memory, an area of 20,000 until all are sold", "as many by name", "≥ 0.8 of it", placesSoldOut},
	{"From POST /lock to a paid order through Stripe's fake, memory, 64 buyers", "POST /lock and POST /confirm", "≥ 0.3 of it", memoryPayments},
	{"GET /seats, 100 seats, unchanged", "bare net/http: write the same bytes", "≥ 0.85 of it", listUnchanged(100)},
	{"GET /seats, 50,000 seats, unchanged", "bare net/http: write the same bytes", "≥ 0.85 of it", listUnchanged(50_000)},
	{"GET /seats, 50,000 seats, while 1,000 locks/s go on", "", "≥ 300/s", listUnderLocks},
	{"POST /lock, 1,000/s, while 50,000 seats are listed", "300 lists/s going on", "p99 < 10 ms", lockUnderLists},
	{"POST /lock and /release, any of 1,000,000 seats", "the same, 100 seats", "≤ 1.2 × its time", postLockAsItGrows},
	{"WebSocket: from the answer of a lock to 5,000 viewers", "50 locks/s going on", "p99 ≤ 250 ms", liveViewers},

	{"Memory: POST /lock, 200/s, while HEAD, status, old and unknown since of 50,000 seats are asked for", "the same locks alone", "p50 ≤ 2 × its time", memoryStorm},
	{"Redis: POST /lock, 200/s, while HEAD, status, old and unknown since of 50,000 seats are asked for", "the same locks alone", "p50 ≤ 2 × its time", onRedis(redisStorm)},
	{"Redis: POST /lock, 200/s, while 5,000 viewers return, 9,900 changes behind", "the same locks without viewers", "p99 ≤ 2 × its time", viewersReturn},
	{"4,000 clients that do not read the list of 50,000 seats", "", "≤ 150 MB", slowReaders},
	{"POST /lock, 200/s, while another address opens 10,000 connections", "the same locks alone", "p50 ≤ 2 × its time", idleConnections},

	{"Memory: Lock, 100 of 1,000,000 seats", "the same, 100 seats", "≤ 1.2 × its time", lockAsItGrows},
	{"Memory: List of 50,000 seats, half taken", "", "≤ 0.5 ms", memoryList},
	{"Memory: an event of 1,000,000 seats, 1,000 taken", "the layout, which events share", "", memoryOfEvent},
	{"Memory: Lock or Release, a user with 256, 1,000 and 10,000 expired locks", "with none", "≤ 1.5 × its time", memoryPast},
	{"Memory: Roster of 50,000 seats, half taken", "", "≤ 150 ms", ofMemory(wholeRoster)},
	{"Memory: Roster of a user with 8 of 50,000 seats", "", "≤ 1 ms", ofMemory(userRoster)},
	{"Memory: Journal, a page of 1,000 entries", "", "≤ 5 ms", ofMemory(journalPage)},

	{"File: Lock and Confirm, 64 callers", "a page written and waited for, one after the other", "≥ 12 a wait", fileLock},
	{"File: List of 50,000 seats, half taken", "the memory store's", "≥ 0.9 of it", fileList},
	{"File: Lock or Release, a user with 256, 1,000 and 10,000 expired locks", "with none", "≤ 1.5 × its time", filePast},
	{"File: Roster of 50,000 seats, half taken", "", "≤ 150 ms", ofFile(wholeRoster)},
	{"File: Roster of a user with 8 of 50,000 seats", "", "≤ 1 ms", ofFile(userRoster)},
	{"File: Journal, a page of 1,000 entries", "", "≤ 5 ms", ofFile(journalPage)},
	{"File: Put of an order, 64 callers", "a page written and waited for, one after the other", "≥ 5,000/s", filePut},

	{"Redis: Lock, 64 callers", "redis-benchmark -c 64: bare SET NX PX", "≥ 1.0 of it", onRedis(redisLock)},
	{"Redis: Lock, 64 callers, beside go-redis", "go-redis: bare SET NX PX", "≥ 1.0 of it", onRedis(plainClient)},
	{"Redis: Lock, script time", "its SET NX alone", "≤ 12 µs", onRedis(scriptTime)},
	{"Redis: Lock, 64 callers, limit 10, half the seats and 1,000 of each user's locks expired", "redis-benchmark -c 64: bare SET NX PX", "≥ 0.8 of it", onRedis(onAgedRedis(agedRedisLock))},
	{"Redis: Lock, script time, the same", "its SET NX alone", "≤ 12 µs", onRedis(onAgedRedis(agedScriptTime))},
	{"Redis: Lock of 8 seats", "Lock of 1 seat", "≤ 4 × its time", onRedis(eightSeats)},
	{"Redis: Lock of 200 seats, script time", "its SET NX alone", "≤ 4 ms", onRedis(largeLock)},
	{"Redis: Extend, 64 callers", "Lock", "≥ 0.8 of it", onRedis(redisOperation(extend))},
	{"Redis: Book, 64 callers", "Lock", "≥ 0.8 of it", onRedis(redisOperation(book))},
	{"Redis: Cancel, 64 callers", "Lock", "≥ 0.8 of it", onRedis(redisOperation(cancel))},
	{"Redis: Lock or Release, a user with 256, 1,000 and 10,000 expired locks", "with none", "≤ 1.5 × its time", onRedis(redisPast)},
	{"Redis: List of 50,000 seats, half taken", "", "≤ 100 µs of Redis, ≤ 1.0 ms", onRedis(redisList)},
	{"Redis: Roster of 50,000 seats, half taken", "", "≤ 150 ms", ofRedis(wholeRoster)},
	{"Redis: Roster of 50,000 seats, half taken, the longest command", "", "≤ 2 ms of Redis", onRedis(slowCommands)},
	{"Redis: Roster of a user with 8 of 50,000 seats", "", "≤ 1 ms", ofRedis(userRoster)},
	{"Redis: Journal, a page of 1,000 entries", "", "≤ 5 ms", ofRedis(journalPage)},
	{"Redis: Put of an order, 64 callers", "", "≥ 20,000/s", onRedis(redisPut)},
	{"Redis: POST /lock", "POST /lock, memory", "≥ 0.5 of it", onRedis(postLockRedis)},
	{"Redis: from POST /lock to a paid order through Stripe's fake, 64 buyers", "POST /lock and POST /confirm", "≥ 0.3 of it", onRedis(redisPayments)},
	{"Redis: POST /lock with count 2, 4 processes, 5,000 seats until all are sold", "the same seats by name", "", onRedis(pairsOnRedis)},
	{"Redis: memory of 50,000 seats, half taken", "", "", onRedis(memoryOfSeats)},
	{"Redis: memory that 1,800,000 locks leave after their release", "", "≤ 5 MB", onRedis(lockReleaseStorm)},

	{"PostgreSQL: Lock, 64 callers, one event", "pgbench -c 64: bare INSERT … ON CONFLICT DO NOTHING, prepared", "≥ 3.0 of it", onPostgres(postgresLock)},
	{"PostgreSQL: Lock, 64 callers, limit 10, half the seats and 1,000 of each user's locks expired", "pgbench -c 64: bare INSERT … ON CONFLICT DO NOTHING, prepared", "≥ 2.0 of it", onPostgres(agedPostgresLock)},
	{"PostgreSQL: Lock, a lone caller", "pgbench -c 1: bare INSERT … ON CONFLICT DO NOTHING, prepared", "p50 ≤ 1.9 × its time", onPostgres(loneCaller)},
	{"PostgreSQL: Lock, 64 callers, one event, beside many", "64 events", "≥ 0.8 of it", onPostgres(oneEventOrMany)},
	{"PostgreSQL: Extend, 64 callers", "Lock", "≥ 0.8 of it", onPostgres(postgresOperation(extend))},
	{"PostgreSQL: Book, 64 callers", "Lock", "≥ 0.8 of it", onPostgres(postgresOperation(book))},
	{"PostgreSQL: Cancel, 64 callers", "Lock", "≥ 0.8 of it", onPostgres(postgresOperation(cancel))},
	{"PostgreSQL: Lock or Release, a user with 256, 1,000 and 10,000 expired locks", "with none", "≤ 1.5 × its time", onPostgres(postgresPast)},
	{"PostgreSQL: POST /lock with count 2, 4 processes, 5,000 seats until all are sold", "the same seats by name", "", onPostgres(pairsOnPostgres)},
	{"PostgreSQL: List of 50,000 seats, half taken", "", "≤ 10 ms", onPostgres(postgresList)},
	{"PostgreSQL: Roster of 50,000 seats, half taken", "", "≤ 150 ms", ofPostgres(wholeRoster)},
	{"PostgreSQL: Roster of a user with 8 of 50,000 seats", "", "≤ 1 ms", ofPostgres(userRoster)},
	{"PostgreSQL: Journal, a page of 1,000 entries", "", "≤ 5 ms", ofPostgres(journalPage)},
	{"PostgreSQL: Confirm in the last half second of its lock, 50,000 seats", "32 whole lists going on", "every one succeeds", onPostgres(lastHalfSecond)},
	{"PostgreSQL: the first List after 1,000,000 unlisted changes, 50,000 seats", "whole lists before", "≤ 2 s, then ≤ 1.5 × its time", onPostgres(firstList)},

	{"Lambda: start to the first event, connected to Redis", "", "≤ 10 ms", lambdaStart},
}

// parts are the tasks of this program in another process, by the first argument.
var parts = map[string]func(ctx context.Context, args []string) error{
	barePart:    serveBare,
	viewersPart: showViewers,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	do, args := run, os.Args[1:]
	if len(args) > 0 && parts[args[0]] != nil {
		do, args = parts[args[0]], args[1:]
	}
	if err := do(ctx, args); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures the rows whose name contains every word.
func run(ctx context.Context, words []string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| what\t| compared with\t| it\t| Seatlock\t| figure\t| must reach\t|\t")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---|\t")
	for _, r := range rows {
		if !r.has(words) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring: %s\n", r.what)
		res, err := r.run(ctx)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", r.what, err), w.Flush())
		}
		verdict := "reached"
		if !res.ok {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t| %s |\t\n", r.what, r.against, res.base, res.ours, res.figure, r.goal, verdict)
	}
	return w.Flush()
}

func (r row) run(ctx context.Context) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var bed testbed.Bed
	defer bed.Close()
	return r.measure(ctx, &bed)
}

func (r row) has(words []string) bool {
	for _, word := range words {
		if !strings.Contains(r.what, word) {
			return false
		}
	}
	return true
}
