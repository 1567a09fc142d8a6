package pgstore

import (
	"context"

	"seatlock/lockstore"
)

// An event that is being forgotten has a space in its name.
const besidesSQL = `SELECT coalesce(array_agg(name ORDER BY name COLLATE "C"), '{}') FROM seatlock.event
	WHERE name <> ALL ($1) AND strpos(name, ' ') = 0 AND EXISTS (SELECT FROM seatlock.seat WHERE seat.event = event.id AND seat.until = 'infinity')`

// BookedBesides returns the events other than these that have a booked seat, in the order
// of their ids. It reads only the seats of other events, and needs no layouts.
func (s *Store) BookedBesides(ctx context.Context, ids []lockstore.EventID) ([]lockstore.EventID, error) {
	known := make([]string, len(ids))
	for i, id := range ids {
		known[i] = string(id)
	}
	var names []string
	if err := s.ask(ctx, lockstore.ErrUnavailable, besidesSQL, []any{known}, &names); err != nil {
		return nil, err
	}
	var booked []lockstore.EventID
	for _, name := range names {
		booked = append(booked, lockstore.EventID(name))
	}
	return booked, nil
}
