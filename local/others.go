package main

import (
	"context"
	"log/slog"
	"time"

	"seatlock/lockstore"
)

// othersTime bounds the search for bookings of events that are not on sale.
const othersTime = time.Minute

// A besides is a store that knows which events have bookings.
type besides interface {
	// BookedBesides returns the events other than the given ones that have booked seats.
	BookedBesides(ctx context.Context, ids []lockstore.EventID) ([]lockstore.EventID, error)
}

// warnOfOthers warns of events in the store that have bookings and are not on sale here,
// for example because of a mistake in the event file.
func warnOfOthers(ctx context.Context, store lockstore.LockStore, onSale []lockstore.EventID, log *slog.Logger) {
	s, ok := store.(besides)
	if !ok {
		return // the store keeps nothing from earlier runs
	}
	bounded, cancel := context.WithTimeout(ctx, othersTime)
	defer cancel()
	others, err := s.BookedBesides(bounded, onSale)
	if err != nil && ctx.Err() == nil {
		log.Warn("could not look for bookings of events that are not on sale here", "error", err)
	}
	for _, id := range others {
		log.Warn("an event that is not on sale here has booked seats; add it to the event file to sell it again, or remove it with -forget", "event", id)
	}
}
