package boltstore

import (
	"context"
	"slices"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
)

// BookedBesides returns the events other than these that have a booked seat, in the order
// of their ids. It reads only the seats of other events, and needs no layouts.
func (s *Store) BookedBesides(ctx context.Context, ids []lockstore.EventID) ([]lockstore.EventID, error) {
	var others []lockstore.EventID
	err := s.alone(ctx, func() error {
		if err := s.failure(); err != nil {
			return err
		}
		return s.db.View(func(tx *bolt.Tx) error {
			return tx.Bucket(bucketEvents).ForEach(func(key, _ []byte) error {
				if id := lockstore.EventID(key); !slices.Contains(ids, id) {
					others = append(others, id)
				}
				return nil
			})
		})
	})
	if err != nil {
		return nil, err
	}
	var booked []lockstore.EventID
	for _, id := range others {
		n, _, err := s.Booked(ctx, id)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			booked = append(booked, id)
		}
	}
	return booked, nil
}
