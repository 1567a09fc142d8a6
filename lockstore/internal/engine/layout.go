package engine

import (
	"iter"

	"seatlock/lockstore"
)

// maxMissing is how many missing seats an error names.
const maxMissing = 100

// Fits reports whether the event has the seats of the state in the same order.
func (s *State) Fits(ev *lockstore.Event) bool {
	return s.layout == ev.Layout || s.layout.Fingerprint() == ev.Fingerprint()
}

// WithLayout returns the state for the event's new layout, with everything that is
// known of the seats that both layouts have. Seats that are blocked, or whose locks
// have expired, may be missing and are forgotten. If others are missing, the error is a
// [*lockstore.MissingSeatsError]. Without an error, the old state must not be used again.
func (s *State) WithLayout(ev *lockstore.Event, now int64) (*State, error) {
	if err := s.missing(ev, now); err != nil {
		return nil, err
	}
	next := New(ev.Layout)
	for p := range s.Known() {
		if to, ok := ev.Position(s.layout.Seats[p]); ok {
			next.SetSeat(to, s.Seat(p))
		}
	}
	return next, nil
}

// missing returns an error if the event lacks seats that are taken.
func (s *State) missing(ev *lockstore.Event, now int64) error {
	err := &lockstore.MissingSeatsError{Event: ev.ID}
	for p := range s.Known() {
		c := s.at(p)
		if _, ok := ev.Position(s.layout.Seats[p]); ok || !c.taken(now) || c.status == lockstore.Blocked {
			continue
		}
		if len(err.Seats) < maxMissing {
			err.Seats = append(err.Seats, s.layout.Seats[p])
		} else {
			err.More++
		}
	}
	if len(err.Seats) == 0 {
		return nil
	}
	return err
}

// Known returns, in ascending order, the positions of the seats with any state.
func (s *State) Known() iter.Seq[int] {
	return func(yield func(int) bool) {
		for n, pg := range s.pages {
			if pg == nil {
				continue
			}
			for i := range pg {
				p := n*pageSize + i
				if (pg[i].status != lockstore.Available || s.expired[p] != nil) && !yield(p) {
					return
				}
			}
		}
	}
}
