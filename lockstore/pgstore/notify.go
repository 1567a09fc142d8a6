package pgstore

import (
	"context"
	"time"

	"seatlock/lockstore"
)

// notifySoon makes other processes read versions, after a call that changed
// something. It does not wait: in the whole server, PostgreSQL commits transactions
// that notify one at a time, so a caller could wait for those of others. A
// failure does no harm, since other processes also read from time to time.
func (s *Store) notifySoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unnotified = true
	if !s.notifying {
		s.notifying = true
		go s.notify()
	}
}

// notify notifies other processes until there is nothing to notify them of, at most
// once every notifyTime.
func (s *Store) notify() {
	for s.takeUnnotified() {
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), callTime)
		var nothing string
		_ = s.ask(ctx, lockstore.ErrUnavailable, "SELECT pg_notify('seatlock', '')::text", nil, &nothing)
		cancel()
		time.Sleep(notifyTime - time.Since(began))
	}
}

// takeUnnotified reports whether something changed since the last notification. If
// not, it counts the goroutine as ended.
func (s *Store) takeUnnotified() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notifying = s.unnotified
	s.unnotified = false
	return s.notifying
}
