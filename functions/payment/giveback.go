package payment

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"seatlock/lockstore"
)

// giveBack gives back the seats and then the money. The booking window must have ended
// by the store's clock: a booking that began earlier could still take effect.
func (r *run) giveBack() (next, error) {
	if !r.o.Give.Keep {
		if err := r.cancel(); errors.Is(err, lockstore.ErrTooEarly) {
			return r.later(max(r.paced(time.Second), r.cancelAt().Sub(r.clock.now())))
		} else if err != nil {
			return next{}, err
		}
	}
	if r.o.Amount == 0 || r.o.expired {
		return r.given("", 0)
	}
	if r.o.Session == "" {
		// A worker may have opened the session without recording it. Only a known
		// session can be closed, so open it again with the same key.
		s, err := r.provider.Open(r.ctx, r.o.request())
		switch {
		case errors.Is(err, ErrRefused):
			return r.given("nothing was opened at the provider", 0)
		case errors.Is(err, ErrFailed):
			return r.later(r.paced(failedPause))
		case err != nil:
			return next{}, err
		}
		r.o.Session = s.ID
	}
	for range 3 { // every further look follows a call that came too late
		p, err := r.fetch()
		if err != nil {
			return next{}, err
		}
		switch p.State {
		case Void:
			return r.given("", 0)
		case Pending:
			return r.later(r.paced(pendingPause))
		case Captured:
			r.adopt(p)
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
	return r.later(r.paced(failedPause))
}

// adopt records the payment. If its amount differs from the order's, such as with a tip
// or in another currency, all of it is given back.
func (r *run) adopt(p Payment) {
	o := r.o
	o.Payment = p.ID
	if p.Terms.Amount > 0 && o.Refunded == 0 && o.Give.Amount == o.Amount {
		o.Amount, o.Currency, o.Give.Amount = p.Terms.Amount, p.Terms.Currency, p.Terms.Amount
	}
}

// cancel ends the bookings of the order. It fails with ErrTooEarly if a booking may
// still take effect, which the store decides by its own clock.
func (r *run) cancel() error {
	seats := r.o.Give.Seats
	if r.o.Moving != nil {
		seats = union(seats, r.o.Moving.To)
	}
	return r.cancelOf(r.o.ref(), seats)
}

// barrier fails with ErrTooEarly until no booking or move that was begun for the order
// can take effect any more.
func (r *run) barrier(seats []lockstore.SeatID) error {
	return r.cancelOf(nobody, seats) // ends nothing, but waits as every cancel does
}

// nobody is a reference that no booking has: the ids of orders have no dot.
const nobody lockstore.Ref = "no.booking"

func (r *run) cancelOf(ref lockstore.Ref, seats []lockstore.SeatID) error {
	ev, err := r.event(r.o.Event)
	if err != nil {
		return err
	}
	// A later seat map has all booked seats.
	seats = slices.DeleteFunc(slices.Clone(seats), func(s lockstore.SeatID) bool { _, ok := ev.Position(s); return !ok })
	for part := range slices.Chunk(seats, lockstore.MaxSeats) {
		op := lockstore.Cancel("", ref, part...)
		op.By, op.NotBefore = by, r.cancelAt()
		if _, err := r.do(ev, op); err != nil {
			return err
		}
	}
	return nil
}

// cancelAt returns the time from which the bookings of the order can be cancelled, or
// the zero time if no booking was ever begun.
func (r *run) cancelAt() time.Time {
	if r.o.BookBefore.IsZero() {
		return time.Time{}
	}
	return r.o.BookBefore.Add(r.paced(clockSkew))
}

// refund pays the money back, with a key of its own for each attempt.
func (r *run) refund() (next, error) {
	if r.o.Give.Amount <= 0 {
		return r.given("", 0)
	}
	all, err := r.provider.Refunds(r.ctx, r.o.Payment)
	if err != nil {
		return next{}, err
	}
	if done, n, err := r.judge(all); done {
		return n, err
	}
	done, _, _ := r.o.attempts(all)
	_, err = r.provider.Refund(r.ctx, r.o.Payment, r.o.Give.Amount-done, r.refundKey(r.o.Refunds))
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
		return r.later(r.paced(failedPause)) // the provider does not list the refund that it has just made
	}
	return r.nextAttempt(short(err))
}

// judge decides on the basis of the existing refunds. It returns false if the current
// attempt has not been made.
//
// If the store has lost a refund, its key is used again. What that refund paid back
// counts towards what is being given back, and is rarely the same amount.
func (r *run) judge(all []Refund) (bool, next, error) {
	o := r.o
	o.Refunds = o.newestAttempt(all)
	done, coming, current := o.attempts(all)
	var n next
	var err error
	switch back, outside := o.paidBack(all); {
	case back-done-coming > o.Refunded: // by somebody else, or by an earlier attempt that took effect late
		o.Refunded, o.Outside = back-done-coming, outside
		o.Give.Amount = min(o.Give.Amount, o.Amount-o.Refunded)
		n = next{to: StageGivingBack, why: fmt.Sprintf("%d were paid back already", o.Refunded)}
	case coming > 0:
		n, err = r.later(r.paced(refundPause))
	case done > o.Give.Amount:
		n, err = r.givenMore(done)
	case done == o.Give.Amount:
		n, err = r.given("", done)
	case current == RefundFailed:
		n, err = r.nextAttempt("the refund failed")
	case current == RefundDone:
		o.Refunds++
		n = next{to: StageGivingBack, why: fmt.Sprintf("%d of %d were paid back in refunds that the store has lost, and the rest follows", done, o.Give.Amount)}
	default:
		return false, next{}, nil
	}
	return true, n, err
}

// newestAttempt returns the number of the newest existing attempt, which is higher than
// the current one if the store has lost several. All of them must count as attempts at
// once: one that counted as somebody else's refund first would count again when its
// number becomes current. A failed attempt need not be listed, so numbers may be
// missing.
func (o *Order) newestAttempt(all []Refund) int {
	newest := o.Refunds
	for n := o.Refunds + 1; n <= o.Refunds+maxAttempts*2; n++ {
		if slices.ContainsFunc(all, func(f Refund) bool { return f.Key == refundKey(o.Order, n) }) {
			newest = n
		}
	}
	return newest
}

// attempts returns what the attempts at the current refund have paid back, what they
// have under way, and the state of the latest attempt, or "" if that has not been made.
func (o *Order) attempts(all []Refund) (done, coming int64, current RefundState) {
	for _, f := range all {
		if !o.isAttempt(f, o.Give.First) {
			continue
		}
		switch f.State {
		case RefundDone:
			done += f.Amount
		case RefundPending:
			coming += f.Amount
		}
		if f.Key == refundKey(o.Order, o.Refunds) {
			current = f.State
		}
	}
	return done, coming, current
}

// paidBack returns the sum of all refunds that have not failed, and the part of it that
// this program did not ask for.
func (o *Order) paidBack(all []Refund) (sum, outside int64) {
	for _, f := range all {
		if f.State == RefundFailed {
			continue
		}
		sum += f.Amount
		if !o.isAttempt(f, 1) {
			outside += f.Amount
		}
	}
	return sum, outside
}

// isAttempt reports whether the refund is one of the order's attempts, from number
// first to the current one.
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

// nextAttempt schedules the refund with another key, or leaves it to a person.
func (r *run) nextAttempt(why string) (next, error) {
	r.o.Give.Tried++
	tried := r.o.Give.Tried
	if tried >= maxAttempts {
		return next{to: StageNeedsPerson, why: fmt.Sprintf("%d refunds were tried: %s", tried, why)}, nil
	}
	r.o.Refunds++
	return next{to: StageGivingBack, why: why, after: backoff(r.paced(failedPause), tried)}, nil
}

// given ends the giving back. amount was paid back; it is 0 if nothing was taken.
func (r *run) given(why string, amount int64) (next, error) {
	o, give := r.o, r.o.Give
	o.Give, o.Moving = nil, nil
	o.Refunded += amount
	var left []lockstore.SeatID // seats that the buyer still has
	switch {
	case give.Ended && !o.KeepsSeats:
	case give.Keep:
		left = o.Seats
		o.share(give.Seats, amount)
	default:
		left = without(o.Seats, give.Seats)
	}
	o.PaidBack = slices.DeleteFunc(slices.Clone(o.PaidBack), func(a SeatAmount) bool { return !slices.Contains(left, a.Seat) })
	if o.Refunded > 0 {
		o.LookAt, o.Looks = r.clock.now().Add(lookAgain[0]), 0
	}
	switch {
	case o.GiveAll && len(left) > 0:
		o.GiveAll = false
		o.Seats = left
		o.startGiving(left, o.Amount-o.Refunded, false)
		return next{to: StageGivingBack, why: "a part was given back, and everything is to be"}, nil
	case len(left) > 0 && (o.Refunded < o.Amount || o.Amount == 0):
		o.Seats = left
		return next{to: StagePaid, why: cmp.Or(why, "a part was given back"), rest: true}, nil
	case len(left) > 0:
		o.Seats = left
	}
	o.GiveAll = false
	o.KeepsSeats = len(left) > 0
	if o.Refunded > 0 {
		return next{to: StageRefunded, why: why, rest: true}, nil
	}
	return next{to: StageClosed, why: why}, nil
}

// givenMore is given for an amount above the intended one, which happens if the store
// has lost a refund. If the buyer has seats left, a person decides about them.
func (r *run) givenMore(amount int64) (next, error) {
	o, give := r.o, r.o.Give
	more := amount - give.Amount
	o.Refunded += more
	n, err := r.given("", give.Amount)
	if err != nil || give.Ended || n.to == StageGivingBack || n.to == StageRefunded && !o.KeepsSeats {
		return n, err
	}
	o.KeepsSeats = false
	return r.lostRefundOf(more), nil
}

// share records what was paid back for seats that the buyer keeps, divided in
// proportion to what remained of their prices.
func (o *Order) share(seats []lockstore.SeatID, amount int64) {
	var whole int64
	for _, seat := range seats {
		whole += o.left(seat)
	}
	amount = min(amount, whole)
	o.PaidBack = slices.Clone(o.PaidBack)
	for _, seat := range seats {
		left := o.left(seat)
		if left == 0 {
			continue
		}
		high, low := bits.Mul64(uint64(amount), uint64(left))
		part, _ := bits.Div64(high, low, uint64(whole))
		amount, whole = amount-int64(part), whole-left
		if at := o.paidBackFor(seat); at >= 0 {
			o.PaidBack[at].Amount += int64(part)
		} else if part > 0 {
			o.PaidBack = append(o.PaidBack, SeatAmount{seat, int64(part)})
		}
	}
}

// left returns the part of a seat's price that was not paid back yet, or 0 if the price
// is not known.
func (o *Order) left(seat lockstore.SeatID) int64 {
	price, _ := o.Price(seat)
	if at := o.paidBackFor(seat); at >= 0 {
		price -= o.PaidBack[at].Amount
	}
	return max(price, 0)
}

func (o *Order) paidBackFor(seat lockstore.SeatID) int {
	return slices.IndexFunc(o.PaidBack, func(a SeatAmount) bool { return a.Seat == seat })
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
