package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
)

const (
	// callTime bounds every call but Wait: a buyer waits for a second at most.
	callTime = 950 * time.Millisecond

	// patience is how long a call may wait for a connection.
	patience = 600 * time.Millisecond

	// attempts is how many times a call is made if the database undoes it or does not
	// have the event open.
	attempts = 4
)

// ask calls a function that returns one row, in a transaction of its own. If the answer
// is lost, the error is doubt.
func (s *Store) ask(ctx context.Context, doubt error, sql string, args []any, into ...any) error {
	return s.askBy(ctx, doubt, func(ctx context.Context, conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, sql, args...).Scan(into...)
	})
}

// askBy makes a call on a connection. It repeats a call that the database undid and,
// once the schema exists, one that the database did not understand.
func (s *Store) askBy(ctx context.Context, doubt error, call func(context.Context, *pgxpool.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var err error
	for range attempts {
		err = s.askOnce(bounded, doubt, call)
		switch {
		case err == nil:
			return nil
		case missing(err):
			if migrateErr := s.migrate(bounded); migrateErr != nil {
				err = migrateErr
			}
		case !undone(err):
			return cause(ctx, err)
		}
	}
	return cause(ctx, err)
}

// cause returns the context's error if it ended and nothing was done, and else err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		return ctx.Err()
	}
	return err
}

func (s *Store) askOnce(ctx context.Context, doubt error, call func(context.Context, *pgxpool.Conn) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	// The end of the caller's context must neither close the connection nor make
	// the outcome unknown. The end of the call's own time does both.
	deadline, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	return outcome(call(ctx, conn), doubt)
}

// acquire takes a connection from the pool. The caller must release it. It waits for at
// most patience.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.acquireBy(bounded)
}

// acquireBy is acquire for a context with a deadline, until which it waits.
func (s *Store) acquireBy(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: no connection to PostgreSQL: %w", lockstore.ErrUnavailable, oneLine{err})
	}
	return conn, nil
}

// oneLine is an error on one line: pgx uses a line for each address that it tried.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

// Unwrap returns the error.
func (e oneLine) Unwrap() error { return e.error }

// errLosesStatements is the error of a pooler that loses prepared statements.
var errLosesStatements = errors.New("a pooler between this program and PostgreSQL loses prepared statements: add default_query_exec_mode=cache_describe to the URL")

// outcome reports, by the error of a statement, whether it can have taken effect:
// not if it was never sent, and not if the server reports that it failed. The end
// of a connection does not tell: it may have come after the commit. Its error is
// then doubt.
func outcome(err, doubt error) error {
	switch e, answered := errors.AsType[*pgconn.PgError](err); {
	case err == nil:
		return nil
	case answered && (e.Code == noStatement || e.Code == statementTwice):
		return fmt.Errorf("%w: %w: %w", lockstore.ErrUnavailable, errLosesStatements, err)
	case answered && failed(e), pgconn.SafeToRetry(err):
		return fmt.Errorf("%w: %w", lockstore.ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", doubt, err)
}

// failed reports whether an error means that the statement changed nothing. A
// server that ends a connection, with a FATAL error, may do so while a commit
// waits for a standby. A pooler that loses its server sends an ERROR nevertheless,
// with a code of one of the classes below. A server sends such errors too, but so
// seldom that the caller can as well repeat the call.
func failed(e *pgconn.PgError) bool {
	if e.SeverityUnlocalized != "ERROR" || len(e.Code) != 5 {
		return false
	}
	switch e.Code[:2] {
	case "08", // connection exception
		"57", // operator intervention
		"58", // system error
		"XX": // internal error
		return e.Code == queryCanceled
	}
	return e.Code != completionUnknown
}

// Codes of errors, by PostgreSQL's manual. Each of them but completionUnknown means
// that nothing was done.
const (
	completionUnknown    = "40003"
	queryCanceled        = "57014"
	readOnly             = "25006"
	serializationFailure = "40001"
	deadlock             = "40P01"
	stalePlan            = "0A000" // the columns of a function's answer have changed; pgx asks for them again
	undefinedFunction    = "42883"
	undefinedTable       = "42P01"
	noSchema             = "3F000"
	noStatement          = "26000"
	statementTwice       = "42P05"
	forbidden            = "42501"
	lockNotAvailable     = "55P03"
)

// undone reports whether the database undid a call for the sake of another, or the call
// was never sent, so that it can be made again.
func undone(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failed(e) && (e.Code == serializationFailure || e.Code == deadlock || refused(e))
	}
	return errors.Is(err, lockstore.ErrUnavailable) && pgconn.SafeToRetry(err)
}

// refused reports whether the error may be that of a server that takes no writes.
// Such a server does not even read the tables that are not logged, and reports
// that with the code of a stale plan.
func refused(e *pgconn.PgError) bool { return e.Code == readOnly || e.Code == stalePlan }

// missing reports whether the database lacks something that the program needs.
func missing(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == undefinedFunction || e.Code == undefinedTable || e.Code == noSchema)
}
