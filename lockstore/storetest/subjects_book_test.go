package storetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// bookSubjects are faults of extensions, references, bookings in one step, cancels,
// moves, blocks and bounds in time.
var bookSubjects = map[string]subject{
	"extend_revives":              {with(extendRevives), []string{"17_extend_revives", "00_"}},
	"extend_shortens":             {with(extendShortens), []string{"17_extend_never_shortens", "00_"}},
	"extend_passes_the_cap":       {with(extendPassesCap), []string{"17_extend_is_capped"}},
	"extend_forgets_its_cap":      {with(extendForgetsItsCap), []string{"17_extend_has_its_own_cap"}},
	"extend_makes_locks_anew":     {with(extendMakesAnew), []string{"17_extend_is_capped"}},
	"extend_is_no_change":         {with(isNotLogged(lockstore.KindExtend)), []string{"17_extend_moves", "13_wait_is_woken_by_each"}},
	"extend_takes_part":           {with(oneByOne(lockstore.KindExtend)), []string{"17_extend_revives", "00_"}},
	"confirm_loses_the_reference": {with(confirmLosesRef), []string{"18_confirm_keeps", "00_"}},
	"confirm_replaces_reference":  {with(confirmReplacesRef), []string{"18_confirm_with_another", "00_"}},
	"references_fold_case":        {with(refsFoldCase), []string{"18_references"}},
	"book_takes_part":             {with(oneByOne(lockstore.KindBook)), []string{"19_book_takes_all", "19_book_under_race", "00_"}},
	"book_has_a_limit":            {with(bookHasLimit), []string{"19_book_has_no_limit", "00_"}},
	"book_takes_blocked_seats":    {with(bookIgnoresBlocks), []string{"19_book_takes_all", "00_"}},
	"book_replaces_reference":     {with(bookReplacesRef), []string{"19_book_twice", "00_"}},
	"cancel_ignores_reference":    {with(cancelIgnoresRef), []string{"20_cancel_matches", "00_"}},
	"cancel_ignores_user":         {with(cancelIgnoresUser), []string{"20_cancel_matches", "00_"}},
	"cancel_frees_locks":          {with(cancelFreesLocks), []string{"20_cancel_leaves", "00_"}},
	"cancelled_lock_is_expired":   {with(leavesExpired(lockstore.KindCancel)), []string{"20_cancelled_seat"}},
	"move_leaves_both":            {with(moveLeavesBoth), []string{"20_move_moves"}},
	"move_leaves_neither":         {with(moveLeavesNeither), []string{"20_move_moves"}},
	"move_takes_locked_seats":     {with(moveTakesLocked), []string{"20_move_needs_room"}},
	"move_is_for_the_named_user":  {with(moveTakesPart), []string{"20_move_needs_the_booking"}},
	"not_after_is_ignored":        {with(notAfterIgnored), []string{"20_too_late", "20_cancel_is_final", "00_"}},
	"not_after_allows_its_moment": {with(notAfterInclusive), []string{"20_too_late"}},
	"not_after_is_of_the_queue":   {with(judgedInQueue(false)), []string{"20_cancel_is_final"}},
	"book_commits_after_cancel":   {with(judgedInQueue(true)), []string{"20_cancel_is_final"}},
	"conflicts_go_before_bounds":  {with(boundsLast), []string{"20_too_late_goes_before"}},
	"not_before_is_ignored":       {with(notBeforeIgnored), []string{"20_too_early", "00_"}},
	"block_swallows_locks":        {with(blockSwallowsLocks), []string{"21_block_touches", "00_"}},
	"block_changes_the_reason":    {with(blockChangesReason), []string{"21_block_twice", "00_"}},
	"blocked_seat_can_be_locked":  {with(lockIgnoresBlocks), []string{"21_block_takes", "21_lock_reasons", "00_"}},
	"block_forgets_what_expired":  {with(blockForgetsLapses), []string{"21_block_keeps"}},
	"unblock_frees_locks":         {with(unblockFreesLocks), []string{"21_unblock", "00_"}},
	"evict_frees_bookings":        {with(evictFreesBookings), []string{"21_evict_ends", "00_"}},
	"evict_ignores_user":          {with(evictIgnoresUser), []string{"21_evict_of_one", "00_"}},
	"evicted_lock_is_expired":     {with(leavesExpired(lockstore.KindEvict)), []string{"21_evicted", "00_"}},
}

