package payment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"seatlock/lockstore"
)

// A run is one worker's work on one order. It changes its own copy, which the next
// compare-and-set writes.
type run struct {
	*Payments
	ctx context.Context
	o   *Order
}

// next is the result of the work on an order in one stage.
type next struct {
	to    Stage         // empty: nothing more can be done now
	why   string        // for the history
	after time.Duration // when work is due again; 0 is the stage's own time
	rest  bool          // nothing more needs to be done now
}

// later postpones the next look at the order.
func (r *run) later(after time.Duration) (next, error) { return next{to: r.o.Stage, after: after}, nil }

// stay leaves the order as it is until it is due.
func stay() (next, error) { return next{}, nil }

// give makes the order give back everything that remains.
func (r *run) give(why string) (next, error) {
	r.o.startGiving(r.o.Seats, r.o.Amount-r.o.Refunded, false)
	return next{to: StageGivingBack, why: why}, nil
}

// missed reports whether the buyer should have paid by now.
func (r *run) missed() bool { return !r.clock.now().Before(r.o.PayBefore) }

// open opens the session. The buyer learns its address only once the order is open, so
// an order whose time is over is given back without opening a session.
func (r *run) open() (next, error) {
	if r.missed() {
		return r.give("the time to pay was over before the payment was opened")
	}
	s, err := r.provider.Open(r.ctx, r.o.request())
	switch {
	case errors.Is(err, ErrRefused):
		return r.give("the provider refused to open a payment: " + short(err))
	case errors.Is(err, ErrFailed): // it may be open, but will not be answered
		return r.give("the provider failed to open a payment: " + short(err))
	case err != nil:
		return next{}, err
	}
	if len(s.URL) > maxURL {
		return r.give(fmt.Sprintf("the provider's page has an address of %d bytes, and an order can have one of %d", len(s.URL), maxURL))
	}
	r.o.Session, r.o.PayURL, r.o.LookAt = s.ID, s.URL, r.nextLook()
	return next{to: StageOpen}, nil
}

// await checks whether the buyer has paid. After the deadline it closes the session
// first, so that nobody can pay any more.
func (r *run) await() (next, error) {
	for range 2 {
		p, err := r.fetch()
		if err != nil {
			return next{}, err
		}
		switch p.State {
		case Void:
			return r.give("the payment was not made, or failed")
		case Authorised, Captured:
			return r.paid(p)
		case Pending:
			return r.pending(p)
		}
		if !r.missed() {
			if r.clock.now().Before(r.o.LookAt) {
				return stay()
			}
			r.o.LookAt = r.nextLook()
			return next{to: StageOpen, rest: true}, nil
		}
		switch err := r.provider.Expire(r.ctx, r.o.Session); {
		case err == nil:
			r.o.expired = true
			return r.give("the time to pay was over")
		case !errors.Is(err, ErrComplete):
			return next{}, err
		}
	}
	return next{}, fmt.Errorf("payment: the session of order %s is complete and open at once", r.o.Order)
}

// nextLook returns when a worker checks again whether the buyer has paid, if there is
// no notice. Orders of the same minute are spread out, so that they are not all due at
// once.
func (r *run) nextLook() time.Time {
	return r.clock.now().Add(r.paced(lookPause/2 + rand.N(lookPause))).Truncate(time.Millisecond)
}

// paid begins to book the seats that were paid for.
func (r *run) paid(p Payment) (next, error) {
	r.o.Payment = p.ID
	if p.Terms.Amount != r.o.Amount || p.Terms.Currency != r.o.Currency {
		return r.give(fmt.Sprintf("the payment is of %d %s and not of %d %s", p.Terms.Amount, p.Terms.Currency, r.o.Amount, r.o.Currency))
	}
	r.openWindow(r.paced(bookingWindow))
	r.o.reserved = p.State == Authorised
	return next{to: StageBooking, why: "the payment is " + string(p.State)}, nil
}

// openWindow gives the order a window in which seats may be booked or moved for it. It
// ends later than all previous windows.
func (r *run) openWindow(long time.Duration) {
	until := r.clock.now().Add(long).Truncate(time.Millisecond)
	if !until.After(r.o.BookBefore) {
		until = r.o.BookBefore.Add(time.Millisecond)
	}
	r.o.BookBefore = until
}

// pending keeps the seats locked until the provider has decided on a payment that takes
// days.
func (r *run) pending(p Payment) (next, error) {
	r.o.Payment, r.o.Pending = p.ID, true
	ev, err := r.event(r.o.Event)
	if err != nil {
		return next{}, err
	}
	if until := p.Until.Add(r.margin); !p.Until.IsZero() {
		op := lockstore.Extend(r.o.User, until, r.o.Seats...)
		op.Cap, op.By = lockstore.MaxLockTTL, by
		// Seats that are lost now may be free again when the money comes.
		if _, err := r.do(ev, op); unknown(err) {
			return next{}, err
		}
	}
	return r.later(r.paced(pendingPause))
}

