// Package storetest is the contract of [lockstore.LockStore] as a test suite.
// A store that passes [Run] may be put behind the API.
//
// The package knows the interface alone: no store, no backend, no HTTP.
package storetest

import (
	"sync"
	"testing"
	"testing/synctest"

	"seatlock/lockstore"
)

// Run tests a store against every line of the contract. newStore makes an
// empty store, or a new client of one shared backend: each case uses event ids
// that no other case uses. It is called inside the case's testing/synctest
// bubble, so what it starts must live with the bubble's clock and end with
// t.Cleanup.
func Run(t *testing.T, newStore func(t *testing.T) lockstore.LockStore) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.check(newCheck(t, newStore(t), bubbleTime)) })
		})
	}
}

// RunInRealTime is Run for a store on a server, which no bubble can hold. Cases
// that wait do so at the same time, with locks of a few seconds, and leave out
// what takes longer: that a lapse is forgotten after ten minutes and that
// nothing changes in years. The clock of the server must be that of the test. A
// server that cannot be reached for a moment is asked again.
func RunInRealTime(t *testing.T, newStore func(t *testing.T) lockstore.LockStore) {
	run := func(c contractCase, at timing) {
		t.Run(c.name, func(t *testing.T) { c.check(newCheck(t, askingAgain{newStore(t)}, at)) })
	}
	var all sync.WaitGroup
	for _, c := range cases {
		if crowded[c.name] {
			run(c, crowdedTime)
		}
	}
	for _, c := range cases {
		if !crowded[c.name] {
			all.Go(func() { run(c, realTime) })
		}
	}
	all.Wait()
}

// crowded are the cases of many calls and no waiting. In real time they run one
// by one, with locks of a minute, since a lock could run out for another case
// meanwhile.
var crowded = map[string]bool{
	"01_many_users_one_seat":             true,
	"01_parallel_users_do_not_interfere": true,
	"02_overlapping_groups":              true,
	"02_one_after_another":               true,
	"06_users_are_compared_exactly":      true,
	"10_seat_limit_under_race":           true,
	"12_far_behind":                      true,
	"12_list_sees_what_was_acknowledged": true,
	"17_random_operations":               true,
}

