package pgstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
)

const (
	// pollTime is how long waiters may take to notice a change without a notification:
	// some are lost with a connection, and a pooler passes none on.
	pollTime = 250 * time.Millisecond

	// notifyTime is the shortest time between two notifications of a process.
	notifyTime = 20 * time.Millisecond

	// restTime is the least that readVersions rests between two reads.
	restTime = 5 * time.Millisecond

	// lingerTime is how long readVersions goes on without waiters, for callers that wait
	// again and again.
	lingerTime = 2 * time.Second
)

// Wait implements [lockstore.LockStore]. All waiters of a process share one
// connection, which is not one of the pool's, whatever their events. If the
// database becomes unreachable, Wait fails with [lockstore.ErrUnavailable].
func (s *Store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	from := parseMark(since)
	if from.number < 0 {
		_, err := s.beyond(ctx, ev, from) // every event has moved past it
		return err
	}
	w := s.versions.Join(ev.ID, progress{mark: from})
	defer w.Leave()
	if beyond, err := s.beyond(ctx, ev, from); beyond || err != nil {
		return err
	}
	for {
		now, err := w.Next(ctx)
		if err == nil && now.number < from.number {
			// This was read before since was listed, or the log has restarted.
			var beyond bool
			if beyond, err = s.beyond(ctx, ev, from); err == nil && !beyond {
				continue
			}
		}
		if err != nil || now != (progress{mark: from}) {
			return err
		}
	}
}

// A progress is how far an event has come.
type progress struct {
	mark
	unnumbered bool // there are changes after the mark that have no number yet
}

const versionsSQL = "SELECT name, fingerprint, number, nonce, beyond FROM seatlock.newest($1)"

// beyond reports whether the event has moved past the mark. It opens the event if
// necessary.
func (s *Store) beyond(ctx context.Context, ev *lockstore.Event, from mark) (bool, error) {
	for range attempts {
		var name, fingerprint string
		var now progress
		err := s.ask(ctx, lockstore.ErrUnavailable, versionsSQL+" UNION ALL SELECT '', '', 0, '', true LIMIT 1", []any{[]string{string(ev.ID)}},
			&name, &fingerprint, &now.number, &now.nonce, &now.unnumbered)
		if err != nil {
			return false, err
		}
		switch {
		case name == "":
			if err := s.Open(ctx, ev); err != nil {
				return false, err
			}
		case fingerprint != ev.Fingerprint():
			if err := s.Open(ctx, ev); err != nil {
				return false, err
			}
		default:
			return now != progress{mark: from}, nil
		}
	}
	return false, errNotOpen
}

// readSoon makes readVersions read now if the event has waiters.
func (s *Store) readSoon(id lockstore.EventID) {
	if !s.versions.HasWaiters(id) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readNow = true
	if s.interrupt != nil {
		s.interrupt()
	}
}

// readVersions reads how far the events with waiters have come until there are none. It
// reads when another process notifies it, when this process changed such an event, and
// from time to time. It has a connection of its own.
func (s *Store) readVersions(waited iter.Seq[map[lockstore.EventID]progress]) error {
	pooled, err := s.acquire(context.Background())
	if err != nil {
		return err
	}
	conn := pooled.Hijack() // the pool makes another if it needs one
	defer func() {
		_ = bounded(conn.Close) // the connection is no longer needed
	}()
	err = bounded(func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "LISTEN seatlock")
		return err
	})
	rest := pollTime
	for events := range waited {
		if err == nil && len(events) > 0 {
			err = bounded(func(ctx context.Context) error { return s.publish(ctx, conn, events) })
		}
		if err == nil {
			time.Sleep(restTime)
			rest, err = s.rest(conn, rest)
		}
		if err != nil {
			return fmt.Errorf("%w: waiting for changes: %w", lockstore.ErrUnavailable, err)
		}
	}
	return nil
}

// bounded bounds the time of something that should be quick.
func bounded(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	return f(ctx)
}

// publish reads how far the events have come and passes it to the waiters.
func (s *Store) publish(ctx context.Context, conn *pgx.Conn, events map[lockstore.EventID]progress) error {
	ids := make([]string, 0, len(events))
	for id := range events {
		ids = append(ids, string(id))
	}
	rows, err := conn.Query(ctx, versionsSQL, ids)
	if err != nil {
		return err
	}
	var id, fingerprint string
	var now progress
	there := make(map[lockstore.EventID]bool)
	_, err = pgx.ForEachRow(rows, []any{&id, &fingerprint, &now.number, &now.nonce, &now.unnumbered}, func() error {
		there[lockstore.EventID(id)] = true
		s.versions.Publish(lockstore.EventID(id), now)
		return nil
	})
	if err != nil {
		return err
	}
	for id := range events {
		if !there[id] { // the event was forgotten after the waiter looked
			s.versions.Publish(id, progress{})
		}
	}
	return nil
}

// rest returns when there is reason to read, or after most. It also returns how long the
// next rest may be: shortly after a notification, there may be changes that are not
// notified of.
func (s *Store) rest(conn *pgx.Conn, most time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	s.mu.Lock()
	now := s.readNow
	s.readNow, s.interrupt = false, cancel
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.readNow, s.interrupt = false, nil
	}()
	if now {
		return pollTime, nil
	}
	_, err := conn.WaitForNotification(ctx)
	switch {
	case err == nil:
		cancel() // the other notifications that have arrived mean the same, and would be kept
		for err == nil {
			_, err = conn.WaitForNotification(ctx)
		}
		return notifyTime, nil
	case ctx.Err() != nil && !conn.IsClosed():
		return pollTime, nil
	}
	return 0, err
}
