package engine

import (
	"errors"
	"slices"
	"testing"
	"time"

	"seatlock/lockstore"
)

// TestJournalInChunks checks that entries are found wherever their chunk begins and ends,
// and that a reader who continues page by page gets each once.
func TestJournalInChunks(t *testing.T) {
	j := NewJournal()
	const n = 2*chunkSize + 3
	for i := range n {
		op := lockstore.Book("ann", "", "A1")
		j.Add(&op, &lockstore.Result{Changed: op.Seats, Now: time.UnixMilli(int64(i))})
	}
	after, read := lockstore.Seq(""), int64(0)
	for {
		page, err := j.After(after, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if e.Time.UnixMilli() != read {
				t.Fatalf("entry %d is that of %d", read, e.Time.UnixMilli())
			}
			read++
		}
		after = page[len(page)-1].Seq
	}
	if read != n || after != j.Seq() {
		t.Errorf("%d of %d entries were read, up to %s of %s", read, n, after, j.Seq())
	}
}

// TestJournalOwnsItsSlices checks that an entry shares no slice with the operation or with
// what a reader got.
func TestJournalOwnsItsSlices(t *testing.T) {
	j := NewJournal()
	op := lockstore.Move("ann", "", []lockstore.SeatID{"A1"}, []lockstore.SeatID{"A2"})
	changed := []lockstore.SeatID{"A1", "A2"}
	j.Add(&op, &lockstore.Result{Changed: changed})
	op.Seats[0], op.To[0], changed[0] = "x", "x", "x"
	for range 2 {
		got, err := j.After("", 1)
		if err != nil || !slices.Equal(got[0].Seats, []lockstore.SeatID{"A1"}) || !slices.Equal(got[0].To, []lockstore.SeatID{"A2"}) {
			t.Fatalf("the journal has %v, %v", got, err)
		}
		got[0].Seats[0], got[0].To[0] = "x", "x"
		_ = append(got[0].Seats, "x")
	}
}

// TestSeqOfAnotherJournal checks that a journal does not know the places of another one.
func TestSeqOfAnotherJournal(t *testing.T) {
	j, other := NewJournal(), NewJournal()
	for _, seq := range []lockstore.Seq{other.Seq(), j.seq(1), j.seq(-1), lockstore.Seq(j.id), "x-y"} {
		if _, err := j.After(seq, 1); !errors.Is(err, lockstore.ErrJournalReset) {
			t.Errorf("after %s: %v", seq, err)
		}
	}
}
