package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// A subject is a store with one thing wrong, as people get it wrong, and the
// cases that must notice.
type subject struct {
	store func() lockstore.LockStore
	fails []string // names of cases, or how they begin; nil: the store is right
}

var subjects = map[string]subject{
	"nothing_wrong_model":  {func() lockstore.LockStore { return newModel() }, nil},
	"nothing_wrong_memory": {func() lockstore.LockStore { return new(lockstore.Memory) }, nil},

	"confirm_ignores_expiry":     {wrap(confirmIgnoresExpiry), []string{"05_lock_runs_out", "06_confirm_just_in_time", "08_ran_out", "17_"}},
	"confirm_ignores_owner":      {wrap(confirmIgnoresOwner), []string{"01_many_users", "06_confirm_needs", "17_"}},
	"release_ignores_owner":      {wrap(releaseIgnoresOwner), []string{"09_release_leaves", "17_"}},
	"release_gives_back_booking": {wrap(releaseGivesBackBooking), []string{"09_booking_is_not_released", "17_"}},
	"lock_takes_part":            {wrap(lockTakesPart), []string{"02_lock_takes_all", "02_overlapping", "17_"}},
	"lock_checks_then_sets":      {wrap(lockChecksThenSets), []string{"01_many_users"}},
	"relock_extends":             {wrap(relockExtends), []string{"03_relock", "17_"}},
	"relock_fails":               {wrap(relockFails), []string{"03_relock", "17_"}},
	"owner_locks_own_booking":    {wrap(ownerLocksOwnBooking), []string{"04_lock_of_booked", "17_"}},
	"booking_expires":            {wrap(bookingExpires), []string{"07_booking", "17_"}},
	"ran_out_is_never_told":      {wrap(ranOutNeverTold), []string{"08_ran_out", "17_"}},
	"ran_out_is_never_forgotten": {wrap(ranOutNeverForgotten), []string{"08_ran_out_is_forgotten"}},
	"limit_off_by_one":           {wrap(limitOffByOne), []string{"10_seat_limit", "17_"}},
	"limit_forgets_bookings":     {wrap(limitForgetsBookings), []string{"10_seat_limit_counts_bookings"}},
	"limit_checks_then_sets":     {wrap(limitChecksThenSets), []string{"10_seat_limit_under_race"}},
	"conflict_names_the_first":   {wrap(conflictNamesFirst), []string{"11_conflict", "17_"}},
	"ids_fold_case":              {wrap(usersFoldCase), []string{"06_users"}},
	"delta_misses_release":       {wrap(deltaMissesRelease), []string{"12_delta", "17_"}},
	"delta_without_end":          {wrap(deltaOfAnyVersion), []string{"12_unknown_version"}},
	"list_shows_what_ran_out":    {wrap(listShowsWhatRanOut), []string{"12_running_out"}},
	"list_lags":                  {wrap(listLags), []string{"12_list_sees"}},
	"wait_misses_confirm":        {wrap(waitMissesConfirm), []string{"13_wait_is_woken"}},
	"wait_polls_in_vain":         {wrap(waitReturnsEarly), []string{"13_wait_is_not_woken"}},
	"other_seats_are_taken":      {wrap(otherSeatsTaken), []string{"15_other_seats"}},
	"events_share_seats":         {wrap(eventsShareSeats), []string{"15_events_are_apart"}},
	"ended_context_goes_on":      {wrap(endedContextGoesOn), []string{"14_"}},
}

// broken is the model with one of its calls replaced.
type broken struct {
	*model
	lock    func(context.Context, *lockstore.Event, []lockstore.SeatID, lockstore.UserID) (time.Time, error)
	confirm func(context.Context, *lockstore.Event, []lockstore.SeatID, lockstore.UserID) error
	release func(context.Context, *lockstore.Event, []lockstore.SeatID, lockstore.UserID) error
	list    func(context.Context, *lockstore.Event, lockstore.Version) (lockstore.Snapshot, error)
	wait    func(context.Context, *lockstore.Event, lockstore.Version) error
}

// wrap makes a model, which breakIt then breaks.
func wrap(breakIt func(*broken)) func() lockstore.LockStore {
	return func() lockstore.LockStore {
		m := newModel()
		b := &broken{m, m.Lock, m.Confirm, m.Release, m.List, m.Wait}
		breakIt(b)
		return b
	}
}

func (b *broken) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	return b.lock(ctx, ev, seats, user)
}

func (b *broken) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return b.confirm(ctx, ev, seats, user)
}

func (b *broken) Release(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return b.release(ctx, ev, seats, user)
}

func (b *broken) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	return b.list(ctx, ev, since)
}

func (b *broken) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	return b.wait(ctx, ev, since)
}

// each goes through all locks of an event.
func (b *broken) each(ev *lockstore.Event, f func(*modelLock)) {
	for _, seat := range ev.Seats {
		for _, l := range b.locks[place{ev.ID, seat}] {
			f(l)
		}
	}
}

