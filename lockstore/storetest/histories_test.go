package storetest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"seatlock/lockstore/storetest/history"
)

// A correct store must have enough legal histories. Nearly always, as many show the fault
// of a broken store. Which calls overlap is up to chance, though, so a broken store gets
// ten times as many.
const enough, atMost = 500, 10 * enough

// unseen are the subjects whose fault needs more calls than a history has, or is
// within its slack of a millisecond.
var unseen = []string{
	"lock_is_live_at_its_end", "a_seat_forgets_too_soon", "a_user_forgets_too_soon", "not_after_allows_its_moment",

	// In a history no caller changes a slice.
	"entry_shares_its_slice",

	// In a history no layout is replaced.
	"revision_shifts_bookings", "revision_loses_bookings", "revision_forgets_references", "revision_keeps_versions",
	"old_layout_goes_on", "layout_is_fixed_by_a_look", "layout_is_fixed_by_locks", "blocked_seat_may_not_vanish",
}

// TestProofCountsFaults checks that the proof's README says how many broken stores are
// found.
func TestProofCountsFaults(t *testing.T) {
	text, err := os.ReadFile("../../local/tools/proof/README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := -len(unseen)
	for _, s := range allSubjects() {
		if s.fails != nil {
			found++
		}
	}
	if want := fmt.Sprintf("each of %d stores", found); !strings.Contains(string(text), want) {
		t.Errorf("the README does not say %q", want)
	}
}

// TestHistoriesFindFaults checks that the histories of correct stores are legal, and
// that broken ones have illegal histories.
func TestHistoriesFindFaults(t *testing.T) {
	for name, s := range allSubjects() {
		t.Run(name, func(t *testing.T) {
			illegal, most := 0, enough
			if s.fails != nil && !slices.Contains(unseen, name) {
				most = atMost
			}
			for n := 0; n < most && illegal == 0; {
				var all []*history.History
				synctest.Test(t, func(t *testing.T) {
					var err error
					all, err = history.Play(t.Context(), s.store(), string(nextEventID()), bubbleTime.plan(uint64(n)))
					if err != nil {
						t.Fatal(err)
					}
				})
				for _, h := range all {
					n++
					v, err := h.Check(0)
					if err != nil {
						t.Fatal(err)
					}
					if v != history.Legal && illegal == 0 {
						illegal = n
					}
				}
			}
			switch {
			case s.fails == nil && illegal > 0:
				t.Errorf("history %d of a right store is illegal", illegal)
			case s.fails != nil && illegal == 0 && !slices.Contains(unseen, name):
				t.Errorf("%d histories of a broken store are legal", most)
			case s.fails != nil:
				t.Logf("history %d is illegal", illegal)
			}
		})
	}
}
