package storetest

import (
	"testing"
	"testing/synctest"

	"seatlock/lockstore/storetest/history"
)

// catchWithin is how many histories it may take to catch a broken store.
const catchWithin = 200

// TestHistoriesHaveTeeth: histories clear what is right and convict all that is
// broken.
func TestHistoriesHaveTeeth(t *testing.T) {
	for name, s := range subjects {
		t.Run(name, func(t *testing.T) {
			caught := 0
			for n := 0; n < catchWithin && caught == 0; {
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
					if v != history.Legal && caught == 0 {
						caught = n
					}
				}
			}
			switch {
			case s.fails == nil && caught > 0:
				t.Errorf("history %d of a store that is right is illegal", caught)
			case s.fails != nil && caught == 0:
				t.Errorf("%d histories are legal", catchWithin)
			case s.fails != nil:
				t.Logf("caught in history %d", caught)
			}
		})
	}
}