// book books the seats, whether locked or not, within the booking window.
func (r *run) book() (next, error) {
	if r.clock.now().Before(r.o.BookBefore) {
		ev, err := r.event(r.o.Event)
		if err != nil {
			return next{}, err
		}
		op := lockstore.Book(r.o.User, r.o.ref(), r.o.Seats...)
		op.NotAfter, op.By = r.o.BookBefore, by
		_, err = r.do(ev, op)
		switch {
		case err == nil:
			return next{to: StageBooked}, nil
		case errors.Is(err, lockstore.ErrTooLate):
			return stay() // the next run opens a new window
		case !isConflict(err):
			return next{}, err
		case r.o.Retake:
			r.o.startGiving(r.o.Seats, r.o.Amount-r.o.Refunded, false)
			return next{to: StageNeedsPerson, why: "the store has lost the seats, and others have them: " + short(err)}, nil
		}
		return r.give("the seats are gone: " + short(err))
	}
	p, err := r.fetch()
	switch {
	case err != nil:
		return next{}, err
	case p.State == Void:
		return r.give("the payment was given up or failed before the seats were booked")
	case p.State != Authorised && p.State != Captured:
		return next{}, fmt.Errorf("payment: the payment of order %s was made and is %s", r.o.Order, p.State)
	}
	r.openWindow(r.paced(bookingWindow))
	return next{to: StageBooking, why: "the booking took too long and is tried again"}, nil
}

// capture takes the money for booked seats.
func (r *run) capture() (next, error) {
	p, err := Payment{ID: r.o.Payment, State: Authorised}, error(nil)
	if !r.o.reserved {
		p, err = r.fetch()
	}
	if err != nil {
		return next{}, err
	}
	r.o.Payment, r.o.reserved = p.ID, false
	switch p.State {
	case Captured:
		return r.verify(false)
	case Void:
		return r.give("the payment was given up or failed before the money was taken")
	case Authorised:
	default:
		return next{}, fmt.Errorf("payment: the seats of order %s are booked and its payment is %s", r.o.Order, p.State)
	}
	err = r.provider.Capture(r.ctx, p.ID, fmt.Sprintf("%s-capture-%d", r.o.Order, r.o.Captures))
	refused, failed := errors.Is(err, ErrRefused), errors.Is(err, ErrFailed)
	switch {
	case err == nil:
		return r.verify(true)
	case !refused && !failed:
		return next{}, err
	}
	if p, fetchErr := r.fetch(); fetchErr != nil {
		return next{}, fetchErr
	} else if p.State == Captured {
		return r.verify(false)
	} else if failed && p.State == Authorised && r.o.Captures < maxAttempts {
		r.o.Captures++
		return next{to: StageBooked, why: "the provider failed to take the money: " + short(err), after: backoff(r.paced(capturePause), r.o.Captures)}, nil
	}
	return r.give("the money could not be taken: " + short(err))
}

// verify checks the seats once more before the order is paid. If the store has
// forgotten a decision, money that an earlier run or the provider took may have been
// paid back meanwhile.
func (r *run) verify(taken bool) (next, error) {
	if !taken && r.o.Amount > 0 {
		back, err := r.provider.Refunds(r.ctx, r.o.Payment)
		if err != nil {
			return next{}, err
		}
		if sum, _ := r.o.paidBack(back); sum > r.o.Refunded {
			return r.give("the money was paid back already")
		}
	}
	ev, err := r.event(r.o.Event)
	if err != nil {
		return next{}, err
	}
	there, err := r.booked(ev, r.o.Seats)
	switch {
	case err != nil:
		return next{}, err
	case there < len(r.o.Seats):
		return r.give("the seats were cancelled before the order was paid")
	}
	r.o.Retake = false
	return next{to: StagePaid, rest: true}, nil
}

// booked returns how many of the seats are booked for the order.
func (r *run) booked(ev *lockstore.Event, seats []lockstore.SeatID) (int, error) {
	_, all := r.seats.Roster(r.ctx, ev, lockstore.Filter{Seats: seats})
	n := 0
	for h, err := range all {
		if errors.Is(err, lockstore.ErrUnknownSeats) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		if h.Status == lockstore.Booked && h.Ref == r.o.ref() && h.User == r.o.User {
			n++
		}
	}
	return n, nil
}

// fetch returns the state of the order's payment. An amount of 0 counts as paid.
func (r *run) fetch() (Payment, error) {
	if r.o.Amount == 0 {
		return Payment{State: Captured, Terms: r.o.Terms}, nil
	}
	return r.provider.Fetch(r.ctx, r.o.Session)
}

// do carries out an operation, and learns the store's clock from the answer.
func (r *run) do(ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	asked := time.Now()
	result, err := r.seats.Do(r.ctx, ev, op)
	r.clock.learn(result.Now, asked)
	if errors.Is(err, lockstore.ErrTooLate) || errors.Is(err, lockstore.ErrTooEarly) {
		if err := r.learnTime(r.ctx, ev); err != nil {
			return result, err
		}
	}
	return result, err
}

// isConflict reports whether the store refused an operation, so that repeating it is
// useless as long as the seats do not change.
func isConflict(err error) bool {
	_, conflict := errors.AsType[*lockstore.ConflictError](err)
	return conflict || errors.Is(err, lockstore.ErrUnknownSeats) || errors.Is(err, lockstore.ErrInvalid)
}

// unknown reports whether an operation failed for a reason other than the seats.
func unknown(err error) bool { return err != nil && !isConflict(err) }

// short returns the text of an error for the history.
func short(err error) string { return clip(err.Error(), 200) }
