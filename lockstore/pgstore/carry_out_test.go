package pgstore_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
)

// carryOut makes a call for one seat, numbered from 1, in a transaction of the test.
// The error of a refusal is its reason.
func carryOut(t *testing.T, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, ev *lockstore.Event, kind lockstore.Kind, seat int, user lockstore.UserID) error {
	t.Helper()
	one := []int32{1}
	var outcomes []string
	err := db.QueryRow(t.Context(), "SELECT outcomes FROM seatlock.carry_out($1, $2, $3, false, $4, $5, '{0}', $6, $7, $8, $6, $6, $9, $6, $6, $6, NULL, NULL, NULL, NULL, NULL, NULL)",
		kind.String(), ev.LockTTL, ev.SeatLimit, []string{string(ev.ID)}, []string{ev.Fingerprint()},
		one, []int32{int32(seat - 1)}, []string{"A" + strconv.Itoa(seat)}, []string{string(user)}).Scan(&outcomes)
	if err == nil && len(outcomes) == 1 && outcomes[0] != "ok" {
		err = lockstore.Reason(outcomes[0])
	}
	return err
}
