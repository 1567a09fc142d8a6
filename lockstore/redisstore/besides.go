package redisstore

import (
	"context"
	"slices"
	"strings"

	"seatlock/lockstore"
)

// BookedBesides returns the events other than these of which a seat is booked, in the order
// of their ids. Their layouts need not be known. It looks through all keys of the Redis,
// once, a thousand at a time: a million keys take seconds, in which others go on.
func (s *Store) BookedBesides(ctx context.Context, ids []lockstore.EventID) ([]lockstore.EventID, error) {
	done := make(map[lockstore.EventID]bool) // not asked for, or found to be booked
	for _, id := range ids {
		done[id] = true
	}
	var booked []lockstore.EventID
	for keys, err := range s.scan(ctx, "{*}:seat:*") {
		if err != nil {
			return nil, endedBy(ctx, err)
		}
		for id, keys := range byEvent(keys) {
			if done[id] {
				continue
			}
			found := make(map[string]bool)
			if err := s.countBooked(ctx, keys, found); err != nil {
				return nil, endedBy(ctx, err)
			}
			if len(found) > 0 {
				done[id] = true
				booked = append(booked, id)
			}
		}
	}
	slices.Sort(booked)
	return booked, nil
}

// byEvent returns the keys of seats by their events.
func byEvent(keys []string) map[lockstore.EventID][]string {
	of := make(map[lockstore.EventID][]string)
	for _, key := range keys {
		name, _, ok := strings.Cut(strings.TrimPrefix(key, "{"), "}:seat:")
		if id := lockstore.EventID(name); ok && id.Check() == nil { // else it is not one of ours
			of[id] = append(of[id], key)
		}
	}
	return of
}
