package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/redisstore/redistest"
)

// TestEventLeavesTheFile checks, with each store that outlives the program, that the start
// warns of bookings of an event that has left the event file and of no other event, and that
// everything is as before once the file has the event again.
func TestEventLeavesTheFile(t *testing.T) {
	t.Parallel()
	const hamlet, macbeth, empty = `{"id":"hamlet","seats":["A1","A2"]}`, `{"id":"macbeth","seats":["A1"]}`, `{"id":"empty","seats":["A1"]}`
	for name, store := range map[string]func(t *testing.T) []string{
		"file":  func(t *testing.T) []string { return []string{"-data", filepath.Join(t.TempDir(), "theatre.seats")} },
		"Redis": func(t *testing.T) []string { return []string{"-redis", "redis://" + redistest.New(t).Addr} },
		"PostgreSQL": func(t *testing.T) []string {
			return []string{"-postgres", pgtest.New(t, pgtest.Unsafe...).URL("postgres")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "events.json")
			args := append(store(t), "-events", file)
			const warning = "not on sale here has booked seats"
			sell := func(events []string, f func(url string)) string {
				t.Helper()
				if err := os.WriteFile(file, []byte(`{"events":[`+strings.Join(events, ",")+`]}`), 0o600); err != nil {
					t.Fatal(err)
				}
				url, out, stop := serving(t, args...)
				f(url)
				for end := time.Now().Add(5 * time.Second); len(events) == 1 && !strings.Contains(out.String(), warning) && time.Now().Before(end); {
					time.Sleep(10 * time.Millisecond)
				}
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				return out.String()
			}
			call := func(url, call, event, seat string) {
				t.Helper()
				if status, _, body := post(t, url+"/"+call, fmt.Sprintf(`{"eventId":%q,"seatId":%q,"userId":"ann"}`, event, seat)); status != 200 {
					t.Fatal(body)
				}
			}
			all := []string{hamlet, macbeth, empty}
			var before string
			list := func(url string) string {
				_, seats, _ := strings.Cut(get(t, url+"/seats?eventId=hamlet"), `"counts":`)
				return seats
			}
			log := sell(all, func(url string) {
				call(url, "lock", "hamlet", "A1")
				call(url, "confirm", "hamlet", "A1")
				call(url, "lock", "macbeth", "A1")
				call(url, "confirm", "macbeth", "A1")
				call(url, "lock", "empty", "A1")
				call(url, "release", "empty", "A1")
				before = list(url)
			})
			if strings.Contains(log, warning) {
				t.Errorf("with every event in the file: %s", log)
			}
			log = sell([]string{macbeth}, func(string) {})
			if n := strings.Count(log, warning); n != 1 || !strings.Contains(log, "event=hamlet") {
				t.Errorf("without hamlet and the empty event there are %d warnings: %s", n, log)
			}
			sell(all, func(url string) {
				if after := list(url); after != before {
					t.Errorf("after the event has come back its seats are %s, want %s", after, before)
				}
				call(url, "confirm", "hamlet", "A1") // succeeds again for its owner
			})
		})
	}
}
