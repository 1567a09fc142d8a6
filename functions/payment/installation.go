package payment

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"seatlock/lockstore"
)

// installationID is the record of the installation's name.
const installationID lockstore.OrderID = "the.installation"

// Installation returns a name that distinguishes this installation from others that
// share an account at a provider, for use if none is configured. It is random and kept
// in the store, so that processes which share the store have the same name.
//
// If the store is lost as a whole, the name is lost too, and the orders that the
// provider still has are treated as another installation's. A configured name is not
// lost.
func Installation(ctx context.Context, orders lockstore.OrderStore) (string, error) {
	for range 4 {
		r, err := orders.Order(ctx, installationID)
		if err == nil {
			return string(r.Body), nil
		}
		if !errors.Is(err, lockstore.ErrNoOrder) {
			return "", fmt.Errorf("payment: the name of the installation cannot be read: %w", err)
		}
		name := strings.ToLower(rand.Text())
		_, err = orders.Put(ctx, lockstore.Order{ID: installationID, Event: sharedEvent, Body: []byte(name)})
		if err != nil && !errors.Is(err, lockstore.ErrOrderChanged) && !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			return "", fmt.Errorf("payment: the name of the installation cannot be written: %w", err)
		}
	}
	return "", ErrBusy
}
