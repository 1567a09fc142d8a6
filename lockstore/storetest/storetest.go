// Package storetest is the contract of [lockstore.LockStore] as a test suite,
// which every store must pass.
//
// The package must not know about any store, backend or HTTP.
package storetest

import (
	"sync"
	"testing"
	"testing/synctest"

	"seatlock/lockstore"
)

// Run tests a store against the whole contract. newStore returns an empty store,
// or a new client of one shared backend: each case uses event ids that no other
// case uses. Run calls it inside the case's testing/synctest bubble, so what it
// starts must use the bubble's clock and end with t.Cleanup.
func Run(t *testing.T, newStore func(t *testing.T) lockstore.LockStore) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { c.check(newCheck(t, newStore(t), bubbleTime)) })
		})
	}
}

// RunInRealTime is like Run, for a store on a server, which cannot be in a bubble.
// Cases that wait run in parallel, with locks of a few seconds, and leave out
// what takes longer: that an expiry is forgotten after LapseMemory, and that
// nothing changes for years. The clock of the server must be that of the test.
// Calls that the server could not answer for a moment are repeated.
func RunInRealTime(t *testing.T, newStore func(t *testing.T) lockstore.LockStore) {
	runCrowded(t, newStore)
	runWaiting(t, newStore)
}

// RunTogetherInRealTime is RunInRealTime for several stores, each in a test of its
// own under its name: the cases that wait do so for all stores at the same time.
// newStore is called once for each.
func RunTogetherInRealTime(t *testing.T, stores map[string]func(t *testing.T) lockstore.LockStore) {
	var all, crowds sync.WaitGroup
	var crowd sync.Mutex
	crowds.Add(len(stores))
	for name, newStore := range stores {
		all.Go(func() {
			done := sync.OnceFunc(crowds.Done)
			defer done() // of a test that is skipped
			t.Run(name, func(t *testing.T) {
				var s lockstore.LockStore
				same := func(*testing.T) lockstore.LockStore { return s }
				func() {
					crowd.Lock()
					defer crowd.Unlock()
					s = newStore(t)
					runCrowded(t, same)
				}()
				done()
				crowds.Wait()
				runWaiting(t, same)
			})
		})
	}
	all.Wait()
}

func runCrowded(t *testing.T, newStore func(t *testing.T) lockstore.LockStore) {
	for _, c := range cases {
		if crowded[c.name] {
			c.runInRealTime(t, newStore, crowdedTime)
		}
	}
}

func runWaiting(t *testing.T, newStore func(t *testing.T) lockstore.LockStore) {
	var all sync.WaitGroup
	for _, c := range cases {
		if !crowded[c.name] {
			all.Go(func() { c.runInRealTime(t, newStore, realTime) })
		}
	}
	all.Wait()
}

func (cc *contractCase) runInRealTime(t *testing.T, newStore func(t *testing.T) lockstore.LockStore, at timing) {
	t.Run(cc.name, func(t *testing.T) { cc.check(newCheck(t, &askingAgain{LockStore: newStore(t)}, at)) })
}

// crowded are the cases of many calls and no waiting. In real time they run one
// by one, with locks of a minute: they slow down other cases, whose locks could
// end too early.
var crowded = map[string]bool{
	"01_many_users_one_seat":             true,
	"01_parallel_users_do_not_interfere": true,
	"02_overlapping_groups":              true,
	"02_one_after_another":               true,
	"06_users_are_compared_exactly":      true,
	"10_seat_limit_under_race":           true,
	"12_far_behind":                      true,
	"12_list_sees_what_was_acknowledged": true,
	"19_book_under_race":                 true,
	"20_cancel_under_race":               true,
	"20_move_under_race":                 true,
	"20_cancel_is_final":                 true,
	"22_journal_under_race":              true,
	"23_roster_misses_nothing":           true,
	"23_roster_meets_journal":            true,
	"24_revision_during_sale":            true,
	"25_settings_under_race":             true,
	"25_limits_under_race":               true,
	"00_random_operations":               true,
}
