package pgstore

import (
	"context"
	"errors"
	"fmt"

	"seatlock/lockstore"
)

// Check checks that PostgreSQL can be relied on. It fails with
// [lockstore.ErrUnavailable] if no database that takes writes can be reached, and
// with [ErrSettings] if the database would lose bookings that were acknowledged.
// The warnings are for the operator.
//
// A pool that [Pool] made checks the same of each server that it connects to. It
// uses none that fails, so calls then fail with [lockstore.ErrUnavailable].
func (s *Store) Check(ctx context.Context) (warnings []string, err error) {
	conn, err := s.acquire(ctx)
	if e, ok := errors.AsType[*settingsError](err); ok {
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	found, err := readSettings(ctx, conn.Conn().PgConn(), "''")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", lockstore.ErrUnavailable, err)
	}
	return found.judge()
}
