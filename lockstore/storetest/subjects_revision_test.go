package storetest

import (
	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// refit replaces the layout with the state that next makes.
func refit(next func(old *engine.State, ev *lockstore.Event) (*engine.State, error)) func(*broken) {
	return func(b *broken) {
		b.fit = func(e *event, ev *lockstore.Event) error {
			state, err := next(e.state, ev)
			if err != nil {
				return err
			}
			e.state, e.revision = state, ev.Revision
			e.log.Restart()
			return nil
		}
	}
}

// revisionShifts leaves each booking at its position.
var revisionShifts = refit(func(old *engine.State, ev *lockstore.Event) (*engine.State, error) {
	next, err := old.WithLayout(ev, now())
	if err != nil {
		return nil, err
	}
	shifted := engine.New(ev.Layout)
	for p := range min(len(ev.Seats), len(old.Layout().Seats)) {
		if s := old.Seat(p); s.Booked {
			shifted.SetSeat(p, s)
		} else if s := next.Seat(p); !s.Booked {
			shifted.SetSeat(p, s)
		}
	}
	return shifted, nil
})

// revisionLoses accepts any layout.
var revisionLoses = refit(func(old *engine.State, ev *lockstore.Event) (*engine.State, error) {
	next := engine.New(ev.Layout)
	for p, seat := range ev.Seats {
		if was, ok := old.Layout().Position(seat); ok {
			next.SetSeat(p, old.Seat(was))
		}
	}
	return next, nil
})

var revisionForgetsRefs = refit(func(old *engine.State, ev *lockstore.Event) (*engine.State, error) {
	next, err := old.WithLayout(ev, now())
	if err != nil {
		return nil, err
	}
	for p := range ev.Seats {
		s := next.Seat(p)
		s.Ref = ""
		next.SetSeat(p, s)
	}
	return next, nil
})

// blocksCount does not let blocked seats vanish.
var blocksCount = refit(func(old *engine.State, ev *lockstore.Event) (*engine.State, error) {
	for p, seat := range old.Layout().Seats {
		if _, ok := ev.Position(seat); !ok && old.Seat(p).Blocked {
			return nil, &lockstore.MissingSeatsError{Event: ev.ID, Seats: []lockstore.SeatID{seat}}
		}
	}
	return old.WithLayout(ev, now())
})

func revisionKeepsVersions(b *broken) {
	b.fit = func(e *event, ev *lockstore.Event) error {
		state, err := e.state.WithLayout(ev, now())
		if err == nil {
			e.state, e.revision = state, ev.Revision
		}
		return err
	}
}

func anyRevision(b *broken) { b.anyRevision = true }

func fixedByLook(b *broken) {
	b.listed = func(e *event, _ lockstore.Version, _ *lockstore.Snapshot) { e.fixed = true }
}

// fixedByTaken lets the layout be replaced when all seats are available again.
func fixedByTaken(b *broken) {
	b.listed = func(e *event, since lockstore.Version, snap *lockstore.Snapshot) {
		if since == "" {
			e.fixed = len(snap.Seats) > 0
		}
	}
}
