package storetest

import (
	"context"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

func notAfterIgnored(b *broken) { b.before = func(o *operation) { o.op.NotAfter = time.Time{} } }

func notAfterInclusive(b *broken) {
	b.before = func(o *operation) {
		if !o.op.NotAfter.IsZero() {
			o.op.NotAfter = o.op.NotAfter.Add(time.Millisecond)
		}
	}
}

// judgedInQueue compares NotAfter with the clock when an operation is received, and
// carries it out a little later. It may answer with the earlier time.
func judgedInQueue(early bool) func(*broken) {
	return func(b *broken) {
		b.do = func(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
			at := now()
			if op.NotAfter.IsZero() || at >= op.NotAfter.UnixMilli() {
				return b.base.Do(ctx, ev, op)
			}
			time.Sleep(2 * time.Millisecond)
			op.NotAfter = time.Time{}
			result, err := b.base.Do(ctx, ev, op)
			if early && err == nil {
				result.Now = time.UnixMilli(at)
			}
			return result, err
		}
	}
}

// boundsLast refuses what is too late only if no seat is in the way.
func boundsLast(b *broken) {
	b.before = func(o *operation) {
		if o.op.NotAfter.IsZero() || o.now < o.op.NotAfter.UnixMilli() {
			return
		}
		other := o.op
		other.NotAfter = time.Time{}
		kept := make(map[int]engine.SeatState)
		for _, p := range o.at {
			kept[p] = o.state.Seat(p)
		}
		var result lockstore.Result
		err := o.state.Do(&o.ev, &other, o.at, o.now, &result)
		for p, s := range kept {
			o.state.SetSeat(p, s)
		}
		if err != nil {
			o.op = other
		}
	}
}

func notBeforeIgnored(b *broken) { b.before = func(o *operation) { o.op.NotBefore = time.Time{} } }
