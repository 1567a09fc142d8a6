package redisstore

import (
	"context"
	"slices"
	"strings"

	"seatlock/lockstore"
)

// BookedBesides returns the events other than these that have a booked seat, in the order
// of their ids. Their layouts need not be known. It looks through all keys of Redis
// once, a thousand at a time. A million keys take seconds, during which other calls go on.
func (s *Store) BookedBesides(ctx context.Context, ids []lockstore.EventID) ([]lockstore.EventID, error) {
	done := make(map[lockstore.EventID]bool) // events that are not asked for, or were found to have a booked seat
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

// byEvent groups the keys of seats by event.
func byEvent(keys []string) map[lockstore.EventID][]string {
	of := make(map[lockstore.EventID][]string)
	for _, key := range keys {
		name, _, ok := strings.Cut(strings.TrimPrefix(key, "{"), "}:seat:")
		if id := lockstore.EventID(name); ok && id.Check() == nil { // other keys are not ours
			of[id] = append(of[id], key)
		}
	}
	return of
}
