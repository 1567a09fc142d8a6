package redisstore

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"seatlock/lockstore"
)

// answer gives each call its part of the result of the script run.
func (g *group) answer(r ran) {
	values, err := r.read(len(g.calls))
	for i, c := range g.calls {
		if err != nil {
			c.Answer(lockstore.Result{}, err)
			continue
		}
		result, err := c.Work.result(values[i], values[len(g.calls)])
		if err == nil && r.short != nil {
			result, err = lockstore.Result{}, r.short
		}
		c.Answer(result, err)
	}
}

// read returns the script's answers to the calls, and then its clock.
func (r ran) read(calls int) ([]any, error) {
	if r.err != nil {
		return nil, r.err
	}
	if _, other := r.value.(string); other {
		return nil, &retryError{}
	}
	values, ok := r.value.([]any)
	if !ok || len(values) != calls+1 {
		return nil, unreadable(r.value)
	}
	return values, nil
}

// result reads the script's answer to one call: a number if the call changed all
// of its seats, {number, place of a seat that it changed, …} if it changed some
// or none, or else a refusal.
func (w *work) result(v, clock any) (lockstore.Result, error) {
	changed := w.op.Seats
	if len(w.at) > len(changed) { // a move, whose slices the caller may have changed
		changed = make([]lockstore.SeatID, len(w.at))
		for i, p := range w.at {
			changed[i] = w.ev.Seats[p]
		}
	}
	number, ok := v.(int64)
	if list, isList := v.([]any); isList && len(list) > 0 {
		if number, ok = list[0].(int64); !ok {
			return lockstore.Result{}, w.refusal(list)
		}
		changed, ok = w.changed(list[1:])
	}
	now, isTime := clock.(int64)
	if !ok || !isTime {
		return lockstore.Result{}, unreadable([]any{v, clock})
	}
	result := lockstore.Result{Changed: changed, Now: time.UnixMilli(now)}
	if w.op.Kind == lockstore.KindLock || w.op.Kind == lockstore.KindExtend {
		result.Expires = time.UnixMilli(number)
	}
	return result, nil
}

// changed returns the seats at the places, and reports whether all places are the call's.
func (w *work) changed(places []any) (seats []lockstore.SeatID, ok bool) {
	for _, v := range places {
		text, _ := v.(string)
		place, err := strconv.Atoi(text)
		if err != nil || !slices.Contains(w.at, place/recordLen) {
			return nil, false
		}
		seats = append(seats, w.ev.Seats[place/recordLen])
	}
	return seats, true
}

// refusal reads {reason, held, number of a seat, until when it is taken, …}, or
// another failure of a call.
func (w *work) refusal(v []any) error {
	reason, _ := v[0].(string)
	switch {
	case reason == "too_late":
		return lockstore.ErrTooLate
	case reason == "too_early":
		return lockstore.ErrTooEarly
	case reason == "whose" && len(v) == 1+len(w.at):
		return ownedBy(v[1:])
	case reason == "error" && len(v) == 2:
		return fmt.Errorf("%w: %v", lockstore.ErrUnavailable, v[1])
	}
	if len(v)%2 != 0 {
		return unreadable(v)
	}
	held, ok := v[1].(int64)
	e := &lockstore.ConflictError{Reason: lockstore.Reason(reason), Held: int(held)}
	for i := 2; ok && i < len(v); i += 2 {
		number, isNumber := v[i].(int64)
		until, isTime := v[i+1].(int64)
		if ok = isNumber && isTime && number >= 0 && number < int64(len(w.at)); ok {
			// The script compared the end with the clock, so it is not over yet.
			e.Seats = append(e.Seats, w.ev.Seat(listed(w.at[number], until, 0)))
		}
	}
	if !ok {
		return unreadable(v)
	}
	return e
}

// unreadable is the error of an answer that no script gives.
func unreadable(v any) error {
	return fmt.Errorf("%w: Redis answered %v", lockstore.ErrOutcomeUnknown, v)
}
