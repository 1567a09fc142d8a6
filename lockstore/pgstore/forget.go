package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
)

// forgetPause is how long Forget leaves the database to others between two steps.
const forgetPause = 5 * time.Millisecond

// The name of an event that is being forgotten has a space in it, which no event id has,
// and then the event's number. Its fingerprint is that of no layout, so calls that already
// have the event's number find that the event has another layout.
const (
	outOfUseSQL  = "UPDATE seatlock.event SET name = name || ' ' || id, fingerprint = '' WHERE name = $1 RETURNING id"
	forgottenSQL = "SELECT min(id) FROM seatlock.event WHERE starts_with(name, $1 || ' ')"
	bookedSQL    = `SELECT (SELECT count(*) FROM seatlock.event JOIN seatlock.seat ON seat.event = event.id WHERE event.name = $1 AND seat.until = 'infinity'),
		EXISTS (SELECT FROM seatlock.event WHERE name = $1 OR starts_with(name, $1 || ' '))`
)

// Booked returns how many seats of the event are booked, and reports whether the database
// has anything of the event besides its orders. The event's layout need not be known.
func (s *Store) Booked(ctx context.Context, id lockstore.EventID) (booked int, known bool, err error) {
	if err := id.Check(); err != nil {
		return 0, false, err
	}
	err = s.ask(ctx, lockstore.ErrUnavailable, bookedSQL, []any{string(id)}, &booked, &known)
	return booked, known, err
}

// Forget removes everything of the event except its orders from the database: its bookings
// are then gone, and the id can be used again, with any layout. Forgetting an event that
// the database does not have is not an error.
//
// Forget first takes the event out of use in one transaction. For that, it waits for running
// sales of the event, and they for it, for at most half a second. From then on, a process
// that still has the event sells all of its seats again. What is left of the event is then
// deleted in short transactions, which hold nobody up. If Forget fails, it may be
// called again and continues.
func (s *Store) Forget(ctx context.Context, id lockstore.EventID) error {
	if err := id.Check(); err != nil {
		return err
	}
	err := s.takeOutOfUse(ctx, id)
	for try := 1; try < attempts && waitedTooLong(err); try++ {
		err = s.takeOutOfUse(ctx, id)
	}
	if err != nil {
		return err
	}
	s.readSoon(id)
	s.notifySoon()
	// Another call may have been interrupted, so there can be several.
	for {
		var event *int32
		if err := s.ask(ctx, lockstore.ErrUnavailable, forgottenSQL, []any{string(id)}, &event); err != nil || event == nil {
			return err
		}
		for _, step := range forgetSteps {
			if err := s.deleteAll(ctx, step, *event); err != nil {
				return err
			}
		}
	}
}

// takeOutOfUse gives the event a name by which no call finds it, and deletes its log. What
// changes seats or numbers changes has ended by then, or finds the event gone.
func (s *Store) takeOutOfUse(ctx context.Context, id lockstore.EventID) error {
	return s.askBy(ctx, lockstore.ErrUnavailable, func(ctx context.Context, conn *pgxpool.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			// As in replace.sql: no transaction that changes seats is under way.
			if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', '500ms', true), pg_advisory_xact_lock(1399156852, hashtext($1))", string(id)); err != nil {
				return err
			}
			var event int32
			err := tx.QueryRow(ctx, outOfUseSQL, string(id)).Scan(&event)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			if err == nil {
				_, err = tx.Exec(ctx, "SELECT pg_advisory_xact_lock(1399156851, $1)", event) // nobody numbers changes meanwhile
			}
			if err == nil {
				_, err = tx.Exec(ctx, "DELETE FROM seatlock.log WHERE event = $1", event)
			}
			return err
		})
	})
}

// forgetSteps delete some rows of an event that is out of use. The journal is deleted from
// its end, so that a reader that still has the event's number finds no gap in it. The event
// itself is deleted last, so a call that is repeated finds what is left. Its kept list is
// deleted with it.
var forgetSteps = [...]string{
	"DELETE FROM seatlock.entry WHERE ctid = ANY (ARRAY(SELECT ctid FROM seatlock.entry WHERE event = $1 AND number IS NULL ORDER BY drawn DESC LIMIT 2000))",
	"DELETE FROM seatlock.entry WHERE ctid = ANY (ARRAY(SELECT ctid FROM seatlock.entry WHERE event = $1 AND number IS NOT NULL ORDER BY number DESC LIMIT 2000))",
	"DELETE FROM seatlock.seat WHERE ctid = ANY (ARRAY(SELECT ctid FROM seatlock.seat WHERE event = $1 ORDER BY place LIMIT 2000))",
	"DELETE FROM seatlock.change WHERE ctid = ANY (ARRAY(SELECT ctid FROM seatlock.change WHERE event = $1 ORDER BY xid LIMIT 2000))",
	"DELETE FROM seatlock.log WHERE event = $1",
	"DELETE FROM seatlock.event WHERE id = $1",
}

// deleteAll repeats a step until there is nothing to delete.
func (s *Store) deleteAll(ctx context.Context, step string, event int32) error {
	for {
		var deleted int64
		err := s.askBy(ctx, lockstore.ErrUnavailable, func(ctx context.Context, conn *pgxpool.Conn) error {
			tag, err := conn.Exec(ctx, step, event)
			deleted = tag.RowsAffected()
			return err
		})
		if err != nil || deleted == 0 {
			return err
		}
		select {
		case <-time.After(forgetPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waitedTooLong reports whether a call gave up waiting for a lock.
func waitedTooLong(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == lockNotAvailable
}
