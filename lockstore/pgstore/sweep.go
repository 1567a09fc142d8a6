package pgstore

import (
	"context"
	"time"

	"seatlock/lockstore"
)

// sweepPause is how long sweep leaves the database to others between two steps.
const sweepPause = 10 * time.Millisecond

// sweep deletes the changes that the event's log passed over when it began anew.
// They slow nothing down. If sweep fails, they stay until the log begins anew again.
func (s *Store) sweep(id lockstore.EventID) {
	s.sweeping.Lock() // one at a time is enough
	defer s.sweeping.Unlock()
	for since := "0"; ; time.Sleep(sweepPause) {
		var next *string
		err := s.ask(context.Background(), lockstore.ErrUnavailable, "SELECT seatlock.sweep($1, $2)", []any{string(id), since}, &next)
		if err != nil || next == nil {
			return
		}
		since = *next
	}
}
