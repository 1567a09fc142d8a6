package pgstore

import (
	"context"
	"time"

	"seatlock/lockstore"
)

const (
	// sweepPause is how long sweep leaves the database to others between two steps.
	sweepPause = 10 * time.Millisecond

	// sweepTries is how many times in a row a step may fail. sweep then waits for
	// sweepRest: the database may be busy.
	sweepTries = 3
	sweepRest  = time.Second
)

// sweep deletes the changes that the event's log skipped when it restarted.
// They slow nothing down. If it fails again and again, they stay until the log
// restarts the next time.
func (s *Store) sweep(id lockstore.EventID) {
	s.sweeping.Lock() // one at a time is enough
	defer s.sweeping.Unlock()
	failed := 0
	for since := "0"; failed < sweepTries; {
		var next *string
		err := s.ask(context.Background(), lockstore.ErrUnavailable, "SELECT seatlock.sweep($1, $2)", []any{string(id), since}, &next)
		switch {
		case err != nil:
			failed++
			time.Sleep(sweepRest)
		case next == nil:
			return
		default:
			failed, since = 0, *next
			time.Sleep(sweepPause)
		}
	}
}