var extendRevives = beforeSeats(lockstore.KindExtend, func(o *operation, s *engine.SeatState) {
	if s.User == o.op.User && !s.Booked && !live(*s, o.now) {
		s.Expires = o.now + 1
	}
})

var extendShortens = beforeSeats(lockstore.KindExtend, func(o *operation, s *engine.SeatState) {
	if until := o.op.Until.UnixMilli(); live(*s, o.now) && s.User == o.op.User && until > o.now {
		s.Expires = min(s.Expires, until)
	}
})

var extendPassesCap = before(lockstore.KindExtend, func(o *operation) { o.op.Cap = lockstore.MaxLockTTL })

var extendForgetsItsCap = before(lockstore.KindExtend, func(o *operation) { o.op.Cap = 0 })

var extendMakesAnew = beforeSeats(lockstore.KindExtend, func(o *operation, s *engine.SeatState) {
	if live(*s, o.now) {
		s.Since = o.now
	}
})

// isNotLogged leaves the changes of the kind out of the log.
func isNotLogged(kind lockstore.Kind) func(*broken) {
	return func(b *broken) {
		b.logged = func(o *operation, changed []int) []int {
			if o.op.Kind == kind {
				return nil
			}
			return changed
		}
	}
}

// oneByOne carries out operations of the kind seat by seat.
func oneByOne(kind lockstore.Kind) func(*broken) {
	return func(b *broken) {
		b.do = func(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
			if op.Kind != kind || len(op.Seats) == 0 {
				return b.base.Do(ctx, ev, op)
			}
			var all lockstore.Result
			for i, seat := range op.Seats {
				one := op
				one.Seats = []lockstore.SeatID{seat}
				got, err := b.base.Do(ctx, ev, one)
				if err != nil {
					return lockstore.Result{}, err
				}
				all.Now, all.Changed = got.Now, append(all.Changed, got.Changed...)
				if i == 0 || got.Expires.Before(all.Expires) {
					all.Expires = got.Expires
				}
			}
			return all, nil
		}
	}
}

var confirmLosesRef = before(lockstore.KindConfirm, func(o *operation) {
	o.edit(o.at, func(o *operation, s *engine.SeatState) {
		if s.Booked && s.User == o.op.User && s.Ref == "" {
			o.op.Ref = "" // a repeat is all right
		}
	})
	if !slices.ContainsFunc(o.at, func(p int) bool { return o.state.Seat(p).Booked }) {
		o.op.Ref = ""
	}
})

var confirmReplacesRef = beforeSeats(lockstore.KindConfirm, replaceRef)

var bookReplacesRef = beforeSeats(lockstore.KindBook, replaceRef)

func replaceRef(o *operation, s *engine.SeatState) {
	if s.Booked && s.User == o.op.User && o.op.Ref != "" {
		s.Ref = o.op.Ref
	}
}

var refsFoldCase = before(lockstore.KindCancel, func(o *operation) {
	o.op.Ref = lockstore.Ref(strings.ToLower(string(o.op.Ref)))
})

var bookHasLimit = before(lockstore.KindBook, func(o *operation) {
	has := 0
	for _, p := range o.all() {
		if s := o.state.Seat(p); s.User == o.op.User && (s.Booked || live(s, o.now)) {
			has++
		}
	}
	if limit := o.ev.SeatLimit; limit > 0 && has+len(o.at) > limit {
		o.op.NotAfter = time.UnixMilli(1)
	}
})

var bookIgnoresBlocks = before(lockstore.KindBook, func(o *operation) { o.op.Blocked = true })

var cancelIgnoresRef = before(lockstore.KindCancel, func(o *operation) {
	if o.op.User != "" {
		o.op.Ref = ""
	}
})

