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
// nothing changes in years. The clock of the server must be that of the test.
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
	"25_settings_under_race":             true,
	"25_limits_under_race":               true,
	"00_random_operations":               true,
}

// A contractCase is one sentence of the contract, or a part of one. Its name
// begins with a number of the README's list of guarantees, or with 00.
type contractCase struct {
	name string
	rule string // quotes of the contract, with … between
	run  func(*check)
}

func (cc *contractCase) check(c *check) {
	defer func() {
		if c.Failed() {
			c.Logf("the contract says: %s", cc.rule)
		}
	}()
	cc.run(c)
}

// Rules that several cases share.
const (
	allOrNone   = "Do carries out op on its seats, all or none, and reports what it changed."
	asAWhole    = "It takes effect as a whole at one moment before it returns."
	untilTTL    = "KindLock gives the user all the seats until Op.For from now, or Event.LockTTL if Op.For is zero."
	changed     = "Changed are the seats that the operation changed, in the order of Op.Seats and then Op.To. It is empty after a repeat"
	liveLock    = "On every seat the user needs a live lock, or the booking itself"
	lockExpired = "It fails with LockExpired if, on every seat in the way, the user's last lock expired within LapseMemory, even if another user has the seat by now. It fails with LockNotHeld in every other case"
	givesBack   = "KindRelease gives back the seats that the user has locked and leaves all others alone: a second release succeeds and changes nothing."
	seatLimits  = "with OverSeatLimit if the user would have more than Event.SeatLimit seats of the event, locked and booked together."
	waits       = "Wait blocks until the event has moved past the Version or the context ends; it then returns nil or the context's error."
	fullAnyway  = "The snapshot is full all the same if the Version is far behind, if the store's log no longer reaches back that far, or if the log does not have the Version"
	ofTheCall   = "Event.LockTTL, Event.MaxLock and Event.SeatLimit are of the call. What a call answers and what lists show afterwards agree, whatever other processes or earlier runs had set for the event."
	remembers   = "A store may forget an expired lock sooner, but not one that is among the last MinSeatLapses of its seat and among the last MinUserLapses of its user in the event."
)

