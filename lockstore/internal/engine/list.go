package engine

import "seatlock/lockstore"

// List returns the snapshot of the state, as [lockstore.LockStore.List] does. The
// changes of the state must be in the log.
func (s *State) List(log *Log, since lockstore.Version, now int64) lockstore.Snapshot {
	snap := lockstore.Snapshot{Version: log.Version(), Now: now}
	if since == snap.Version {
		return snap
	}
	changed, ok := log.since(since)
	if !ok {
		snap.Full, snap.Seats = true, s.takenSeats(now)
		return snap
	}
	snap.Seats = make([]lockstore.ListedSeat, len(changed))
	for i, p := range changed {
		snap.Seats[i] = s.at(p).listed(p, now)
	}
	return snap
}

// takenSeats returns every seat that is not available. It counts them first: a
// slice that grew would be copied several times.
func (s *State) takenSeats(now int64) []lockstore.ListedSeat {
	taken := 0
	for _, pg := range s.pages {
		if pg == nil {
			continue
		}
		for i := range pg {
			if pg[i].taken(now) {
				taken++
			}
		}
	}
	seats := make([]lockstore.ListedSeat, 0, taken)
	for n, pg := range s.pages {
		if pg == nil {
			continue
		}
		for i := range pg {
			if pg[i].taken(now) {
				seats = append(seats, pg[i].listed(n*pageSize+i, now))
			}
		}
	}
	return seats
}

// listed returns what a list shows of the seat, which is at p.
func (c *cell) listed(p int, now int64) lockstore.ListedSeat {
	return lockstore.Listed(p, c.status, c.expires, now)
}
