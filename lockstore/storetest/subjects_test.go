package storetest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
	"seatlock/lockstore/memstore"
)

// A subject is a store, usually with one fault that people make, and the cases
// that must fail.
type subject struct {
	store func() lockstore.LockStore
	fails []string // names of cases, or prefixes of names; nil if the store is correct
}

// allSubjects returns every subject.
func allSubjects() map[string]subject {
	all := maps.Clone(subjects)
	maps.Copy(all, bookSubjects)
	maps.Copy(all, journalSubjects)
	return all
}

var subjects = map[string]subject{
	"nothing_wrong_base":   {with(func(*broken) {}), nil},
	"nothing_wrong_memory": {func() lockstore.LockStore { return new(memstore.Store) }, nil},
	"remembers_no_more":    {with(remembering(lockstore.MinSeatLapses, lockstore.MinUserLapses)), nil},

	"confirm_ignores_expiry":      {with(confirmIgnoresExpiry), []string{"05_lock_ends", "06_confirm_just_in_time", "08_expired", "00_"}},
	"confirm_ignores_owner":       {with(confirmIgnoresOwner), []string{"01_many_users", "06_confirm_needs", "00_"}},
	"release_ignores_owner":       {with(releaseIgnoresOwner), []string{"09_release_leaves", "00_"}},
	"release_gives_back_booking":  {with(releaseGivesBackBooking), []string{"09_booking_is_not_released", "00_"}},
	"lock_takes_part":             {with(lockTakesPart), []string{"02_lock_takes_all", "02_overlapping", "00_"}},
	"lock_checks_then_sets":       {with(lockChecksThenSets), []string{"01_many_users"}},
	"relock_extends":              {with(relockExtends), []string{"03_relock", "00_"}},
	"relock_fails":                {with(relockFails), []string{"03_relock", "00_"}},
	"owner_locks_own_booking":     {with(ownerLocksOwnBooking), []string{"04_lock_of_booked", "00_"}},
	"booking_expires":             {with(bookingExpires), []string{"07_booking", "00_"}},
	"expiry_is_never_reported":    {with(expiryNeverReported), []string{"08_expired", "00_"}},
	"expiry_is_never_forgotten":   {with(expiryNeverForgotten), []string{"08_expired_is_forgotten"}},
	"limit_off_by_one":            {with(limitOffByOne), []string{"10_seat_limit", "00_"}},
	"limit_forgets_bookings":      {with(limitForgetsBookings), []string{"10_seat_limit_counts_bookings"}},
	"limit_checks_then_sets":      {with(limitChecksThenSets), []string{"10_seat_limit_under_race"}},
	"conflict_names_the_first":    {with(conflictNamesFirst), []string{"11_conflict", "00_"}},
	"ids_fold_case":               {with(usersFoldCase), []string{"06_users"}},
	"delta_misses_release":        {with(deltaMissesRelease), []string{"12_delta", "00_"}},
	"delta_without_end":           {with(deltaOfAnyVersion), []string{"12_unknown_version"}},
	"list_shows_expired_locks":    {with(listShowsExpired), []string{"12_expiry"}},
	"list_lags":                   {with(listLags), []string{"12_list_sees"}},
	"wait_misses_confirm":         {with(waitMissesConfirm), []string{"13_wait_is_woken"}},
	"wait_polls_in_vain":          {with(waitReturnsEarly), []string{"13_wait_is_not_woken"}},
	"other_seats_are_taken":       {with(otherSeatsTaken), []string{"15_other_seats"}},
	"events_share_seats":          {with(eventsShareSeats), []string{"15_events_are_apart"}},
	"events_of_a_layout_are_one":  {with(eventsOfLayoutAreOne), []string{"15_events_of_one_layout"}},
	"ended_context_goes_on":       {with(endedContextGoesOn), []string{"14_"}},
	"release_reports_all":         {with(reportsAll(lockstore.KindRelease)), []string{"09_release_reports", "00_"}},
	"lock_reports_all":            {with(reportsAll(lockstore.KindLock)), []string{"03_lock_reports", "00_"}},
	"confirm_reports_all":         {with(reportsAll(lockstore.KindConfirm)), []string{"06_confirm_reports", "00_"}},
	"changes_are_not_reported":    {with(changesNotReported), []string{"03_lock_reports", "06_confirm_reports", "09_release_reports", "00_"}},
	"changes_are_in_layout_order": {with(changesInLayoutOrder), []string{"03_lock_reports", "00_"}},
	"changes_are_in_one_buffer":   {with(changesInOneBuffer), []string{"16_slices"}},
	"result_has_no_time":          {with(resultWithoutTime), []string{"05_result_has_the_time", "00_"}},
	"now_is_in_nanoseconds":       {with(nowInNanoseconds), []string{"05_result_has_the_time"}},
	"expires_is_in_nanoseconds":   {with(expiresInNanoseconds), []string{"05_result_has_the_time"}},
	"confirm_has_an_end":          {with(expiresOfOtherKinds), []string{"05_result_has_the_time", "00_"}},
	"lock_is_live_at_its_end":     {with(liveAtItsEnd), []string{"05_lock_is_over"}},
	"wait_ignores_ended_context":  {with(waitIgnoresContext), []string{"14_"}},
	"lock_time_is_of_the_first":   {with(lockTimeOfTheFirst), []string{"25_lock_time", "25_settings_under_race", "00_"}},
	"limit_is_of_the_first":       {with(limitOfTheFirst), []string{"25_seat_limit_is", "00_"}},
	"settings_are_events":         {with(eventsOfSettingsApart), []string{"25_", "00_"}},
	"retry_shortens":              {with(retryShortens), []string{"25_lock_time", "00_"}},
	"retry_answers_its_time":      {with(retryAnswersItsTime), []string{"25_lock_time", "00_"}},
	"lists_show_the_last_time":    {with(listsShowTheLastTime), []string{"25_lock_time", "00_"}},
	"a_seat_forgets_too_soon":     {with(remembering(lockstore.MinSeatLapses-1, lockstore.MinUserLapses)), []string{"26_last_locks_of_a_seat"}},
	"a_user_forgets_too_soon":     {with(remembering(lockstore.MinSeatLapses, lockstore.MinUserLapses-1)), []string{"26_last_locks_of_a_user"}},
}