// cases is the contract.
var cases = []contractCase{
	{"00_random_operations", asAWhole, randomOperations},

	{"01_many_users_one_seat", "Of any number of users who lock an available seat, at most one succeeds.", manyUsersOneSeat},
	{"01_parallel_users_do_not_interfere", "A LockStore is safe for concurrent use", parallelUsers},

	{"02_lock_takes_all_or_none", allOrNone, lockAllOrNone},
	{"02_confirm_books_all_or_none", allOrNone, confirmAllOrNone},
	{"02_overlapping_groups", allOrNone, overlappingGroups},
	{"02_one_after_another", asAWhole, oneAfterAnother},

	{"03_relock_keeps_time", "A seat that the user has locked already keeps its end, so a retry is safe and gains no time.", relockKeepsTime},
	{"03_lock_some_held_some_new", "An op that names some of these and some new seats locks the new ones. … Expires is, for KindLock and KindExtend, when the first of the named seats' locks ends", lockSomeHeld},
	{"03_lock_reports_the_new_seats", changed, lockChanges},

	{"04_lock_of_booked_seat_fails", "The op fails with SeatBooked if any seat is booked, even for the same user", lockBooked},

	{"05_lock_lasts_its_time", untilTTL, lockLasts},
	{"05_lock_ends_unattended", "The lock then ends by itself: no sweeper and no reader is needed.", lockEnds},
	{"05_lock_is_over_at_its_end", "A lock that ends at a millisecond is over in that millisecond.", lockIsOver},
	{"05_each_event_has_its_time", untilTTL, eachEventItsTime},
	{"05_result_has_the_time", "Now is the store's clock when it carried out the operation. … All times are on the store's clock, which counts milliseconds.", resultTime},

	{"06_confirm_needs_own_live_lock", liveLock, confirmNeedsLock},
	{"06_confirm_just_in_time", liveLock, confirmInTime},
	{"06_confirm_twice", "a second confirm succeeds and changes nothing.", confirmTwice},
	{"06_confirm_reports_the_new_bookings", changed, confirmChanges},
	{"06_users_are_compared_exactly", "A store compares it byte for byte.", usersApart},

	{"07_booking_never_expires", "A booking never expires, and its reference never changes.", bookingForEver},

	{"08_expired_is_not_never_held", lockExpired, expired},
	{"08_expired_though_taken_since", lockExpired, expiredThenTaken},
	{"08_expired_is_forgotten", lockExpired, expiredForgotten},
	{"08_only_if_all_expired", lockExpired, expiredMixed},
	{"08_the_last_lock_counts", lockExpired, releasedDidNotExpire},

	{"09_release_gives_back", givesBack, releaseGivesBack},
	{"09_release_leaves_others_alone", givesBack, releaseLeavesOthers},
	{"09_booking_is_not_released", "If the user has booked any of the seats, the op fails with SeatBooked, names those, and gives none back.", bookingNotReleased},
	{"09_release_reports_what_it_gave_back", changed, releaseChanges},

	{"10_seat_limit", seatLimits, seatLimit},
	{"10_seat_limit_forgets_expired_locks", seatLimits, limitAfterExpiry},
	{"10_seat_limit_at_the_end_of_a_lock", "A lock that ends at a millisecond is over in that millisecond. … " + seatLimits, limitAtTheEnd},
	{"10_seat_limit_forgets_released_locks", seatLimits, limitAfterRelease},
	{"10_seat_limit_counts_bookings", seatLimits, limitCountsBookings},
	{"10_seat_limit_is_per_event_and_user", seatLimits, limitPerEvent},
	{"10_seat_limit_under_race", seatLimits, limitRace},

	{"11_conflict_names_every_seat", "An op that seats prevent does nothing and fails with a *ConflictError, which names every seat in the way with its status, never its user.", conflictNamesAll},
	{"11_booked_goes_before_locked", "The op fails with SeatBooked if any seat is booked, even for the same user; else with SeatLocked if another user has a lock on any; else with SeatBlocked if any is blocked; else with OverSeatLimit", conflictOrder},
	{"11_bad_arguments_do_nothing", "An op that does not name 1 to MaxSeats different seats of the event and a valid user fails with *UnknownSeatsError or *InvalidError and does nothing", badArguments},

	{"12_full_list", "List returns a full, atomic snapshot if since is empty. … Full reports whether Seats is complete: every seat that is not available. … Seats is in the order of the layout", fullList},
	{"12_delta_is_what_changed", "Otherwise Seats is a delta: every seat that has changed since the Version that was asked for, seats that became Available included. … each seat at most once.", deltaIsWhatChanged},
	{"12_nothing_changed", "Otherwise it returns what has changed since that Version.", nothingChanged},
	{"12_expiry_is_no_change", "An expiry is not a change … A lock whose end is not after Now is listed as Available.", expiryNoChange},
	{"12_unknown_version", fullAnyway, unknownVersion},
	{"12_far_behind", fullAnyway, farBehind},
	{"12_list_sees_what_was_acknowledged", "List sees every change that was acknowledged before the call began.", listSeesAcknowledged},
	{"12_versions_are_of_plain_characters", "It consists of 1 to MaxIDLen letters, digits, '_', '.' and '-'.", versionForm},

	{"13_wait_returns_when_past", "It returns nil at once if the store does not know the event to have been at that Version.", waitPast},
	{"13_wait_is_woken", waits, waitIsWoken},
	{"13_wait_is_not_woken_by_nothing", waits + " … An expiry does not end the wait.", waitNotWoken},
	{"13_wait_ends_with_the_context", waits, waitEnds},

	{"14_ended_context_does_nothing", "An error of the context is returned as it is, and only when nothing was done.", endedContext},

	{"15_other_seats_are_refused", "The first change of a seat fixes the layout of its event. From then on the store refuses an event with other seats, or with the same seats in another order, with ErrOtherSeats, before it writes anything.", otherSeats},
	{"15_events_are_apart", "A LockStore keeps the locks and bookings of any number of events.", eventsApart},
	{"15_events_of_one_layout_are_apart", "Any number of events may share it.", eventsOfOneLayoutApart},

	{"16_slices_are_not_shared", "A store keeps no slice that is passed to it, and the slices that it returns belong to the caller.", slicesNotShared},

	{"25_lock_time_is_of_the_call", ofTheCall, lockTimeOfTheCall},
	{"25_seat_limit_is_of_the_call", ofTheCall, seatLimitOfTheCall},
	{"25_seat_limit_counts_all_locks", ofTheCall, limitCountsAllLocks},
	{"25_settings_under_race", ofTheCall, settingsUnderRace},
	{"25_limits_under_race", ofTheCall, limitsUnderRace},

	{"26_last_locks_of_a_seat_are_remembered", remembers, rememberedOnSeat},
	{"26_last_locks_of_a_user_are_remembered", remembers, rememberedOfUser},
}
