package booking

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// A rosterSeat is a seat of the roster, with the buyer's contact if it was given.
type rosterSeat struct {
	lockstore.Holding
	contact payment.Contact
}

const (
	contactsAhead  = 500 // seats whose orders are read before the first is written
	contactsAtOnce = 16  // orders that are read at a time
)

// withContacts yields the seats with the contacts of the orders that booked them. It
// reads the orders of many seats ahead, several at a time.
func (a *API) withContacts(ctx context.Context, seats holdings) rosterSeats {
	return func(yield func(*rosterSeat, error) bool) {
		ahead := make([]rosterSeat, 0, contactsAhead)
		flush := func() bool {
			if err := a.readContacts(ctx, ahead); err != nil {
				yield(nil, err)
				return false
			}
			for i := range ahead {
				if !yield(&ahead[i], nil) {
					return false
				}
			}
			ahead = ahead[:0]
			return true
		}
		for h, err := range seats {
			if err != nil {
				yield(nil, err)
				return
			}
			if ahead = append(ahead, rosterSeat{Holding: *h}); (a.payments == nil || len(ahead) == contactsAhead) && !flush() {
				return
			}
		}
		flush()
	}
}

// readContacts fills in the contacts of some seats. A seat has none if its reference is
// not that of an order, or if the order cannot be read, which is logged.
func (a *API) readContacts(ctx context.Context, seats []rosterSeat) error {
	if a.payments == nil {
		return nil
	}
	contacts := make(map[lockstore.Ref]*payment.Contact)
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(contactsAtOnce)
	for i := range seats {
		ref := seats[i].Ref
		if _, known := contacts[ref]; known || ref == "" || seats[i].Status != lockstore.Booked {
			continue
		}
		into := new(payment.Contact)
		contacts[ref] = into
		reading.Go(func() error {
			o, err := a.payments.Order(ctx, lockstore.OrderID(ref))
			switch {
			case err == nil:
				*into = o.Contact
			case errors.Is(err, payment.ErrUnreadable):
				a.log.ErrorContext(ctx, "a booking is listed without its buyer's name", "order", ref, "error", err)
			case !errors.Is(err, lockstore.ErrNoOrder):
				return fmt.Errorf("the buyer's name of booking %s cannot be read: %w", ref, err)
			}
			return nil
		})
	}
	if err := reading.Wait(); err != nil {
		return err
	}
	for i := range seats {
		if c := contacts[seats[i].Ref]; c != nil && seats[i].Status == lockstore.Booked {
			seats[i].contact = *c
		}
	}
	return nil
}