// before and beforeLock run f, with the model's locks in hand, before a call
// that the model then answers well.

func (b *broken) before(call *func(context.Context, *lockstore.Event, []lockstore.SeatID, lockstore.UserID) error, f func(*lockstore.Event, []lockstore.SeatID, lockstore.UserID)) {
	well := *call
	*call = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
		b.mu.Lock()
		f(ev, seats, user)
		b.mu.Unlock()
		return well(ctx, ev, seats, user)
	}
}

func (b *broken) beforeLock(f func(*lockstore.Event, []lockstore.SeatID, lockstore.UserID)) {
	well := b.lock
	b.lock = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
		b.mu.Lock()
		f(ev, seats, user)
		b.mu.Unlock()
		return well(ctx, ev, seats, user)
	}
}

func confirmIgnoresExpiry(b *broken) {
	b.before(&b.confirm, func(ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) {
		for _, seat := range seats {
			if l := b.last(ev, seat, user); l != nil && !l.released && b.holder(ev, seat) == nil {
				l.expires = time.Now().Add(time.Second)
			}
		}
	})
}

func confirmIgnoresOwner(b *broken) {
	b.before(&b.confirm, func(ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) {
		for _, seat := range seats {
			if l := b.holder(ev, seat); l != nil {
				l.user = user
			}
		}
	})
}

func releaseIgnoresOwner(b *broken) {
	b.before(&b.release, func(ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) {
		for _, seat := range seats {
			if l := b.holder(ev, seat); l != nil && !l.booked {
				l.user = user
			}
		}
	})
}

func releaseGivesBackBooking(b *broken) {
	b.before(&b.release, func(ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) {
		for _, seat := range seats {
			if l := b.holder(ev, seat); l != nil && l.user == user {
				l.booked, l.expires = false, time.Now().Add(time.Second)
			}
		}
	})
}

func lockTakesPart(b *broken) {
	b.lock = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
		earliest := time.Now().Add(ev.LockTTL)
		for _, seat := range seats {
			expires, err := b.model.Lock(ctx, ev, []lockstore.SeatID{seat}, user)
			if err != nil {
				return time.Time{}, err
			}
			if expires.Before(earliest) {
				earliest = expires
			}
		}
		return earliest, nil
	}
}

func lockChecksThenSets(b *broken) {
	b.lock = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
		if len(seats) == 0 {
			return b.model.Lock(ctx, ev, seats, user)
		}
		b.mu.Lock()
		free := b.holder(ev, seats[0]) == nil
		b.mu.Unlock()
		time.Sleep(time.Nanosecond) // until everybody has checked
		if free {
			b.mu.Lock()
			for _, seat := range seats {
				if l := b.holder(ev, seat); l != nil {
					l.released = true
				}
			}
			b.mu.Unlock()
		}
		return b.model.Lock(ctx, ev, seats, user)
	}
}

func relockExtends(b *broken) {
	b.beforeLock(func(ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) {
		for _, seat := range seats {
			if l := b.holder(ev, seat); l != nil && l.user == user {
				l.expires = time.Now().Add(ev.LockTTL)
			}
		}
	})
}

func relockFails(b *broken) {
	b.lock = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
		if len(seats) == 0 {
			return b.model.Lock(ctx, ev, seats, user)
		}
		b.mu.Lock()
		taken := b.holder(ev, seats[0]) != nil
		state := b.state(ev, seats[0])
		b.mu.Unlock()
		if taken && state.Status == lockstore.Locked {
			return time.Time{}, &lockstore.ConflictError{Reason: lockstore.SeatLocked, Seats: []lockstore.Seat{state}}
		}
		return b.model.Lock(ctx, ev, seats, user)
	}
}

func ownerLocksOwnBooking(b *broken) {
	b.beforeLock(func(ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) {
		for _, seat := range seats {
			if l := b.holder(ev, seat); l != nil && l.user == user && l.booked {
				l.booked, l.expires = false, time.Now().Add(ev.LockTTL)
			}
		}
	})
}

func bookingExpires(b *broken) {
	b.beforeLock(func(ev *lockstore.Event, _ []lockstore.SeatID, _ lockstore.UserID) {
		b.each(ev, func(l *modelLock) { l.booked = l.booked && time.Now().Before(l.expires) })
	})
}

func ranOutNeverTold(b *broken) {
	b.before(&b.confirm, func(ev *lockstore.Event, _ []lockstore.SeatID, _ lockstore.UserID) {
		b.each(ev, func(l *modelLock) { l.released = l.released || !l.live() })
	})
}

func ranOutNeverForgotten(b *broken) {
	b.before(&b.confirm, func(ev *lockstore.Event, _ []lockstore.SeatID, _ lockstore.UserID) {
		b.each(ev, func(l *modelLock) {
			if recent := time.Now().Add(-time.Second); !l.live() && l.expires.Before(recent) {
				l.expires = recent
			}
		})
	})
}

