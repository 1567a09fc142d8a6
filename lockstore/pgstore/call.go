package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"seatlock/lockstore"
)

const (
	// callTime bounds every call but Wait: a shopper is told within a second.
	callTime = 950 * time.Millisecond

	// patience is how long a call may wait for a connection.
	patience = 400 * time.Millisecond

	// attempts is how often a call is made that the database undid.
	attempts = 4
)

// mode has every statement go without a name, so that a pooler may give each
// transaction another connection to the database. What a function's arguments
// are is asked once a connection. The plans that matter are those in the
// functions, which every connection to the database keeps.
const mode = pgx.QueryExecModeCacheDescribe

// ask calls a function that answers one row, in a transaction of its own. What
// the database undid is asked again, and so is what it did not understand, once
// the schema is there. Doubt is the error of a call whose answer is lost.
func (s *Store) ask(ctx context.Context, doubt error, sql string, args []any, into ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var err error
	for range attempts {
		err = s.askOnce(bounded, doubt, sql, args, into)
		switch {
		case err == nil:
			return nil
		case missing(err):
			if _, migrateErr := s.migrate(bounded); migrateErr != nil {
				err = migrateErr
			}
		case !undone(err):
			return cause(ctx, err)
		}
	}
	return cause(ctx, err)
}

// cause is the context's error, if it ended and nothing was done, else err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		return ctx.Err()
	}
	return err
}

func (s *Store) askOnce(ctx context.Context, doubt error, sql string, args []any, into []any) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	// Whoever leaves does not take the connection along, nor leave open what came
	// of the call; whoever has no more time does.
	deadline, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	return outcome(conn.QueryRow(ctx, sql, append([]any{mode}, args...)...).Scan(into...), doubt)
}

// outcome says of the error of a statement whether it can have taken effect:
// not if it never went out, and not if the database says that it failed. The
// end of a connection says nothing: it may have come after the commit. That is
// a case for doubt.
func outcome(err, doubt error) error {
	switch e, told := errors.AsType[*pgconn.PgError](err); {
	case err == nil:
		return nil
	case told && e.SeverityUnlocalized == "ERROR":
		return fmt.Errorf("%w: %w", lockstore.ErrUnavailable, err)
	case pgconn.SafeToRetry(err):
		return fmt.Errorf("%w: %w", lockstore.ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", doubt, err)
}

// undone tells that the database undid a call for the sake of another, or that
// it never went out, so that it may as well be made again.
func undone(err error) bool {
	const serializationFailure, deadlock = "40001", "40P01"
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == serializationFailure || e.Code == deadlock
	}
	return errors.Is(err, lockstore.ErrUnavailable) && pgconn.SafeToRetry(err)
}

// missing tells that the database does not have what the program needs of it.
func missing(err error) bool {
	const undefinedFunction, undefinedTable, noSchema = "42883", "42P01", "3F000"
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == undefinedFunction || e.Code == undefinedTable || e.Code == noSchema)
}
