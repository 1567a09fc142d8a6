package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// wantWritten opens a file and checks that it has everything that sellers printed.
func wantWritten(t *testing.T, path string, said sellerOutput) {
	t.Helper()
	if err := checkWritten(t.Context(), path, said); err != nil {
		t.Error(err)
	}
}

// checkWritten opens a file and checks that every call that sellers acknowledged is
// there, and that every other call is there as a whole or not at all.
func checkWritten(ctx context.Context, path string, said sellerOutput) (err error) {
	ev, err := sellerEvent()
	if err != nil {
		return err
	}
	s, err := boltstore.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	snap, err := s.List(ctx, ev, "")
	if err != nil {
		return err
	}
	status := make(map[string]lockstore.Status)
	for _, seat := range snap.Seats {
		status[string(ev.Seats[seat.Position])] = seat.Status
	}
	var wrong []error
	for _, pair := range said["booked"] {
		for seat := range strings.FieldsSeq(pair) {
			if status[seat] != lockstore.Booked {
				wrong = append(wrong, fmt.Errorf("%s was booked, and is %v", seat, status[seat]))
			}
		}
	}
	for _, pair := range said["locked"] {
		seats := strings.Fields(pair)
		if one, two := status[seats[0]], status[seats[1]]; one == lockstore.Available || one != two {
			wrong = append(wrong, fmt.Errorf("%s was locked, and is %v and %v", pair, one, two))
		}
	}
	for at := 0; at < sellerSeats; at += 2 {
		if one, two := status[string(ev.Seats[at])], status[string(ev.Seats[at+1])]; one != two {
			wrong = append(wrong, fmt.Errorf("of one call %s is %v and %s is %v", ev.Seats[at], one, ev.Seats[at+1], two))
		}
	}
	wrong = append(wrong, checkJournal(ctx, s, ev, status), checkOrders(ctx, s, said["ordered"]))
	if slices.Contains(said["open"], "") {
		wrong = append(wrong, errors.New("a seller did not say what it found"))
	}
	return errors.Join(wrong...)
}

// checkJournal checks that there is an entry for each booking, and for nothing else.
func checkJournal(ctx context.Context, s *boltstore.Store, ev *lockstore.Event, status map[string]lockstore.Status) error {
	booked := make(map[string]bool)
	for after := lockstore.Seq(""); ; {
		entries, err := s.Journal(ctx, ev, after, lockstore.MaxEntries)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			for _, seat := range e.Seats {
				if booked[string(seat)] || status[string(seat)] != lockstore.Booked {
					return fmt.Errorf("%s is %v and in the journal twice: %v", seat, status[string(seat)], booked[string(seat)])
				}
				booked[string(seat)] = true
			}
			after = e.Seq
		}
	}
	for seat, is := range status {
		if is == lockstore.Booked && !booked[seat] {
			return fmt.Errorf("%s is booked and not in the journal", seat)
		}
	}
	return nil
}

// checkOrders checks that there is an order for all those seats.
func checkOrders(ctx context.Context, s *boltstore.Store, pairs []string) error {
	for _, pair := range pairs {
		first, _, _ := strings.Cut(pair, " ")
		if o, err := s.Order(ctx, lockstore.OrderID(first)); err != nil || string(o.Body) != first {
			return fmt.Errorf("the order %s, which was acknowledged: %q, %w", first, o.Body, err)
		}
	}
	return nil
}

// TestKilled checks that the file opens again and has everything that was acknowledged,
// whenever the process is killed.
func TestKilled(t *testing.T) {
	all := make(sellerOutput)
	path := filepath.Join(t.TempDir(), "seats")
	for round := range 12 {
		for word, lines := range runSeller(t, path, "", time.Millisecond+rand.N(100*time.Millisecond)) {
			all[word] = append(all[word], lines...)
		}
		if wantWritten(t, path, all); t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if len(all["booked"]) < 20 {
		t.Errorf("only %d bookings were made", len(all["booked"]))
	}
}

// TestKilledAtTheStart checks that the file opens again if the process is killed while it
// creates the file.
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

// TestDiskFull checks that a disk that becomes full at any moment loses nothing, whether
// there is room again or the process is killed first.
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
	if len(all["refused"]) == 0 || len(all["booked"]) < 20 || len(all["unknown"]) > 0 {
		t.Errorf("full %d times: %d bookings were made, %d calls refused, %d open", len(all["full"]), len(all["booked"]), len(all["refused"]), len(all["unknown"]))
	}
	for _, why := range all["refused"] {
		if !strings.Contains(why, "could not be written") {
			t.Fatalf("a call was refused with %s", why)
		}
	}
}

// TestFileCutShort checks that a program ends if another one cuts its file short, as it
// does if a page cannot be read.
func TestFileCutShort(t *testing.T) {
	out, err := command(t, tryEnv+"=cut short", filepath.Join(t.TempDir(), "seats")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "unexpected fault address") {
		t.Errorf("it ended with %v: %s", err, out)
	}
}
