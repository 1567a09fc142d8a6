package boltstore_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// wantWritten opens a file and looks for all that sellers printed.
func wantWritten(t *testing.T, path string, said sellerOutput) {
	t.Helper()
	ev, err := sellerEvent()
	must(t, err)
	s, err := boltstore.Open(path)
	must(t, err)
	defer s.Close()
	snap, err := s.List(t.Context(), ev, "")
	must(t, err)
	status := make(map[string]lockstore.Status)
	for _, seat := range snap.Seats {
		status[string(ev.Seats[seat.Position])] = seat.Status
	}
	open := make(map[string]bool) // of these it is not known
	for _, pair := range said["unknown"] {
		for seat := range strings.FieldsSeq(pair) {
			open[seat] = true
		}
	}
	booked := make(map[string]bool)
	for _, pair := range said["booked"] {
		for seat := range strings.FieldsSeq(pair) {
			booked[seat] = true
			if status[seat] != lockstore.Booked {
				t.Errorf("%s was booked, and is %v", seat, status[seat])
			}
		}
	}
	for _, pair := range said["locked"] {
		seats := strings.Fields(pair)
		if one, two := status[seats[0]], status[seats[1]]; one == lockstore.Available || one != two {
			t.Errorf("%s was locked, and is %v and %v", pair, one, two)
		}
	}
	for at := 0; at < sellerSeats; at += 2 {
		if one, two := status[string(ev.Seats[at])], status[string(ev.Seats[at+1])]; one != two {
			t.Errorf("of one group %s is %v and %s is %v", ev.Seats[at], one, ev.Seats[at+1], two)
		}
	}
	if slices.Contains(said["open"], "") {
		t.Error("a seller did not say what it found")
	}
}

// TestKilled: whenever the process is killed, from its first moment on, the file
// opens again and has all that was answered.
func TestKilled(t *testing.T) {
	all := make(sellerOutput)
	path := filepath.Join(t.TempDir(), "seats")
	for round := range 12 {
		life := time.Millisecond + rand.N(100*time.Millisecond)
		for word, lines := range runSeller(t, path, "", life) {
			all[word] = append(all[word], lines...)
		}
		if wantWritten(t, path, all); t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if len(all["booked"]) < 100 {
		t.Errorf("only %d bookings were made", len(all["booked"]))
	}
}

// TestKilledAtTheStart kills it while it makes the file.
func TestKilledAtTheStart(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "seats")
		cmd := command(t, sellerEnv+"="+path, "")
		stdin, err := cmd.StdinPipe()
		must(t, err)
		must(t, cmd.Start())
		time.Sleep(rand.N(40 * time.Millisecond))
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		stdin.Close()
		open(t, path)
	}
}

// TestDiskFull: a disk that is full at any moment loses nothing, whether room
// comes back or the process is killed then.
func TestDiskFull(t *testing.T) {
	all := make(sellerOutput)
	path := filepath.Join(t.TempDir(), "seats")
	for round := range 6 {
		for word, lines := range runSeller(t, path, "full", 280*time.Millisecond) {
			all[word] = append(all[word], lines...)
		}
		if wantWritten(t, path, all); t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if len(all["refused"]) == 0 || len(all["booked"]) < 100 || len(all["unknown"]) > 0 {
		t.Errorf("full %d times: %d bookings were made, %d calls refused, %d open", len(all["full"]), len(all["booked"]), len(all["refused"]), len(all["unknown"]))
	}
	for _, why := range all["refused"] {
		if !strings.Contains(why, "could not be written") {
			t.Fatalf("a call was refused with %s", why)
		}
	}
}