var confirmIgnoresExpiry = beforeSeats(lockstore.KindConfirm, func(o *operation, s *engine.SeatState) {
	if s.User == o.op.User && !s.Booked {
		s.Expires = max(s.Expires, o.now+1000)
	}
})

var confirmIgnoresOwner = beforeSeats(lockstore.KindConfirm, func(o *operation, s *engine.SeatState) {
	if s.Booked || live(*s, o.now) {
		s.User = o.op.User
	}
})

var releaseIgnoresOwner = beforeSeats(lockstore.KindRelease, func(o *operation, s *engine.SeatState) {
	if live(*s, o.now) {
		s.User = o.op.User
	}
})

var releaseGivesBackBooking = beforeSeats(lockstore.KindRelease, func(o *operation, s *engine.SeatState) {
	if s.Booked && s.User == o.op.User {
		s.Booked, s.Expires = false, o.now+1000
	}
})

func lockTakesPart(b *broken) {
	b.do = func(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
		if op.Kind != lockstore.KindLock || len(op.Seats) == 0 {
			return b.base.Do(ctx, ev, op)
		}
		var all lockstore.Result
		for i, seat := range op.Seats {
			one, err := b.base.Do(ctx, ev, lockstore.Lock(op.User, seat))
			if err != nil {
				return lockstore.Result{}, err
			}
			all.Now, all.Changed = one.Now, append(all.Changed, one.Changed...)
			if i == 0 || one.Expires.Before(all.Expires) {
				all.Expires = one.Expires
			}
		}
		return all, nil
	}
}

func lockChecksThenSets(b *broken) {
	b.do = func(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
		at, err := ev.Positions(nil, &op)
		if op.Kind != lockstore.KindLock || err != nil {
			return b.base.Do(ctx, ev, op)
		}
		free := false
		b.look(ev, func(e *event) {
			first := e.state.Seat(at[0])
			free = !first.Booked && !live(first, now())
		})
		time.Sleep(time.Nanosecond) // until every caller has checked
		if free {
			b.look(ev, func(e *event) {
				for _, p := range at {
					e.state.SetSeat(p, engine.SeatState{})
				}
			})
		}
		return b.base.Do(ctx, ev, op)
	}
}

var relockExtends = beforeSeats(lockstore.KindLock, func(o *operation, s *engine.SeatState) {
	if live(*s, o.now) && s.User == o.op.User {
		s.Expires = o.now + o.ev.LockTTL.Milliseconds()
	}
})

var relockFails = before(lockstore.KindLock, func(o *operation) {
	if live(o.state.Seat(o.at[0]), o.now) {
		o.op.User += "'" // another user
	}
})

