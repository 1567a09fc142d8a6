package client

import (
	"context"
	"errors"
	"iter"

	"seatlock/lockstore"
)

// Roster implements [lockstore.LockStore]. The API does not have it yet: it fails
// with [errors.ErrUnsupported].
func (c *Client) Roster(context.Context, *lockstore.Event, lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	return "", func(yield func(lockstore.Holding, error) bool) {
		yield(lockstore.Holding{}, errors.ErrUnsupported)
	}
}

// Journal implements [lockstore.LockStore]. The API does not have it yet: it fails
// with [errors.ErrUnsupported].
func (c *Client) Journal(context.Context, *lockstore.Event, lockstore.Seq, int) ([]lockstore.Entry, error) {
	return nil, errors.ErrUnsupported
}
