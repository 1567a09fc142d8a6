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

	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/powerloss"
)

// TestPowerIsLost checks that a file opens after a loss of power at any moment of four
// lives of a seller, which is killed each time, and that everything is there that a seller
// printed before. The file has what was synced and any part of the rest.
//
// The same must fail on a disk that lies about syncs.
func TestPowerIsLost(t *testing.T) {
	faults.Need(t, powerloss.Program, "losses of power were not replayed")
	recording := recordSeller(t)
	rnd := rand.New(rand.NewPCG(rand.Uint64(), 1))
	check := func(at int, lies bool) (said sellerOutput, err error) {
		image := recording.Image(at, lies, rnd)
		said = make(sellerOutput)
		for line := range strings.Lines(string(image.Said)) {
			said.add(line)
		}
		folder, err := os.MkdirTemp(t.TempDir(), "")
		must(t, err)
		must(t, image.Write(folder))
		defer os.RemoveAll(folder)
		return said, checkWritten(t.Context(), filepath.Join(folder, "seats"), said)
	}
	moments := func(n int) []int {
		said := recording.Said()
		repeated := slices.DeleteFunc(slices.Clone(said), func(l powerloss.Line) bool { return l.Text != "repeated" })
		at := make([]int, n)
		for i := range at {
			switch i % 4 {
			case 0: // while the file is made
				at[i] = rnd.IntN(said[0].At)
			case 1: // after an answer
				at[i] = said[rnd.IntN(len(said))].At
			case 2: // when all confirms have been repeated, and nothing has been written since
				at[i] = repeated[rnd.IntN(len(repeated))].At
			default:
				at[i] = rnd.IntN(recording.Len())
			}
		}
		return at
	}
	booked := 0
	for _, at := range moments(120) {
		said, err := check(at, false)
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
		if _, err := check(at, true); err != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("a disk that lies loses nothing")
	}
	t.Logf("%d moments; a disk that lies failed %d of 30 times", recording.Len(), failed)
}

// recordSeller records the lives of a seller.
func recordSeller(t *testing.T) *powerloss.Recording {
	t.Helper()
	folder := t.TempDir()
	recording, err := powerloss.New(folder)
	must(t, err)
	for life := range 4 {
		log := filepath.Join(t.TempDir(), fmt.Sprint(life))
		seller := command(t, sellerEnv+"="+filepath.Join(folder, "seats"), "")
		cmd := powerloss.Command(t.Context(), log, seller.Path, "again")
		cmd.Env = seller.Env
		said := runCommand(t, cmd, 100*time.Millisecond+rand.N(400*time.Millisecond))
		if len(said["open"]) != 1 || len(said["booked"]) == 0 {
			t.Fatalf("the seller said %q", said)
		}
		must(t, recording.Add(log))
	}
	return recording
}
