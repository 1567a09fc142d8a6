package payment

import "fmt"

// refused is what becomes of an order about which the provider refuses to say anything,
// such as with the key of another account. It is asked again after longer and longer
// pauses, for an hour and a half in all, since the key may be wrong for a moment. Then a
// person decides. A look at the refunds of an order that is done is put off for days.
//
// Seats and money stay as they are meanwhile, as if no worker were there.
func (r *run) refused(err error) (next, error) {
	o, now := r.o, r.clock.now()
	why := "the provider refuses to say what became of the payment: " + short(err)
	if now.Before(o.AskAgain) { // somebody else than a worker asks
		return next{}, err
	}
	o.Refusals++
	if o.Stage == StagePaid || o.Stage == StageRefunded { // all is done, and only its refunds cannot be looked at
		if o.Refusals < maxAttempts { // the same look comes later
			o.LookAt = now.Add(backoff(lookAgain[0], o.Refusals))
			o.AskAgain = o.LookAt
		} else {
			o.Refusals = 0
			r.looked()
		}
		return next{to: o.Stage, why: why, rest: true}, nil
	}
	if o.Refusals < maxAttempts {
		pause := backoff(r.paced(failedPause), o.Refusals)
		o.AskAgain = now.Add(pause)
		return next{to: o.Stage, why: why, after: pause}, nil
	}
	o.Stuck = o.Stage
	if o.Give == nil {
		o.startGiving(o.Seats, o.Amount-o.Refunded, false) // unless the person decides otherwise
	}
	return next{to: StageNeedsPerson, why: fmt.Sprintf("asked %d times: %s", o.Refusals, why)}, nil
}
