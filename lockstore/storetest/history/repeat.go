package history

import (
	"context"
	"errors"
	"slices"
	"time"

	"seatlock/lockstore"
)

// Repeat makes the call again and again while its error is one of those, and
// returns the last error. Without any they are [lockstore.ErrUnavailable] and
// [lockstore.ErrOutcomeUnknown]: Repeat then returns once the outcome is known. It
// stops when the context ends, and after a minute.
func Repeat(ctx context.Context, call func() error, those ...error) error {
	if len(those) == 0 {
		those = []error{lockstore.ErrUnavailable, lockstore.ErrOutcomeUnknown}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := call()
		if !slices.ContainsFunc(those, func(e error) bool { return errors.Is(err, e) }) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}
