package pgstore

import (
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"seatlock/lockstore"
)

// TestOutcome checks which errors of a statement leave open whether it took effect.
func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		severity, code string
		unknown        bool
		why            string
	}{
		{"ERROR", "40001", false, "serialization failure"},
		{"ERROR", "40P01", false, "deadlock"},
		{"ERROR", "55P03", false, "lock timeout"},
		{"ERROR", "57014", false, "canceled, before the commit"},
		{"ERROR", "25006", false, "read-only"},
		{"ERROR", "0A000", false, "unlogged table of a standby, or stale plan"},
		{"ERROR", "23505", false, "unique violation"},
		{"ERROR", "42883", false, "undefined function"},
		{"ERROR", "26000", false, "a statement that the pooler lost"},
		{"ERROR", "53100", false, "disk full"},
		{"ERROR", "40003", true, "statement completion unknown"},
		{"ERROR", "08006", true, "a pooler lost its server: Odyssey's code"},
		{"ERROR", "08P01", true, "a pooler lost its server: PgBouncer's code"},
		{"ERROR", "08000", true, "a pooler lost its server"},
		{"ERROR", "57P01", true, "a pooler passes on that the server shuts down"},
		{"ERROR", "57P02", true, "crash of another process"},
		{"ERROR", "57P03", true, "cannot connect now"},
		{"ERROR", "57000", true, "operator intervention, of a pooler"},
		{"ERROR", "58000", true, "system error, of a pooler"},
		{"ERROR", "XX000", true, "internal error, of a pooler"},
		{"ERROR", "", true, "no code"},
		{"FATAL", "57P01", true, "the server shuts down, perhaps while a commit waits for a standby"},
		{"FATAL", "08P01", true, "PgBouncer closes a connection"},
		{"FATAL", "40001", true, "what ends a connection may have come after a commit"},
		{"PANIC", "53100", true, "the server crashes"},
	} {
		err := outcome(&pgconn.PgError{Severity: "ФАТАЛЬНО", SeverityUnlocalized: c.severity, Code: c.code}, lockstore.ErrOutcomeUnknown)
		if got := errors.Is(err, lockstore.ErrOutcomeUnknown); got != c.unknown {
			t.Errorf("%s %s (%s): %v", c.severity, c.code, c.why, err)
		}
		if unavailable := errors.Is(err, lockstore.ErrUnavailable); unavailable == c.unknown {
			t.Errorf("%s %s (%s): %v", c.severity, c.code, c.why, err)
		}
		if undone(err) && c.unknown {
			t.Errorf("%s %s (%s): the call is made again", c.severity, c.code, c.why)
		}
	}
	if err := outcome(io.ErrUnexpectedEOF, lockstore.ErrOutcomeUnknown); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("a connection that ends: %v", err)
	}
}