var cancelIgnoresUser = before(lockstore.KindCancel, func(o *operation) {
	if o.op.Ref != "" {
		o.op.User = ""
	}
})

var cancelFreesLocks = beforeSeats(lockstore.KindCancel, func(o *operation, s *engine.SeatState) {
	if live(*s, o.now) && s.User == o.op.User {
		s.Booked, s.Ref = true, o.op.Ref
	}
})

// leavesExpired makes the store treat what an operation of the kind ended as an expired
// lock.
func leavesExpired(kind lockstore.Kind) func(*broken) {
	return func(b *broken) {
		was := make(map[int]lockstore.UserID)
		b.before = func(o *operation) {
			clear(was)
			for _, p := range o.at {
				was[p] = o.state.Seat(p).User
			}
		}
		b.after = func(o *operation, r *lockstore.Result, err error) {
			if o.op.Kind != kind || err != nil {
				return
			}
			for _, seat := range r.Changed {
				p, _ := o.ev.Position(seat)
				o.state.SetSeat(p, engine.SeatState{User: was[p], Expires: o.now, Since: o.now})
			}
		}
	}
}

func moveLeavesBoth(b *broken) {
	b.after = func(o *operation, r *lockstore.Result, err error) {
		if n := len(o.op.Seats); o.op.Kind == lockstore.KindMove && err == nil && len(r.Changed) > 0 {
			for i, p := range o.at[:n] {
				o.state.SetSeat(p, o.state.Seat(o.at[n+i]))
			}
		}
	}
}

func moveLeavesNeither(b *broken) {
	b.after = func(o *operation, r *lockstore.Result, err error) {
		if n := len(o.op.Seats); o.op.Kind == lockstore.KindMove && err == nil && len(r.Changed) > 0 {
			for _, p := range o.at[n:] {
				o.state.SetSeat(p, engine.SeatState{})
			}
		}
	}
}

var moveTakesLocked = before(lockstore.KindMove, func(o *operation) {
	for i, p := range o.at[len(o.op.Seats):] {
		if live(o.state.Seat(p), o.now) && o.state.Seat(o.at[i]).Booked {
			o.state.SetSeat(p, engine.SeatState{})
		}
	}
})

// moveTakesPart moves those of the seats that can be moved.
var moveTakesPart = before(lockstore.KindMove, func(o *operation) {
	var from, to []lockstore.SeatID
	for i := range o.op.Seats {
		if s := o.state.Seat(o.at[i]); s.Booked && (o.op.User == "" || s.User == o.op.User) && (o.op.Ref == "" || s.Ref == o.op.Ref) {
			from, to = append(from, o.op.Seats[i]), append(to, o.op.To[i])
		}
	}
	if len(from) > 0 {
		o.op.Seats, o.op.To = from, to
		o.at, _ = o.ev.Positions(nil, &o.op)
	}
})

var blockSwallowsLocks = before(lockstore.KindBlock, func(o *operation) { o.op.Blocked = true })

var blockChangesReason = beforeSeats(lockstore.KindBlock, func(o *operation, s *engine.SeatState) {
	if s.Blocked {
		s.Ref = o.op.Ref
	}
})

var lockIgnoresBlocks = beforeSeats(lockstore.KindLock, func(_ *operation, s *engine.SeatState) { s.Blocked = false })

var blockForgetsLapses = beforeSeats(lockstore.KindBlock, func(o *operation, s *engine.SeatState) {
	if !s.Booked && !live(*s, o.now) {
		s.User, s.Expired = "", nil
	}
})

var unblockFreesLocks = beforeSeats(lockstore.KindUnblock, func(o *operation, s *engine.SeatState) {
	if live(*s, o.now) {
		*s = engine.SeatState{Blocked: true}
	}
})

var evictFreesBookings = beforeSeats(lockstore.KindEvict, func(o *operation, s *engine.SeatState) {
	if s.Booked {
		s.Booked, s.Expires = false, o.now+1
	}
})

var evictIgnoresUser = before(lockstore.KindEvict, func(o *operation) { o.op.User = "" })
