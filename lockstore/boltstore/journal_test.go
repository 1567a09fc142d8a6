package boltstore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

// journal returns the entries after a Seq.
func (d *testStore) journal(after lockstore.Seq) []lockstore.Entry {
	d.Helper()
	entries, err := d.Journal(d.Context(), d.ev, after, lockstore.MaxEntries)
	if err != nil {
		d.Fatalf("the journal after %q: %v", after, err)
	}
	return entries
}

// holdings returns the roster that the filter chooses, as text.
func (d *testStore) holdings(f lockstore.Filter) []string {
	d.Helper()
	var all []string
	_, roster := d.Roster(d.Context(), d.ev, f)
	for h, err := range roster {
		if err != nil {
			d.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %v %s %s since %ds", h.Seat, h.Status, h.User, h.Ref, h.Since.Unix()-bubbleBegan))
	}
	return all
}

// bubbleBegan is when the time of a bubble begins, in Unix seconds.
var bubbleBegan = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// TestJournalAndRosterAfterReopening checks that a reopened file has the journal
// and the roster that it had, and continues the journal.
func TestJournalAndRosterAfterReopening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 20, 0))
		extended := lockstore.Extend("ann", time.Now().Add(90*time.Second), "A9")
		extended.By = "Ö, \"the\" operator"
		d.lock("ann", "A9")
		d.do(extended)
		d.do(lockstore.Book("ann", "order-1", "A10", "A2"))
		d.do(lockstore.Block("broken", "A3"))
		time.Sleep(10 * time.Second)
		d.do(lockstore.Move("", "order-1", []lockstore.SeatID{"A10", "A2"}, []lockstore.SeatID{"A4", "A5"}))
		d.do(lockstore.Cancel("ann", "order-1", "A5"))
		d.do(lockstore.Unblock("A3"))
		d.do(lockstore.Block("", "A3"))
		d.lock("ben", "A1")
		d.do(lockstore.Evict("", "A1"))

		roster := []string{"A3 blocked   since 10s", "A4 booked ann order-1 since 10s", "A9 locked ann  since 0s"}
		before := d.journal("")
		for range 2 {
			if got := d.holdings(lockstore.Filter{}); !slices.Equal(got, roster) {
				t.Errorf("the roster is %q, want %q", got, roster)
			}
			if got := d.holdings(lockstore.Filter{User: "ann"}); !slices.Equal(got, roster[1:]) {
				t.Errorf("ann's roster is %q, want %q", got, roster[1:])
			}
			if got := d.journal(""); !reflect.DeepEqual(got, before) {
				t.Errorf("the journal is %v, want %v", got, before)
			}
			if got := d.journal(before[3].Seq); !reflect.DeepEqual(got, before[4:]) {
				t.Errorf("the end of the journal is %v, want %v", got, before[4:])
			}
			d.reopen()
		}
		if len(before) != 8 || before[0].By != extended.By || !slices.Equal(before[3].To, []lockstore.SeatID{"A4", "A5"}) {
			t.Errorf("the journal was %v", before)
		}
		d.do(lockstore.Cancel("ann", "", "A4"))
		if got := d.journal(before[7].Seq); len(got) != 1 || got[0].Kind != lockstore.KindCancel {
			t.Errorf("a later process adds %v", got)
		}
	})
}

// TestJournalOfAnEarlierCopy checks that a place in the journal that a restored copy of the
// file lacks is not mistaken for that of another entry.
func TestJournalOfAnEarlierCopy(t *testing.T) {
	d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 20, 0))
	d.do(lockstore.Book("ann", "", "A1"))
	d.reopen()
	copied := readFile(d.path)
	d.do(lockstore.Book("ann", "", "A2"))
	entries := d.journal("")
	must(t, d.Close())
	must(t, os.WriteFile(d.path, copied, 0o600))

	d.reopen()
	if got := d.journal(entries[0].Seq); len(got) != 0 {
		t.Errorf("after the entry that the copy has: %v", got)
	}
	for range 2 {
		if _, err := d.Journal(t.Context(), d.ev, entries[1].Seq, 1); !errors.Is(err, lockstore.ErrJournalReset) {
			t.Errorf("after an entry that the copy lacks: %v", err)
		}
		d.do(lockstore.Book("ben", "", "A3")) // gets the number of the lost entry
	}
	if got := d.journal(""); len(got) != 2 || got[1].ID == entries[1].ID {
		t.Errorf("the journal is %v, and was %v", got, entries)
	}
}

// TestJournalsAreApart checks that entries of different events have different ids, and that
// a place in the journal of one event is not one in that of another.
func TestJournalsAreApart(t *testing.T) {
	d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 20, 0))
	seen := make(map[string]bool)
	var last lockstore.Seq
	for _, id := range []lockstore.EventID{"one", "another"} {
		d.ev = newEvent(t, id, 20, 0)
		for _, seat := range d.ev.Seats[:3] {
			d.do(lockstore.Book("ann", "", seat))
		}
		if last != "" {
			if _, err := d.Journal(t.Context(), d.ev, last, 1); !errors.Is(err, lockstore.ErrJournalReset) {
				t.Errorf("after an entry of another event: %v", err)
			}
		}
		for _, e := range d.journal("") {
			if seen[e.ID] {
				t.Errorf("the id %s is there twice", e.ID)
			}
			seen[e.ID], last = true, e.Seq
		}
	}
}
