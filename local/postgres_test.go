package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
)

// TestTwoRunnersOnPostgreSQL has two runners behind a load balancer sell the
// same seats to many users at once. Every seat must be sold, none twice, and the
// bookings must survive a crash of the database.
func TestTwoRunnersOnPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	url := server.URL("postgres")
	one, _, _ := serving(t, "-postgres", url, "-seats", "2x5")
	two, out, _ := serving(t, "-postgres", url, "-seats", "2x5")
	if !strings.Contains(out.String(), "postgres: seats are shared") {
		t.Errorf("the log: %s", out)
	}
	sellOut(t, roundRobin(t, one, two), 5)

	server.Kill()
	var status int
	var retry, body string
	for range 40 { // calls on connections that existed before have an unknown outcome
		if status, retry, body = call(t, one+"/lock", "A1", "ann"); strings.Contains(body, `"code":"store_unavailable"`) {
			break
		}
	}
	if status != 503 || retry == "" || !strings.Contains(body, `"code":"store_unavailable"`) {
		t.Errorf("without PostgreSQL: %d, Retry-After %q, %s", status, retry, body)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{one, two} {
		for {
			status, _, body = call(t, u+"/lock", "A1", "ann")
			if status == 409 || t.Context().Err() != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if !strings.Contains(body, `"code":"seat_booked"`) {
			t.Errorf("a lock of A1 after the crash is answered with %s", body)
		}
		if body := get(t, u+"/seats"); !strings.Contains(body, `"counts":{"available":0,"locked":0,"booked":10}`) {
			t.Errorf("%s lists %s", u, body)
		}
	}
}

// TestPostgreSQLIsAwayAtTheStart checks that the runner waits for PostgreSQL, and
// uses it once it is available or else ends with an error that does not show the
// password.
func TestPostgreSQLIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cmd := program(t, []string{"POSTGRES_URL=postgres://user:hunter2@127.0.0.1:" + faults.FreePort() + "/seats"}, "-postgres-start", "300ms")
	cmd.Stderr = &out
	_ = cmd.Run() // its status is checked below
	if got := cmd.ProcessState.ExitCode(); got != 1 || !strings.Contains(out.String(), "cannot use PostgreSQL (tried for 300ms") || strings.Contains(out.String(), "hunter2") {
		t.Errorf("status %d: %s", got, out.String())
	}

	server := pgtest.New(t)
	server.Kill()
	await, late, stop := starting(t, nil, "-postgres", server.URL("postgres"), "-postgres-start", "1m")
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	await()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if strings.Contains(late.String(), "fsync is off") || !strings.Contains(late.String(), "created the tables") {
		t.Errorf("the log: %s", late)
	}
}

// TestRefusedStartsOnPostgreSQL checks that a database that could sell a seat
// twice or lose a booking is refused with one line.
func TestRefusedStartsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Unsafe...)
	url := server.URL("postgres")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-postgres", url, "-postgres-migrate"}, variables{}.get, &out, io.Discard); err != nil || out.String() != "the database has everything that this version needs\n" {
		t.Fatalf("%q, %v", out.String(), err)
	}
	served, log, _ := serving(t, "-postgres", url, "-seats", "2x2")
	if !strings.Contains(log.String(), "fsync is off") {
		t.Errorf("the log: %s", log)
	}
	if status, _, body := call(t, served+"/lock", "A1", "ann"); status != 200 { // this fixes the seat map
		t.Fatal(body)
	}
	refused(t, "event default: lockstore: the store has this event with other seats", "-postgres", url, "-seats", "2x3")
	refused(t, "-redis and -postgres", "-postgres", url, "-redis", "redis://127.0.0.1:1")
	refused(t, "-postgres-migrate: needs -postgres", "-postgres-migrate")
	refused(t, "postgres://", "-postgres", "localhost")
	refused(t, "cannot use PostgreSQL (tried for 0s", "-postgres", "postgres://u@127.0.0.1:1/x", "-postgres-start", "0s")
	if _, err := server.Exec(t.Context(), "postgres", "ALTER DATABASE postgres SET synchronous_commit = off"); err != nil {
		t.Fatal(err)
	}
	refused(t, "synchronous_commit is off", "-postgres", url)
	if _, err := server.Exec(t.Context(), "postgres", "ALTER DATABASE postgres RESET synchronous_commit; INSERT INTO seatlock.version (number) VALUES (1000)"); err != nil {
		t.Fatal(err)
	}
	refused(t, "made for a newer version", "-postgres", url)
}
