package storetest

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
	fullAnyway  = "The snapshot is also full if the Version is far behind, if the store's log no longer reaches back that far, or if the log does not have the Version"
	ofTheCall   = "Event.LockTTL, Event.MaxLock and Event.SeatLimit apply to the call alone. What a call answers and what lists show afterwards agree, whatever other processes or earlier runs had set for the event."
	movesEnds   = "Each lock's end becomes the later of what it is and Op.Until, which is a time on the store's clock, so that a retry gains nothing."
	capsEnds    = "No end is moved beyond Op.Cap after the lock was made, or Event.MaxLock if Op.Cap is zero. A bound that takes effect is no error: Result.Expires has the end."
	revives     = "A lock is never shortened, and one that has expired is not revived. On every seat the user needs a live lock."
	keepsRef    = "KindConfirm books the seats for the user, with Op.Ref as the bookings' reference. A booking never expires, and its reference never changes."
	books       = "KindBook locks and confirms in one step, without a seat limit. Each seat must be available, or locked by the user, or booked by the user with Op.Ref already (an empty one matches any), or blocked if Op.Blocked is set. Else the op fails as a lock does."
	cancels     = "KindCancel ends the bookings of Op.User with the reference Op.Ref and leaves all other seats alone: a second cancel succeeds and changes nothing. At least one of them must be given; an empty one matches any."
	moves       = "KindMove makes the booked seats Op.Seats available and books Op.To in their place, each for the same user and with the same reference as the seat at the same index of Op.Seats."
	blocks      = "KindBlock takes available seats out of sale."
	evicts      = "KindEvict ends the locks on the seats, or only those of Op.User if it is given, and leaves all other seats alone."
	tooLateRule = "The store compares it with its clock when it carries out the operation, not when it received it: at NotAfter and later it does nothing and fails with ErrTooLate, even if it had nothing left to do."
	entered     = "There is an entry for each operation that booked, cancelled, moved, blocked, unblocked or evicted any seat, and for each extension with Op.By that changed any."
	rostered    = "Roster returns every seat that the filter chooses and that is not available, in the order of the layout."
	fixesLayout = "The first change of a seat fixes the layout of its event. From then on the store refuses an event with other seats, or with the same seats in another order, with ErrOtherSeats, before it writes anything."
	replaces    = "The first call with it replaces the layout if it has every seat that is locked or booked; else the call fails with a *MissingSeatsError, and the old layout stays."
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
	{"05_lock_for_another_time", untilTTL, lockFor},
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

	{"11_unused_fields_do_nothing", "Each Kind says which of the fields it uses; the others must be zero, except NotAfter and By, which any operation may have.", badFields},

	{"12_full_list", "List returns a full, atomic snapshot if since is empty. … Full reports whether Seats is complete: every seat that is not available. … Seats is in the order of the layout", fullList},
	{"12_delta_is_what_changed", "Otherwise Seats is a delta: every seat that has changed since the Version that was asked for, seats that became Available included. … each seat at most once.", deltaIsWhatChanged},
	{"12_delta_has_each_kind", "Otherwise Seats is a delta: every seat that has changed since the Version that was asked for, seats that became Available included.", deltaHasEachKind},
	{"12_nothing_changed", "Otherwise it returns what has changed since that Version.", nothingChanged},
	{"12_expiry_is_no_change", "An expiry is not a change … A lock whose end is not after Now is listed as Available.", expiryNoChange},
	{"12_unknown_version", fullAnyway, unknownVersion},
	{"12_far_behind", fullAnyway, farBehind},
	{"12_list_sees_what_was_acknowledged", "List sees every change that was acknowledged before the call began.", listSeesAcknowledged},
	{"12_versions_are_of_plain_characters", "It consists of 1 to MaxIDLen letters, digits, '_', '.' and '-'.", versionForm},

	{"13_wait_returns_when_past", "It returns nil at once if the store does not know the event to have been at that Version.", waitPast},
	{"13_wait_is_woken", waits, waitIsWoken},
	{"13_wait_is_woken_by_each_kind", waits, waitIsWokenByEach},
	{"13_wait_is_not_woken_by_nothing", waits + " … An expiry does not end the wait.", waitNotWoken},
	{"13_wait_ends_with_the_context", waits, waitEnds},

	{"14_ended_context_does_nothing", "An error of the context is returned as it is, and only when nothing was done.", endedContext},

	{"15_other_seats_are_refused", fixesLayout, otherSeats},
	{"15_events_are_apart", "A LockStore keeps the locks and bookings of any number of events.", eventsApart},
	{"15_events_of_one_layout_are_apart", "Any number of events may share it.", eventsOfOneLayoutApart},

	{"16_slices_are_not_shared", "A store keeps no slice that is passed to it, and the slices that it returns belong to the caller.", slicesNotShared},
	{"16_slices_of_entries_are_not_shared", "A store keeps no slice that is passed to it, and the slices that it returns belong to the caller.", slicesOfEntries},

	{"17_extend_moves_the_end", movesEnds, extendMovesEnds},
	{"17_extend_twice_gives_nothing_more", movesEnds, extendTwice},
	{"17_extend_takes_the_later_end", movesEnds, extendLaterOfBoth},
	{"17_extend_never_shortens", revives, extendNeverShortens},
	{"17_extend_is_capped", capsEnds, extendIsCapped},
	{"17_extend_has_its_own_cap", capsEnds + " … " + ofTheCall, extendHasItsCap},
	{"17_extend_cap_counts_from_the_lock", capsEnds, extendCapOfNewLock},
	{"17_extend_revives_nothing", revives, extendRevivesNothing},
	{"17_extend_of_a_booking_fails", "The op fails with SeatBooked if the user has booked any of the seats, and else as a confirm does.", extendOfBooking},
	{"17_extend_counts_for_the_limit", seatLimits, extendCounts},
	{"17_extended_lock_is_remembered", lockExpired, extendedIsRemembered},

	{"18_confirm_keeps_the_reference", keepsRef + " … An empty Op.Ref matches a booking with any reference.", confirmKeepsRef},
	{"18_confirm_with_another_reference_fails", "The op fails with SeatBooked if the user has booked any of the seats with another reference.", confirmOtherRef},
	{"18_confirm_reasons", "The op fails with SeatBooked if the user has booked any of the seats with another reference. " + lockExpired, confirmReasons},
	{"18_references_are_compared_exactly", keepsRef, refsApart},

	{"19_book_takes_seats", books, bookTakes},
	{"19_book_twice", books, bookTwice},
	{"19_book_takes_all_or_none", books + " … " + allOrNone, bookAllOrNone},
	{"19_book_has_no_limit", books, bookHasNoLimit},
	{"19_book_of_blocked_seats", books, bookBlockedSeats},
	{"19_book_under_race", asAWhole, bookRace},

	{"20_cancel_matches_user_and_reference", cancels, cancelMatches},
	{"20_cancel_twice", cancels, cancelTwice},
	{"20_cancel_leaves_others_alone", cancels, cancelLeavesOthers},
	{"20_cancelled_seat_is_available", cancels, cancelledIsAvailable},
	{"20_cancel_under_race", asAWhole, cancelRace},
	{"20_move_moves", moves + " … Result.Changed is the seats of Op.Seats and then those of Op.To.", moveMoves},
	{"20_move_twice", "If no seat of Op.Seats is such a booking and every seat of Op.To is, the op was carried out before: it succeeds and changes nothing.", moveTwice},
	{"20_move_needs_the_booking", "The op fails with NotBooked if any seat of Op.Seats is not such a booking, and names those", moveNeedsBooking},
	{"20_move_needs_room", "Each seat of Op.To must be available, or locked by the user who gets it. … else as a lock does, and names seats of Op.To.", moveNeedsRoom},
	{"20_move_is_like_cancel_and_book", moves, moveIsLikeCancelAndBook},
	{"20_move_under_race", asAWhole, moveRace},
	{"20_too_late", tooLateRule, tooLate},
	{"20_too_late_goes_before_conflicts", tooLateRule, tooLateFirst},
	{"20_too_early", "NotBefore delays a cancel: before that time on its clock, the store does nothing and fails with ErrTooEarly.", tooEarly},
	{"20_cancel_is_final", "Once a cancel has succeeded, no operation on its seats with a NotAfter of that time or earlier takes effect, even one that began before.", cancelIsFinal},

	{"21_block_takes_out_of_sale", blocks, blockTakesOutOfSale},
	{"21_block_twice", "A seat that is blocked already keeps its first reason.", blockTwice},
	{"21_block_touches_no_lock_and_no_booking", "The op fails with SeatBooked or else SeatLocked if any seat is booked or locked, and names all of these.", blockTouchesNothing},
	{"21_block_evicts", "If Op.Blocked is set, it ends the locks first, as KindEvict does.", blockEvicts},
	{"21_block_keeps_what_expired", lockExpired, blockKeepsLapses},
	{"21_unblock_leaves_others_alone", "KindUnblock puts blocked seats back on sale and leaves all others alone.", unblockLeavesOthers},
	{"21_lock_reasons", "else with SeatLocked if another user has a lock on any; else with SeatBlocked if any is blocked; else with OverSeatLimit", lockReasons},
	{"21_evict_ends_locks", evicts, evictEndsLocks},
	{"21_evict_of_one_user", evicts, evictOfUser},
	{"21_evicted_lock_is_released", "To its user such a lock is one that was released, not one that expired.", evictedIsReleased},

	{"22_journal_has_each_kind", entered, journalHasEachKind},
	{"22_journal_has_what_changed", entered, journalHasWhatChanged},
	{"22_journal_has_nothing_else", entered, journalHasNothingElse},
	{"22_journal_in_pages", "Journal returns up to limit entries, 1 to MaxEntries, from the first one after the given Seq; none if there are no more yet. … ID is different for every entry of every event.", journalInPages},
	{"22_journal_is_kept", "Entries are kept for good.", journalIsKept},
	{"22_journals_are_apart", "An Entry is one operation in the journal of an event. … ID is different for every entry of every event.", journalOfEvents},
	{"22_journal_refuses", "It fails with ErrJournalReset if the journal does not have the Seq.", journalRefuses},
	{"22_journal_under_race", "Journal sees, exactly once, every entry of an operation that was acknowledged before the call began. If one operation ended before another began, or both name a seat, their entries are in that order. A reader that continues from the last Seq misses no entry.", journalUnderRace},

	{"23_roster_shows_who_has_what", rostered, rosterShowsWhoHasWhat},
	{"23_roster_has_times", "when it was locked, booked or blocked; zero if the store does not know … when the lock ends; zero unless Status is Locked", rosterHasTimes},
	{"23_roster_of_a_user", rostered, rosterOfUser},
	{"23_roster_of_seats", rostered, rosterOfSeats},
	{"23_roster_follows_each_kind", rostered, rosterFollows},
	{"23_roster_refuses", "It is empty if the first pair that the iterator yields has an error. An error ends the iteration.", rosterRefuses},
	{"23_roster_meets_journal", "The Seq is the journal's from before the first of those moments, so the entries after it correct what was booked, cancelled or moved meanwhile.", rosterMeetsJournal},
	{"23_roster_misses_nothing", "Each seat is as it was at some moment during the iteration.", rosterMissesNothing},
	{"23_roster_can_be_left", "Between two pages no connection, lock or transaction is held", rosterCanBeLeft},

	{"24_layout_is_open_before_the_first_change", "Before it is fixed, a layout of the same or a higher Revision replaces it.", layoutIsOpen},
	{"24_layout_is_fixed_by_the_first_change", fixesLayout, layoutIsFixed},
	{"24_revision_replaces_the_layout", replaces + " … Calls with the old layout fail with ErrOtherSeats from then on, and none of them takes effect on another seat. Seats, users and journal go by seat ids, so nothing else changes, but no Version is known any more.", revisionReplaces},
	{"24_revision_of_the_same_seats", "A higher Revision of the same seats in the same order is recorded and changes nothing else: calls with the lower one go on.", revisionOfSameSeats},
	{"24_revision_of_another_order", replaces, revisionOfAnotherOrder},
	{"24_revision_lacks_seats", replaces, revisionLacksSeats},
	{"24_revision_forgets_blocked_seats", "A blocked seat may be missing and is then forgotten.", revisionForgetsBlocks},
	{"24_revision_during_sale", "none of them takes effect on another seat.", revisionDuringSale},

	{"25_lock_time_is_of_the_call", ofTheCall, lockTimeOfTheCall},
	{"25_seat_limit_is_of_the_call", ofTheCall, seatLimitOfTheCall},
	{"25_seat_limit_counts_all_locks", ofTheCall, limitCountsAllLocks},
	{"25_settings_under_race", ofTheCall, settingsUnderRace},
	{"25_limits_under_race", ofTheCall, limitsUnderRace},

	{"26_last_locks_of_a_seat_are_remembered", remembers, rememberedOnSeat},
	{"26_last_locks_of_a_user_are_remembered", remembers, rememberedOfUser},
}