// A contractCase is one line of the contract, or a part of one. Its name begins
// with the number of the line in the README's list of guarantees; rule is the
// sentence that it stands for.
type contractCase struct {
	name string
	rule string
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

// cases is the contract.
var cases = []contractCase{
	{"01_many_users_one_seat", "Safe for concurrent use. Of many Locks on one seat at most one wins.", manyUsersOneSeat},
	{"01_parallel_users_do_not_interfere", "Safe for concurrent use.", parallelUsers},

	{"02_lock_takes_all_or_none", "Every call is atomic over all its seats: all or none.", lockAllOrNone},
	{"02_confirm_books_all_or_none", "Every call is atomic over all its seats: all or none.", confirmAllOrNone},
	{"02_overlapping_groups", "Every call is atomic over all its seats, whoever else calls.", overlappingGroups},
	{"02_one_after_another", "Every call is atomic: whatever callers are told at the same time, it can have happened one call after the other.", oneAfterAnother},

	{"03_relock_keeps_time", "A user who locks a seat it already holds succeeds and does not get more time.", relockKeepsTime},
	{"03_lock_some_held_some_new", "Locking some seats one holds and some new ones locks the new ones; the answer is the earliest expiry of all.", lockSomeHeld},
	{"03_lock_reports_the_new_seats", "Changed are the seats that the operation changed, in the order of Op.Seats: of held and new seats the new ones, on a repeat none.", lockChanges},

	{"04_lock_of_booked_seat_fails", "Locking a booked seat fails, for its owner too.", lockBooked},

	{"05_lock_lasts_its_time", "A lock lasts until Event.LockTTL from now.", lockLasts},
	{"05_lock_runs_out_unattended", "A lock is gone once its time is up, with no sweeper and nobody looking.", lockRunsOut},
	{"05_each_event_has_its_time", "A lock lasts as long as its event says.", eachEventItsTime},
	{"05_result_has_the_time", "Now is the store's clock; the lock of a new seat ends Event.LockTTL after it.", resultTime},

	{"06_confirm_needs_own_live_lock", "Confirm needs a live lock by the same user on every seat.", confirmNeedsLock},
	{"06_confirm_just_in_time", "Confirm needs a live lock: to the last moment it is one.", confirmInTime},
	{"06_confirm_twice", "Confirm needs a live lock, or the seat already booked by that user: confirming twice succeeds.", confirmTwice},
	{"06_confirm_reports_the_new_bookings", "Changed are the seats that the operation changed: on a repeat none.", confirmChanges},
	{"06_users_are_compared_exactly", "A store compares a UserID byte for byte.", usersApart},

	{"07_booking_never_expires", "A booking never expires.", bookingForEver},

	{"08_ran_out_is_not_never_held", "Confirm tells a lock that ran out from one that never was.", ranOut},
	{"08_ran_out_though_taken_since", "Confirm fails with LockExpired even if the seat is somebody else's by now.", ranOutThenTaken},
	{"08_ran_out_is_forgotten", "Confirm tells a lock that ran out within LapseMemory.", ranOutForgotten},
	{"08_only_if_all_ran_out", "It fails with LockNotHeld if any of the seats in the way is another case than a lock that ran out.", ranOutMixed},
	{"08_the_last_lock_counts", "It is the user's last lock on the seat that counts: one given back did not run out.", releasedDidNotRunOut},

	{"09_release_gives_back", "Release gives back the seats that the user has locked; releasing twice succeeds.", releaseGivesBack},
	{"09_release_leaves_others_alone", "Release leaves alone those that the user has not locked.", releaseLeavesOthers},
	{"09_booking_is_not_released", "If the user has booked any of the seats, it fails with SeatBooked, naming those, and gives none back.", bookingNotReleased},
	{"09_release_reports_what_it_gave_back", "Changed are the seats that the operation changed: none that another user has, that is booked or whose lock expired.", releaseChanges},

	{"10_seat_limit", "SeatLimit counts the user's live locks and bookings in that event; over it, Lock takes nothing.", seatLimit},
	{"10_seat_limit_forgets_what_ran_out", "SeatLimit counts live locks.", limitAfterExpiry},
	{"10_seat_limit_forgets_what_was_released", "SeatLimit counts what the user has locked.", limitAfterRelease},
	{"10_seat_limit_counts_bookings", "SeatLimit counts bookings, for ever.", limitCountsBookings},
	{"10_seat_limit_is_per_event_and_user", "SeatLimit counts one user's seats in one event.", limitPerEvent},
	{"10_seat_limit_under_race", "SeatLimit holds whoever else calls.", limitRace},

	{"11_conflict_names_every_seat", "A failed call names every seat that stood in the way, and its state.", conflictNamesAll},
	{"11_booked_goes_before_locked", "Lock fails with SeatBooked if any seat is booked, else with SeatLocked, else with OverSeatLimit.", conflictOrder},
	{"11_bad_arguments_do_nothing", "Every call names 1 to MaxSeats different seats of the event and a valid user, else it fails and does nothing.", badArguments},

	{"12_full_list", "List with an empty Version is a full snapshot: every seat that is not available, in the order of Event.Seats.", fullList},
	{"12_delta_is_what_changed", "With a Version it is what changed since, released seats too, each seat once.", deltaIsWhatChanged},
	{"12_nothing_changed", "What changes nothing makes no entry.", nothingChanged},
	{"12_running_out_makes_no_entry", "Running out makes no entry; a lock whose Expires is not after Time is listed as Available.", runningOutNoEntry},
	{"12_unknown_version", "The list is full where the Version is none of the store's own.", unknownVersion},
	{"12_far_behind", "The list is full where the log no longer reaches back.", farBehind},
	{"12_list_sees_what_was_acknowledged", "List sees everything that was acknowledged before it began.", listSeesAcknowledged},
	{"12_versions_are_of_plain_characters", "A Version consists of 1 to MaxIDLen letters, digits, '_', '.' and '-'.", versionForm},

	{"13_wait_returns_when_beyond", "Wait returns nil when the event is beyond that Version, or is not known to have ever been at it.", waitBeyond},
	{"13_wait_is_woken", "Wait blocks until the event is beyond that Version.", waitIsWoken},
	{"13_wait_is_not_woken_by_nothing", "Wait returns when the event is beyond that Version; running out does not wake it.", waitNotWoken},
	{"13_wait_ends_with_the_context", "Wait returns the context's error.", waitEnds},

	{"14_ended_context_does_nothing", "An error of the context is returned when nothing was done.", endedContext},

	{"15_other_seats_are_refused", "An event that another process opened with other seats, or in another order, is refused before anything is written.", otherSeats},
	{"15_events_are_apart", "A store keeps any number of events.", eventsApart},
	{"15_events_of_one_layout_are_apart", "Any number of events may share a Layout.", eventsOfOneLayoutApart},

	{"16_slices_are_not_shared", "Slices passed in are not kept; slices returned are the caller's.", slicesNotShared},

}
