package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"seatlock/lockstore"
)

// The files named by a number make and change the tables, one after the other,
// each once. The others are functions, and are installed after them. Any change
// needs a new number, so that databases get it. Functions must keep working for
// programs of the number before, which run while others are replaced: a function whose
// arguments or results change gets a new name, and the old one stays in the
// database until the number after.
//
//go:embed sql/*.sql
var sqlFiles embed.FS

// migrationLock is the advisory lock that lets only one program at a time migrate.
// The functions use the numbers after it for other things: 1399156850 in
// settled.sql, 1399156851 in number.sql, 1399156852 in replace.sql, 1399156853 in
// enter.sql and 1399156854 in keep.sql.
const migrationLock = 1399156849

// ErrNewer is returned when the database was made for a newer version of the
// program.
var ErrNewer = errors.New("pgstore: the database was made for a newer version of this program: run that")

// Migrate creates the tables and functions that the program needs, or updates them,
// and reports whether there was anything to do. Any number of
// programs may call it at the same time. It fails with [ErrNewer] if a newer
// program has changed the database. A call that fails has changed nothing.
func (s *Store) Migrate(ctx context.Context) (changed bool, err error) {
	steps, functions, err := scripts()
	if err != nil {
		return false, err
	}
	conn, err := s.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	// In most cases there is nothing to do, and no lock is needed to see that.
	have, err := schemaVersion(ctx, conn)
	if err == nil && have < len(steps) {
		changed = true
		for {
			err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
				return apply(ctx, tx, steps, functions)
			})
			if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != lockNotAvailable || wait(ctx, lockPause) != nil {
				break
			}
		}
	}
	switch {
	case err == nil && have > len(steps):
		return false, ErrNewer
	case err == nil:
		return changed, nil
	case errors.Is(err, ErrNewer):
		return false, err
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == forbidden {
		return false, fmt.Errorf("pgstore: the database needs the tables and functions of this version, in a schema seatlock, and this user may not create or use them: %w", err)
	}
	return false, fmt.Errorf("%w: %w", lockstore.ErrUnavailable, err)
}

// migrateTime bounds a migration that a call starts.
const migrateTime = 2 * time.Minute

// A migration that waits for a table holds up every sale behind it. So it waits for
// less than a sale does, and gives sales time before it tries again.
const lockPause = time.Second

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// migrate is Migrate for a call that found something missing. If the call's context
// ends first, the migration goes on: on a slow server it takes longer than a call may,
// and would otherwise never finish.
func (s *Store) migrate(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), migrateTime)
		defer cancel()
		_, err := s.Migrate(ctx)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: the tables are still being made: %w", lockstore.ErrUnavailable, ctx.Err())
	}
}

// scripts reads the files: the numbered ones in order, and the others.
func scripts() (steps, functions []string, err error) {
	entries, err := sqlFiles.ReadDir("sql") // sorted by name
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		text, err := sqlFiles.ReadFile("sql/" + entry.Name())
		if err != nil {
			return nil, nil, err
		}
		if strings.ContainsAny(entry.Name()[:1], "0123456789") {
			steps = append(steps, string(text))
		} else {
			functions = append(functions, string(text))
		}
	}
	return steps, functions, nil
}

// schemaVersion returns how many steps the database has taken.
func schemaVersion(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) (int, error) {
	// Looking up the name with to_regclass would miss what another program created
	// while this one waited for the lock.
	var there bool
	if err := db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'seatlock' AND tablename = 'version')").Scan(&there); err != nil || !there {
		return 0, err
	}
	var n int
	err := db.QueryRow(ctx, "SELECT coalesce(max(number), 0) FROM seatlock.version").Scan(&n)
	return n, err
}

// lockTables locks all tables of the schema. A sale reads the event's row before
// anything else, so event is locked first: then no sale that holds a table waits for
// one that is locked here. Otherwise each attempt could fail in the same way for as long
// as seats are sold.
func lockTables(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '200ms'"); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'seatlock' ORDER BY tablename <> 'event', tablename")
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "LOCK TABLE "+strings.Join(tables, ", ")+" IN ACCESS EXCLUSIVE MODE")
	return err
}

// apply takes the steps that the database has not taken, and keeps other programs from
// doing so meanwhile.
func apply(ctx context.Context, tx pgx.Tx, steps, functions []string) error {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
		return err
	}
	have, err := schemaVersion(ctx, tx)
	switch {
	case err != nil:
		return err
	case have > len(steps):
		return ErrNewer
	case have == len(steps):
		return nil // another was faster
	}
	todo := slices.Concat(steps[have:], functions)
	if have > 0 {
		if err := lockTables(ctx, tx); err != nil {
			return err
		}
	} else {
		// Not CREATE SCHEMA IF NOT EXISTS, which needs more rights even if the schema exists.
		var there bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'seatlock')").Scan(&there); err != nil {
			return err
		}
		todo = slices.Insert(todo, 0, "CREATE TABLE seatlock.version (number int PRIMARY KEY, made timestamptz NOT NULL DEFAULT now())")
		if !there {
			todo = slices.Insert(todo, 0, "CREATE SCHEMA seatlock")
		}
	}
	for _, script := range todo {
		if _, err := tx.Conn().PgConn().Exec(ctx, script).ReadAll(); err != nil {
			return err
		}
	}
	for n := have + 1; n <= len(steps); n++ {
		if _, err := tx.Exec(ctx, "INSERT INTO seatlock.version (number) VALUES ($1)", n); err != nil {
			return err
		}
	}
	return nil
}
