package booking

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// opened is how many events are opened in a store at a time. One after the other, a
// thousand events would take a thousand round trips.
const opened = 8

// OpenEvents calls open for each event, several at a time, to make them known to a
// store before the first request. An event that the store keeps with another seat map
// does not stop the others: it is logged, and requests for it are answered with
// seat_map_changed. OpenEvents fails if all events are like that, and with any other
// error of open.
func OpenEvents(ctx context.Context, events []venue.Event, open func(context.Context, *lockstore.Event) error, log *slog.Logger) error {
	failed := make([]error, len(events))
	opening, ctx := errgroup.WithContext(ctx)
	opening.SetLimit(opened)
	for i, e := range events {
		opening.Go(func() error {
			err := open(ctx, e.Event)
			if err != nil {
				err = fmt.Errorf("event %s: %w", e.ID, err)
			}
			if err != nil && !errors.Is(err, lockstore.ErrOtherSeats) {
				return err
			}
			failed[i] = err
			return nil
		})
	}
	if err := opening.Wait(); err != nil {
		return err
	}
	var refused []error
	for _, err := range failed {
		if err != nil {
			refused = append(refused, err)
		}
	}
	if len(events) > 0 && len(refused) == len(events) {
		return errors.Join(refused...)
	}
	for _, err := range refused {
		log.ErrorContext(ctx, "an event is not sold: the store keeps another seat map of it", "error", err)
	}
	return nil
}
