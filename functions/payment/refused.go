package payment

import "fmt"

// refused handles an order for which the provider refuses to answer, such as with the
// key of another account. The provider is asked again after increasing pauses, for an
// hour and a half in all, since the key may be wrong only for a moment. Then a person
// decides. For an order that is done, the check of its refunds is postponed for days
// instead.
//
// Meanwhile seats and money stay as they are, as if there were no worker.
func (r *run) refused(err error) (next, error) {
	o, now := r.o, r.clock.now()
	why := "the provider refuses to say what became of the payment: " + short(err)
	if now.Before(o.AskAgain) { // the caller is not a worker
		return next{}, err
	}
	o.Refusals++
	if o.Stage == StagePaid || o.Stage == StageRefunded { // all is done, except that its refunds cannot be checked
		if o.Refusals < maxAttempts { // the same check, later
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
