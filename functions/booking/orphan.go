package booking

import (
	"context"
	"fmt"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/venue/best"
	"seatlock/lockstore"
)

// refuseSingles refuses a lock that would leave a single seat alone, if another choice
// of as many seats would not, in events with NoSingles. Back ends and operators may
// lock any seats. It judges a request only if all its seats are available, so that a
// repeat is never refused. It ignores places of areas. This is a courtesy: others may
// lock a neighbour meanwhile.
func (a *API) refuseSingles(ctx context.Context, c *change) error {
	if !c.ev.venue.NoSingles || c.op.Kind != lockstore.KindLock || c.by.May(access.Serve) == nil {
		return nil
	}
	if len(c.op.Seats) == 0 || len(c.op.Seats) > lockstore.MaxSeats {
		return nil // no named seats, or too many, which the store refuses
	}
	positions := make([]int, len(c.op.Seats))
	seen := make(map[int]bool, len(positions))
	for i, id := range c.op.Seats {
		at, ok := c.ev.Position(id)
		if !ok || seen[at] {
			return nil // the store refuses unknown and repeated seats
		}
		positions[i], seen[at] = at, true
	}
	snap, err := c.ev.feed.Refresh(ctx)
	if err != nil {
		return err
	}
	for _, at := range positions {
		if snap.Status(at) != lockstore.Available {
			return nil
		}
	}
	instead, ok := c.ev.plans.forPicks().Judge(positions, func(at int) best.Standing {
		switch snap.Status(at) {
		case lockstore.Available:
			return best.Open
		case lockstore.Locked:
			return best.Held
		}
		return best.Gone
	})
	if ok {
		return nil
	}
	r := &problem.Refusal{Kind: problem.OrphanSeat}
	var ids []lockstore.SeatID
	for _, at := range instead {
		ids = append(ids, c.ev.Seats[at])
		r.Instead = append(r.Instead, string(c.ev.Seats[at]))
	}
	r.Detail = fmt.Sprintf("This would leave a single seat alone. Choose others, such as %s.", seatList(ids))
	return r
}
