package payment

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"seatlock/lockstore"
)

// giveBack gives back the seats and then the money. The booking window must be over
// first, by the store's clock: a booking that began before could still take effect.
func (r *run) giveBack() (next, error) {
	if !r.o.Give.Keep {
		if err := r.cancel(); errors.Is(err, lockstore.ErrTooEarly) {
			return r.later(max(time.Second, r.cancelAt().Sub(r.clock.now())))
		} else if err != nil {
			return next{}, err
		}
	}
	if r.o.Amount == 0 {
		return r.given("", 0)
	}
	if r.o.Session == "" {
		// A worker may have opened the session without writing it down. Only a session
		// that is known can be closed, so it is opened again, with the same key.
		s, err := r.provider.Open(r.ctx, r.o.request())
		switch {
		case errors.Is(err, ErrRefused):
			return r.given("nothing was opened at the provider", 0)
		case errors.Is(err, ErrFailed):
			return r.later(failedPause)
		case err != nil:
			return next{}, err
		}
		r.o.Session = s.ID
	}
	for range 3 { // each look but the first follows a call that came too late
		p, err := r.fetch()
		if err != nil {
			return next{}, err
		}
		switch p.State {
		case Void:
			return r.given("", 0)
		case Pending:
			return r.later(pendingPause)
		case Captured:
			r.o.Payment = p.ID
			return r.refund()
		case Open:
			if err = r.provider.Expire(r.ctx, r.o.Session); errors.Is(err, ErrComplete) {
				continue
			}
		case Authorised:
			if err = r.provider.Void(r.ctx, p.ID); errors.Is(err, ErrRefused) {
				continue
			}
		default:
			err = fmt.Errorf("payment: the payment of order %s is in the unknown state %q", r.o.Order, p.State)
		}
		if err != nil {
			return next{}, err
		}
		return r.given("", 0)
	}
	return r.later(failedPause)
}

// cancel ends the bookings of the order. It fails with ErrTooEarly if a booking may
// still take effect.
func (r *run) cancel() error {
	if r.clock.now().Before(r.cancelAt()) {
		return lockstore.ErrTooEarly // which the store would answer, too
	}
	ev, err := r.event(r.o.Event)
	if err != nil {
		return err
	}
	seats := r.o.Give.Seats
	if r.o.Moving != nil {
		seats = union(seats, r.o.Moving.To)
	}
	// A later seat map has every seat that is booked.
	seats = slices.DeleteFunc(slices.Clone(seats), func(s lockstore.SeatID) bool { _, ok := ev.Position(s); return !ok })
	for part := range slices.Chunk(seats, lockstore.MaxSeats) {
		op := lockstore.Cancel("", r.o.ref(), part...)
		op.By, op.NotBefore = by, r.cancelAt()
		if _, err := r.do(ev, op); err != nil {
			return err
		}
	}
	return nil
}

// cancelAt returns from when on the bookings of the order can be cancelled; the zero
// time if nobody ever might book for it.
func (r *run) cancelAt() time.Time {
	if r.o.BookBefore.IsZero() {
		return time.Time{}
	}
	return r.o.BookBefore.Add(clockSkew)
}

// refund pays the money back, with a key of its own for each attempt.
func (r *run) refund() (next, error) {
	if r.o.Give.Amount == 0 {
		return r.given("", 0)
	}
	all, err := r.provider.Refunds(r.ctx, r.o.Payment)
	if err != nil {
		return next{}, err
	}
	if done, n, err := r.judge(all); done {
		return n, err
	}
	_, err = r.provider.Refund(r.ctx, r.o.Payment, r.o.Give.Amount, r.refundKey(r.o.Refunds))
	refused := errors.Is(err, ErrRefused) || errors.Is(err, ErrFailed)
	if err != nil && !refused {
		return next{}, err
	}
	if all, fetchErr := r.provider.Refunds(r.ctx, r.o.Payment); fetchErr != nil {
		return next{}, fetchErr
	} else if done, n, err := r.judge(all); done {
		return n, err
	}
	if !refused {
		return r.later(failedPause) // the provider does not list what it has just made
	}
	return r.nextAttempt(short(err))
}

// judge decides from the refunds that there are. It reports false if the current
// attempt has not been made.
func (r *run) judge(all []Refund) (bool, next, error) {
	var done, coming int64 // of all refunds, also those that others made
	pending, failed := false, false
	for _, f := range all {
		switch f.State {
		case RefundDone:
			done += f.Amount
		case RefundPending:
			coming += f.Amount
		}
		switch ours := r.o.isAttempt(f, r.o.Give.First); {
		case ours && f.State == RefundDone:
			n, err := r.given("", f.Amount)
			return true, n, err
		case ours && f.State == RefundPending:
			pending = true
		case ours && f.Key == r.refundKey(r.o.Refunds):
			failed = true
		}
	}
	switch {
	case done >= r.o.Amount:
		n, err := r.given("everything was paid back already", r.o.Amount-r.o.Refunded)
		return true, n, err
	case pending || done+coming >= r.o.Amount:
		n, err := r.later(refundPause)
		return true, n, err
	case failed:
		n, err := r.nextAttempt("the refund failed")
		return true, n, err
	}
	return false, next{}, nil
}

// isAttempt reports whether the refund is one of the order's attempts, from the given
// one to the current one.
func (o *Order) isAttempt(f Refund, first int) bool {
	for n := first; n <= o.Refunds; n++ {
		if f.Key == refundKey(o.Order, n) {
			return true
		}
	}
	return false
}

func (r *run) refundKey(n int) string { return refundKey(r.o.Order, n) }

func refundKey(id lockstore.OrderID, n int) string { return fmt.Sprintf("%s-refund-%d", id, n) }

// nextAttempt lets the refund be tried again with another key, or leaves it to a
// person.
func (r *run) nextAttempt(why string) (next, error) {
	tried := r.o.Refunds - r.o.Give.First + 1
	if tried >= maxAttempts {
		return next{to: StageNeedsPerson, why: fmt.Sprintf("%d refunds were tried: %s", tried, why)}, nil
	}
	r.o.Refunds++
	return next{to: StageGivingBack, why: why, after: backoff(failedPause, tried)}, nil
}

// given ends the giving back. The amount was paid back; it is 0 if none was taken.
func (r *run) given(why string, amount int64) (next, error) {
	give, o := r.o.Give, r.o
	o.Give = nil
	o.Refunded += amount
	left := o.Seats
	if give.Keep {
		o.Kept = union(o.Kept, give.Seats)
	} else {
		left = without(o.Seats, give.Seats)
	}
	switch {
	case len(left) > 0 && (!give.Keep || o.Refunded < o.Amount):
		o.Seats = left
		return next{to: StagePaid, why: cmp.Or(why, "a part was given back")}, nil
	case o.Refunded > 0:
		return next{to: StageRefunded, why: why}, nil
	}
	return next{to: StageClosed, why: why}, nil
}

func without(seats, gone []lockstore.SeatID) []lockstore.SeatID {
	return slices.DeleteFunc(slices.Clone(seats), func(s lockstore.SeatID) bool { return slices.Contains(gone, s) })
}

func union(a, b []lockstore.SeatID) []lockstore.SeatID {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