func limitOffByOne(b *broken) {
	b.lock = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
		more := *ev
		if more.SeatLimit > 0 {
			more.SeatLimit++
		}
		return b.model.Lock(ctx, &more, seats, user)
	}
}

func limitForgetsBookings(b *broken) {
	b.lock = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
		more := *ev
		b.mu.Lock()
		b.each(ev, func(l *modelLock) {
			if more.SeatLimit > 0 && l.user == user && l.booked {
				more.SeatLimit++
			}
		})
		b.mu.Unlock()
		return b.model.Lock(ctx, &more, seats, user)
	}
}

func limitChecksThenSets(b *broken) {
	b.lock = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
		unlimited := *ev
		b.mu.Lock()
		if held := b.held(ev, user); held+len(seats) <= ev.SeatLimit {
			unlimited.SeatLimit = 0
		}
		b.mu.Unlock()
		time.Sleep(time.Nanosecond) // until everybody has checked
		return b.model.Lock(ctx, &unlimited, seats, user)
	}
}

func conflictNamesFirst(b *broken) {
	b.lock = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
		expires, err := b.model.Lock(ctx, ev, seats, user)
		if e, ok := errors.AsType[*lockstore.ConflictError](err); ok {
			e.Seats = e.Seats[:min(1, len(e.Seats))]
		}
		return expires, err
	}
}

func usersFoldCase(b *broken) {
	fold := func(user lockstore.UserID) lockstore.UserID {
		if user == "A" {
			return "a"
		}
		return user
	}
	well := b.confirm
	b.confirm = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
		return well(ctx, ev, seats, fold(user))
	}
}

func deltaMissesRelease(b *broken) {
	b.list = func(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
		snap, err := b.model.List(ctx, ev, since)
		snap.Seats = slices.DeleteFunc(snap.Seats, func(s lockstore.Seat) bool { return s.Status == lockstore.Available })
		return snap, err
	}
}

func deltaOfAnyVersion(b *broken) {
	b.list = func(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
		snap, err := b.model.List(ctx, ev, since)
		snap.Full = since == ""
		return snap, err
	}
}

func listShowsWhatRanOut(b *broken) {
	b.list = func(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
		snap, err := b.model.List(ctx, ev, since)
		for i, s := range snap.Seats {
			b.mu.Lock()
			for _, l := range b.locks[place{ev.ID, s.ID}] {
				if s.Status == lockstore.Available && !l.released {
					snap.Seats[i] = lockstore.Seat{ID: s.ID, Status: lockstore.Locked, Expires: l.expires}
				}
			}
			b.mu.Unlock()
		}
		return snap, err
	}
}

// listLags keeps a list for a moment, as a cache would.
func listLags(b *broken) {
	var mu sync.Mutex
	type kept struct {
		snap lockstore.Snapshot
		at   time.Time
	}
	lists := make(map[lockstore.EventID]kept)
	b.list = func(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
		mu.Lock()
		defer mu.Unlock()
		if k, ok := lists[ev.ID]; ok && since == "" && time.Since(k.at) < time.Millisecond {
			return k.snap, nil
		}
		snap, err := b.model.List(ctx, ev, since)
		if since == "" {
			lists[ev.ID] = kept{snap, time.Now()}
		}
		return snap, err
	}
}

func waitMissesConfirm(b *broken) {
	b.wait = func(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
		for v := since; ; {
			if err := b.model.Wait(ctx, ev, v); err != nil || since == "" {
				return err
			}
			b.mu.Lock()
			v = b.version(ev)
			confirmed := false
			b.each(ev, func(l *modelLock) { confirmed = confirmed || l.booked })
			b.mu.Unlock()
			if !confirmed {
				return nil
			}
		}
	}
}

func waitReturnsEarly(b *broken) {
	b.wait = func(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
		ctx, cancel := context.WithTimeout(ctx, ev.LockTTL)
		defer cancel()
		err := b.model.Wait(ctx, ev, since)
		if errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		return err
	}
}

func otherSeatsTaken(b *broken) {
	b.beforeLock(func(ev *lockstore.Event, _ []lockstore.SeatID, _ lockstore.UserID) {
		b.layout[ev.ID] = ev.Fingerprint()
	})
}

func eventsShareSeats(b *broken) {
	b.beforeLock(func(ev *lockstore.Event, seats []lockstore.SeatID, _ lockstore.UserID) {
		for at, locks := range b.locks {
			if here := (place{ev.ID, at.seat}); len(b.locks[here]) == 0 && slices.Contains(seats, at.seat) {
				b.locks[here] = locks
			}
		}
	})
}

func endedContextGoesOn(b *broken) {
	well := b.release
	b.release = func(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
		if err := well(context.WithoutCancel(ctx), ev, seats, user); err != nil {
			return err
		}
		return ctx.Err()
	}
}
