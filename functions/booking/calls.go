package booking

import (
	"context"
	"slices"

	"seatlock/lockstore"
)

// Calls are the names of the calls, as whoever watches requests is told.
func Calls() []string {
	names := []string{liveCall}
	for _, call := range calls {
		names = append(names, call.name)
	}
	return slices.Sorted(slices.Values(names))
}

// Codes are what an answer's code can be.
func Codes() []string {
	var codes []string
	for _, k := range kinds {
		if !slices.Contains(codes, k.code) {
			codes = append(codes, k.code)
		}
	}
	return codes
}

// Counts is how many seats of an event are in each state, at one moment.
type Counts struct{ Available, Locked, Booked int }

// Count counts the seats of an event, which must be one of the Config's. It
// asks the store what changed since it was last asked, and for nothing if the
// same is being asked already.
func (a *API) Count(ctx context.Context, id lockstore.EventID) (Counts, error) {
	ev, err := a.event(id)
	if err != nil {
		return Counts{}, err
	}
	p, _, err := ev.board.fresh(ctx)
	if err != nil {
		return Counts{}, err
	}
	return Counts{len(ev.Seats) - p.locked - p.booked, p.locked, p.booked}, nil
}
