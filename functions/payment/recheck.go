package payment

import (
	"fmt"
	"time"
)

// lookAgain are the times after the last refund of an order at which its refunds are
// checked again: a refund may fail days after it was done.
var lookAgain = [...]time.Duration{time.Hour, 24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour}

// settle finishes a move that was begun, or checks the refunds of a paid order.
func (r *run) settle() (next, error) {
	if r.o.Moving != nil {
		return r.finishMove()
	}
	return r.recheck()
}

// recheck compares the order with the provider's refunds. A refund that failed after it
// was done is made again. One that somebody made at the provider is counted, and if
// nothing is left of the payment, the seats are given back. If the store has lost a
// refund of the order, a person decides.
func (r *run) recheck() (next, error) {
	o := r.o
	if o.Amount == 0 || o.Payment == "" {
		return stay()
	}
	all, err := r.provider.Refunds(r.ctx, o.Payment)
	if err != nil {
		return next{}, err
	}
	return r.recheckWith(all)
}

// recheckWith is recheck given the provider's refunds.
func (r *run) recheckWith(all []Refund) (next, error) {
	o := r.o
	back, outside := o.paidBack(all)
	if o.Stage == StagePaid {
		if n, lost := r.lostRefund(all, outside); lost {
			return n, nil
		}
	}
	ours := back - outside
	owed := max(o.Refunded-o.Outside-ours, 0)
	if o.Stage == StageRefunded {
		owed = max(o.Refunded-back, 0)
	}
	before := o.Refunded
	changed := o.Refunded != back || o.Outside != outside
	o.Refunded, o.Outside = back, outside
	switch {
	case owed > 0:
		o.startGiving(nil, owed, true)
		o.Give.Ended = o.Stage == StageRefunded
		return next{to: StageGivingBack, why: fmt.Sprintf("a refund failed after it was done, and %d are paid back again", owed)}, nil
	case back >= o.Amount && o.Stage == StagePaid:
		o.startGiving(o.Seats, 0, false)
		return next{to: StageGivingBack, why: "everything was paid back at the provider"}, nil
	case changed:
		return next{to: o.Stage, why: fmt.Sprintf("%d were paid back at the provider, not %d", back, before)}, nil
	}
	if o.LookAt.IsZero() || r.clock.now().Before(o.LookAt) {
		return stay()
	}
	r.looked()
	return next{to: o.Stage, rest: true}, nil
}

// lostRefund leaves an order to a person if the store has lost a refund of it, since
// its seats, and whether the buyer keeps them, are not known. It returns false if none
// was lost. As far as the order knows, somebody else made the lost refund.
func (r *run) lostRefund(all []Refund, outside int64) (next, bool) {
	o, known := r.o, r.o.Refunds
	o.Refunds += maxAttempts * 2 // the used keys are not known
	sum, left := o.paidBack(all)
	lost := outside - left
	if lost == 0 {
		o.Refunds = known
		return next{}, false
	}
	o.Refunded, o.Outside = sum, left
	return r.lostRefundOf(lost), true
}

// lostRefundOf leaves the order to a person because of a lost refund, which is a part
// of Refunded.
func (r *run) lostRefundOf(lost int64) next {
	o := r.o
	o.Lost += lost
	o.LookAt, o.Looks = r.clock.now().Add(lookAgain[0]), 0
	o.Stuck = StagePaid
	o.startGiving(o.Seats, max(o.Amount-o.Refunded, 0), false) // unless the person decides otherwise
	return next{to: StageNeedsPerson, why: fmt.Sprintf("the store has lost for which seats %d were paid back, and whether the buyer keeps them", lost)}
}

// looked sets the time of the next check of the refunds.
func (r *run) looked() {
	o := r.o
	o.LookAt, o.Looks = time.Time{}, o.Looks+1
	if o.Looks < len(lookAgain) {
		o.LookAt = r.clock.now().Add(lookAgain[o.Looks])
	}
}
