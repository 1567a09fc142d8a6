package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"seatlock/lockstore"
)

// moveWindow is how long a move may take. During that time, and [clockSkew] more, the
// order cannot be moved again, since the call may take effect late.
const moveWindow = 10 * time.Second

// Move moves booked seats of a paid order to others. It is safe to repeat. The error is
// that of [lockstore.KindMove], or [ErrStage], or [ErrBusy] if the seats were booked or
// moved less than a minute ago. After [lockstore.ErrOutcomeUnknown], the order shows
// within a minute whether the seats were moved.
func (p *Payments) Move(ctx context.Context, id lockstore.OrderID, seats, to []lockstore.SeatID, asker string) (*Order, error) {
	o, err := p.Order(ctx, id)
	if err != nil {
		return nil, err
	}
	ev, err := p.event(o.Event)
	if err != nil {
		return o, err
	}
	op := lockstore.Move(o.User, o.ref(), seats, to)
	op.By = asker
	if _, err := ev.Positions(nil, &op); err != nil {
		return o, err
	}
	// An earlier booking or move could still take effect, and undo part of this one.
	over, window := error(nil), o.BookBefore
	if o.Stage == StagePaid && o.Moving == nil {
		if over = (&run{p, ctx, o}).barrier(union(o.Seats, to)); errors.Is(over, lockstore.ErrTooEarly) {
			over = fmt.Errorf("%w: seats of order %s were booked or moved a moment ago, and can be moved again in %v", ErrBusy, id,
				max(window.Add(p.paced(clockSkew)).Sub(p.clock.now()), time.Second).Round(time.Second))
		}
	}
	begun := false
	o, err = p.ask(ctx, id, asker, func(o *Order) (next, error) {
		switch {
		case o.Stage != StagePaid:
			return next{}, wrongStage(o, "moved")
		case o.Moving != nil && slices.Equal(o.Moving.Seats, seats) && slices.Equal(o.Moving.To, to):
			begun = true
			return next{}, nil
		case o.Moving != nil:
			return next{}, wrongStage(o, "moved while it is being moved")
		case o.moved(seats, to):
			return next{}, nil
		case len(without(seats, o.Seats)) > 0:
			conflict := &lockstore.ConflictError{Reason: lockstore.NotBooked}
			for _, seat := range without(seats, o.Seats) {
				conflict.Seats = append(conflict.Seats, lockstore.Seat{ID: seat})
			}
			return next{}, conflict
		case over != nil:
			return next{}, over
		case !o.BookBefore.Equal(window):
			return next{}, ErrBusy
		}
		o.Moving = &Moving{Seats: slices.Clone(seats), To: slices.Clone(to), By: asker}
		(&run{p, ctx, o}).openWindow(p.paced(moveWindow))
		begun = true
		return next{to: StagePaid}, nil
	})
	if err != nil || !begun {
		return o, err
	}
	draft := o.clone()
	moving := draft.Moving
	moveErr := (&run{p, ctx, draft}).moveSeats(ev)
	if unknown(moveErr) {
		return o, moveErr // a worker finishes it
	}
	moved, err := p.put(ctx, StagePaid, draft, next{to: StagePaid, why: movedWhy(moving, moveErr)}, asker, true)
	if errors.Is(err, lockstore.ErrOrderChanged) { // a worker was faster
		newest, err := p.Order(ctx, id)
		if err == nil && newest.moved(seats, to) {
			return newest, nil
		}
		return o, errors.Join(moveErr, err)
	}
	if err != nil { // a worker tries once more, and the seats may be free by then
		return o, fmt.Errorf("%w: the move of order %s was not written down: %w", lockstore.ErrOutcomeUnknown, id, err)
	}
	return moved, moveErr
}

// moved reports whether the seats were moved there.
func (o *Order) moved(seats, to []lockstore.SeatID) bool {
	return len(without(to, o.Seats)) == 0 && len(without(without(seats, to), o.Seats)) == len(without(seats, to))
}

// finishMove finishes a move that was begun. After its window, it checks whether the
// seats were moved.
func (r *run) finishMove() (next, error) {
	m := r.o.Moving
	ev, err := r.event(r.o.Event)
	if err != nil {
		return next{}, err
	}
	if r.clock.now().Before(r.o.BookBefore) {
		err = r.moveSeats(ev)
		if unknown(err) {
			return next{}, err
		}
		return next{to: StagePaid, why: movedWhy(m, err), rest: true}, nil
	}
	if err := r.barrier(union(m.Seats, m.To)); errors.Is(err, lockstore.ErrTooEarly) {
		return r.later(max(r.paced(time.Second), r.cancelAt().Sub(r.clock.now())))
	} else if err != nil {
		return next{}, err
	}
	there, err := r.booked(ev, m.To)
	if err != nil {
		return next{}, err
	}
	if there < len(m.To) {
		r.o.Moving = nil
		return next{to: StagePaid, why: movedWhy(m, errors.New("the store did not answer in time")), rest: true}, nil
	}
	r.nowAt(m)
	return next{to: StagePaid, why: movedWhy(m, nil), rest: true}, nil
}

// moveSeats carries out the order's current move. The move has then ended, unless its
// outcome is unknown.
func (r *run) moveSeats(ev *lockstore.Event) error {
	m := r.o.Moving
	op := lockstore.Move(r.o.User, r.o.ref(), m.Seats, m.To)
	op.By, op.NotAfter = m.By, r.o.BookBefore
	_, err := r.do(ev, op)
	switch {
	case unknown(err):
		return err
	case err == nil:
		r.nowAt(m)
	}
	r.o.Moving = nil
	return err
}

// nowAt gives the order its new seats, at the price that was paid for the old ones.
func (r *run) nowAt(m *Moving) {
	r.o.Moving = nil
	seats := r.o.Seats
	r.o.renameSeats(func(seat lockstore.SeatID) lockstore.SeatID {
		if at := slices.Index(m.Seats, seat); at >= 0 {
			return m.To[at]
		}
		return seat
	})
	r.o.Seats = union(without(seats, m.Seats), m.To)
}

func movedWhy(m *Moving, err error) string {
	if err != nil {
		return "the seats were not moved: " + short(err)
	}
	return fmt.Sprintf("moved from %s to %s", m.Seats, m.To)
}
