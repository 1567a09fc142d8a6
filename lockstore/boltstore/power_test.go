package boltstore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/powerloss"
)

// TestPowerIsLost checks that a file opens after a loss of power at any moment of four
// runs of a seller, which is killed each time, and that it has everything that a seller
// printed before. The file has what was synced and any part of the rest.
//
// On a disk that confirms a sync before it has what was written, the same check must fail.
func TestPowerIsLost(t *testing.T) {
	faults.Need(t, powerloss.Program, "losses of power were not replayed")
	recording := recordSeller(t)
	rnd := rand.New(rand.NewPCG(rand.Uint64(), 1))
	said := recording.Said()
	repeated := slices.DeleteFunc(slices.Clone(said), func(l powerloss.Line) bool { return l.Text != "repeated" })
	moments := func(n int) []int {
		at := make([]int, n)
		for i := range at {
			switch i % 4 {
			case 0: // while the file is made
				at[i] = rnd.IntN(said[0].At)
			case 1: // after an answer
				at[i] = said[rnd.IntN(len(said))].At
			case 2: // when the second run has confirmed again what the first had not synced
				at[i] = repeated[1].At
			default:
				at[i] = rnd.IntN(recording.Len())
			}
		}
		return at
	}
	booked := 0
	for _, at := range moments(120) {
		said, err := checkImage(t, recording.Image(at, false, rnd))
		if err != nil {
			t.Fatalf("at moment %d of %d: %v", at, recording.Len(), err)
		}
		booked += len(said["booked"])
	}
	if booked == 0 {
		t.Error("nothing was booked")
	}
	failed := 0
	for _, at := range moments(30) {
		if _, err := checkImage(t, recording.Image(at, true, rnd)); err != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("a disk that confirms too early loses nothing")
	}
	t.Logf("%d moments; a disk that confirms too early failed %d of 30 times", recording.Len(), failed)
}

// inFolder calls do with the path of an image's file.
func inFolder(t *testing.T, image powerloss.Image, do func(path string)) {
	t.Helper()
	folder, err := os.MkdirTemp(t.TempDir(), "")
	must(t, err)
	defer os.RemoveAll(folder)
	must(t, image.Write(folder))
	do(filepath.Join(folder, "seats"))
}

// checkImage opens an image's file and checks that it has everything that sellers printed.
func checkImage(t *testing.T, image powerloss.Image) (said sellerOutput, err error) {
	said = make(sellerOutput)
	for line := range strings.Lines(string(image.Said)) {
		said.add(line)
	}
	inFolder(t, image, func(path string) { err = checkWritten(t.Context(), path, said) })
	return said, err
}

// recordSeller records four runs of a seller. The first is killed when a booking has been
// written and the disk has not been waited for.
func recordSeller(t *testing.T) *powerloss.Recording {
	t.Helper()
	folder := t.TempDir()
	recording, err := powerloss.New(folder)
	must(t, err)
	for run := range 4 {
		word := "repeated"
		if run == 0 {
			word = "booked"
		}
		log := filepath.Join(t.TempDir(), fmt.Sprint(run))
		seller := command(t, sellerEnv+"="+filepath.Join(folder, "seats"), "")
		cmd := powerloss.Command(t.Context(), log, seller.Path, "again")
		cmd.Env = seller.Env
		if said := runCommand(t, cmd, word, 100*time.Millisecond+rand.N(400*time.Millisecond)); len(said[word]) == 0 {
			t.Fatalf("the seller said %q", said)
		}
		must(t, recording.Add(log))
		if run == 0 {
			must(t, recording.Kill(unsyncedBooking(t, recording)))
		}
	}
	return recording
}

// unsyncedBooking returns the last moment at which a booking has been written that need not
// be on the disk.
func unsyncedBooking(t *testing.T, recording *powerloss.Recording) int {
	t.Helper()
	for _, at := range slices.Backward(recording.Syncs()) {
		var written, synced []boltstore.Booking
		inFolder(t, recording.Cached(at), func(path string) { written, _ = boltstore.Bookings(path) })
		inFolder(t, recording.Synced(at), func(path string) { synced, _ = boltstore.Bookings(path) })
		if len(written) > len(synced) {
			return at
		}
	}
	t.Fatal("no booking is written before it is synced")
	return 0
}
