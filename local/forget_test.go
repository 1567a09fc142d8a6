package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/redisstore/redistest"
)

// TestForget checks that an event can be removed from each store, whatever its seats are and
// without an event file that has it; that an event with bookings is removed only with -yes;
// and that the id can be used again with other seats.
func TestForget(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func(t *testing.T) []string{
		"file":  func(t *testing.T) []string { return []string{"-data", filepath.Join(t.TempDir(), "theatre.seats")} },
		"Redis": func(t *testing.T) []string { return []string{"-redis", "redis://" + redistest.New(t).Addr} },
		"PostgreSQL": func(t *testing.T) []string {
			return []string{"-postgres", pgtest.New(t, pgtest.Unsafe...).URL("postgres")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			args := store(t)
			events := filepath.Join(t.TempDir(), "events.json")
			err := os.WriteFile(events, []byte(`{"events": [
				{"id": "hamlet", "name": "Hamlet", "seats": ["A1", "A2", "A3"]},
				{"id": "macbeth", "name": "Macbeth", "seats": ["A1"]}
			]}`), 0o600)
			if err != nil {
				t.Fatal(err)
			}
			sell := func(id, seat string, args ...string) {
				t.Helper()
				url, _, stop := serving(t, args...)
				for _, call := range []string{"lock", "confirm"} {
					if status, _, body := post(t, url+"/"+call, fmt.Sprintf(`{"eventId":%q,"seatId":%q,"userId":"ann"}`, id, seat)); status != 200 {
						t.Fatal(body)
					}
				}
				if err := stop(); err != nil {
					t.Fatal(err)
				}
			}
			forget := func(more ...string) (string, error) {
				var out bytes.Buffer
				err := run(t.Context(), append(args[:2:2], more...), variables{}.get, &out, io.Discard)
				return out.String(), err
			}
			sell("hamlet", "A2", append(args, "-events", events)...)
			sell("hamlet", "A3", append(args, "-events", events)...)
			sell("macbeth", "A1", append(args, "-events", events)...)

			refused(t, "event hamlet has booked seats (2); add -yes", append(args, "-forget", "hamlet")...)
			if out, err := forget("-forget", "hamlet", "-yes"); err != nil || out != "event hamlet removed; seats of it that were booked: 2\n" {
				t.Errorf("-forget with -yes: %q, %v", out, err)
			}
			refused(t, "the store has no event hamlet", append(args, "-forget", "hamlet", "-yes")...)
			refused(t, "-forget {hamlet}: an event id is", append(args, "-forget", "{hamlet}")...)
			refused(t, "event macbeth has booked seats (1);", append(args, "-forget", "macbeth")...)

			const text = `{"events": [{"id": "hamlet", "name": "Hamlet", "seats": ["B1", "A2"]}]}`
			if err := os.WriteFile(events, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			sell("hamlet", "A2", append(args, "-events", events)...)
			refused(t, "has booked seats (1);", append(args, "-forget", "hamlet")...)
		})
	}
}

// TestForgetWithoutBookings checks that an event without bookings needs no confirmation, and
// that no file is created.
func TestForgetWithoutBookings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "theatre.seats")
	refused(t, "no such file", "-data", file, "-forget", "default")
	if _, err := os.Stat(file); err == nil {
		t.Error("-forget has made a file")
	}
	url, _, stop := serving(t, "-data", file)
	if status, _, body := call(t, url+"/lock", "A1", "ann"); status != 200 {
		t.Fatal(body)
	}
	refused(t, "another process has it open", "-data", file, "-forget", "default")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{"-data", file, "-forget", "default"}, variables{}.get, &out, io.Discard)
	if err != nil || out.String() != "event default removed; seats of it that were booked: 0\n" {
		t.Errorf("-forget: %q, %v", out.String(), err)
	}
}
