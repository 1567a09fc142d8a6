package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
)

// CarryOut makes a call of carry_out as a batch of one operation does, in a transaction
// of the caller's, and returns its outcomes.
func CarryOut(ctx context.Context, tx pgx.Tx, ev *lockstore.Event, op lockstore.Op) ([]string, error) {
	w, err := workOf(ev, op)
	if err != nil {
		return nil, err
	}
	var a answers
	calls := []*call{{Work: w}}
	err = tx.QueryRow(ctx, carryOutSQL, args(calls)...).Scan(&a.clock, &a.outcomes, &a.depends, &a.expires, &a.held, &a.marks, &a.untils)
	if err != nil {
		return nil, err
	}
	all, err := a.of(calls)
	if err != nil {
		return nil, err
	}
	return []string{all[0].outcome}, nil
}

// KeepEveryList makes the store keep and build on full lists of any number of seats.
func KeepEveryList(s *Store) { s.keepFrom = 1 }
