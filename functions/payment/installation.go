package payment

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"seatlock/lockstore"
)

// installationID is the record that has the name of the installation.
const installationID lockstore.OrderID = "the.installation"

// Installation returns the name by which the installations that share an account at a
// provider are told apart, if none is configured. It was made at random for the store,
// which keeps it, so processes that share the store have the same one.
//
// A store that is lost as a whole takes the name with it, and the orders that the
// provider still has are then another installation's. A configured name is not lost.
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