var ownerLocksOwnBooking = beforeSeats(lockstore.KindLock, func(o *operation, s *engine.SeatState) {
	if s.Booked && s.User == o.op.User {
		s.Booked, s.Expires = false, o.now+o.ev.LockTTL.Milliseconds()
	}
})

// bookingExpires keeps a booking for as long as a lock.
var bookingExpires = before(lockstore.KindLock, func(o *operation) {
	o.edit(o.all(), func(o *operation, s *engine.SeatState) {
		s.Expires = s.Since + o.ev.LockTTL.Milliseconds()
		s.Booked = s.Booked && o.now < s.Expires
	})
})

var expiryNeverReported = before(lockstore.KindConfirm, func(o *operation) {
	o.edit(o.all(), func(o *operation, s *engine.SeatState) {
		s.Expired = nil
		if !s.Booked && !live(*s, o.now) {
			s.User = ""
		}
	})
})

var expiryNeverForgotten = before(lockstore.KindConfirm, func(o *operation) {
	o.edit(o.all(), func(o *operation, s *engine.SeatState) {
		recent := o.now - 1000
		if s.User != "" && !s.Booked && !live(*s, o.now) {
			s.Expires = max(s.Expires, recent)
		}
		for i := range s.Expired {
			s.Expired[i].Expires = max(s.Expired[i].Expires, recent)
		}
	})
})

var limitOffByOne = before(lockstore.KindLock, func(o *operation) {
	if o.ev.SeatLimit > 0 {
		o.ev.SeatLimit++
	}
})

var limitForgetsBookings = before(lockstore.KindLock, func(o *operation) {
	for _, p := range o.all() {
		if s := o.state.Seat(p); o.ev.SeatLimit > 0 && s.Booked && s.User == o.op.User {
			o.ev.SeatLimit++
		}
	}
})

func limitChecksThenSets(b *broken) {
	b.do = func(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
		unlimited := *ev
		if op.Kind == lockstore.KindLock {
			more := len(op.Seats)
			b.look(ev, func(e *event) {
				for _, p := range e.all() {
					if s := e.state.Seat(p); s.User == op.User && (s.Booked || live(s, now())) {
						more++
					}
				}
			})
			if more <= ev.SeatLimit {
				unlimited.SeatLimit = 0
			}
			time.Sleep(time.Nanosecond) // until every caller has checked
		}
		return b.base.Do(ctx, &unlimited, op)
	}
}

func conflictNamesFirst(b *broken) {
	b.after = func(_ *operation, _ *lockstore.Result, err error) {
		if e, ok := errors.AsType[*lockstore.ConflictError](err); ok {
			e.Seats = e.Seats[:min(1, len(e.Seats))]
		}
	}
}

var usersFoldCase = before(lockstore.KindConfirm, func(o *operation) {
	if o.op.User == "A" {
		o.op.User = "a"
	}
})

// otherSeatsTaken lets a Lock replace the layout.
func otherSeatsTaken(b *broken) {
	b.do = func(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
		b.mu.Lock()
		if e := b.events[ev.ID]; e != nil && op.Kind == lockstore.KindLock && e.state.Layout().Fingerprint() != ev.Fingerprint() {
			moved := engine.New(ev.Layout)
			for p, seat := range ev.Seats {
				if was, ok := e.state.Layout().Position(seat); ok {
					moved.SetSeat(p, e.state.Seat(was))
				}
			}
			e.state = moved
		}
		b.mu.Unlock()
		return b.base.Do(ctx, ev, op)
	}
}

func eventsShareSeats(b *broken) {
	b.before = func(o *operation) {
		for _, other := range b.events {
			for _, p := range o.at {
				there, ok := other.state.Layout().Position(o.ev.Seats[p])
				if ok && o.op.Kind == lockstore.KindLock && o.state.Seat(p).User == "" {
					o.state.SetSeat(p, other.state.Seat(there))
				}
			}
		}
	}
}

func eventsOfLayoutAreOne(b *broken) {
	b.key = func(ev *lockstore.Event) lockstore.EventID { return lockstore.EventID(ev.Fingerprint()) }
}

func endedContextGoesOn(b *broken) {
	b.do = func(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
		if op.Kind != lockstore.KindRelease {
			return b.base.Do(ctx, ev, op)
		}
		result, err := b.base.Do(context.WithoutCancel(ctx), ev, op)
		return result, cmp.Or(err, ctx.Err())
	}
}
