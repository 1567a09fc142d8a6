package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seatlock/lockstore"
)

// A retryError is the answer to a call for which nothing was done and that must be
// sent again: with the owners of its seats, or once the event has been admitted.
type retryError struct {
	owners []lockstore.UserID // nil if the map key had another text
}

func (*retryError) Error() string { return "redisstore: the call must be sent again" }

// ownedBy returns the error of a call that must name the owners of its seats.
func ownedBy(names []any) error {
	owners := make([]lockstore.UserID, len(names))
	for i, name := range names {
		text, _ := name.(string)
		owners[i] = lockstore.UserID(text)
	}
	return &retryError{owners}
}

// doAgain carries out work whose first answer was retry. It ends by the given time.
//
// The keys of a script must be known when it is sent, so that a Cluster can check
// where they are. The users who have some seats are known only from an answer. If a
// seat changes hands meanwhile, there is another round.
func (s *Store) doAgain(ctx context.Context, by time.Time, qs *queues, w work, retry *retryError) (lockstore.Result, error) {
	bounded, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	for {
		if retry.owners != nil {
			w.owners = retry.owners
		} else if err := s.admit(bounded, w.ev); err != nil {
			return lockstore.Result{}, endedBy(ctx, err)
		}
		result, err := s.doOnce(bounded, qs, w)
		again := false
		if retry, again = errors.AsType[*retryError](err); again && bounded.Err() == nil {
			continue
		}
		if again {
			err = fmt.Errorf("%w: the seats changed hands too often", lockstore.ErrUnavailable)
		}
		if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, lockstore.ErrOutcomeUnknown) && ctx.Err() == nil { // the call was not sent
			err = unavailable(err)
		}
		return result, err
	}
}

// endedBy returns the error of the context if it has ended, and else err, which is
// that of a call that did nothing.
func endedBy(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// millis returns the time in the form that the scripts take, "" for none.
func millis(t time.Time) any {
	if t.IsZero() {
		return ""
	}
	return t.UnixMilli()
}
