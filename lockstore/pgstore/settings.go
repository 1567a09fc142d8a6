package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// oldestPostgres is the oldest version that is supported: older ones no longer get
// fixes.
const oldestPostgres = 14

// ErrSettings is returned when the database has settings under which it cannot
// keep what it acknowledges.
var ErrSettings = errors.New("pgstore: PostgreSQL has a setting that loses seats")

// A settingsError is an ErrSettings with its reason.
type settingsError struct{ reason string }

func (e *settingsError) Error() string { return ErrSettings.Error() + ": " + e.reason }

// Unwrap returns ErrSettings.
func (e *settingsError) Unwrap() error { return ErrSettings }

// errReplica is the error of a server that follows another.
var errReplica = errors.New("this PostgreSQL is a replica and takes no writes")

// settings decide whether a server can be relied on.
type settings struct {
	database, version, replica  string
	commit, isolation, readOnly string
	fsync, pages                string
}

const settingsSQL = `SELECT current_database(), current_setting('server_version_num'), pg_is_in_recovery()::text,
	current_setting('synchronous_commit'), current_setting('default_transaction_isolation'), current_setting('default_transaction_read_only'),
	current_setting('fsync'), current_setting('full_page_writes'), `

// readSettings asks a connection for the settings of its server, in one round trip
// and without a statement that a pooler would have to remember. more is a
// further expression, whose value is not returned.
func readSettings(ctx context.Context, conn *pgconn.PgConn, more string) (s settings, err error) {
	results, err := conn.Exec(ctx, settingsSQL+more).ReadAll()
	if err != nil {
		return s, err
	}
	into := []*string{&s.database, &s.version, &s.replica, &s.commit, &s.isolation, &s.readOnly, &s.fsync, &s.pages}
	if len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) <= len(into) {
		return s, fmt.Errorf("PostgreSQL answered the question for its settings with %v", results)
	}
	for i := range into {
		*into[i] = string(results[0].Rows[0][i])
	}
	return s, nil
}

// judge returns an error if a server with the settings cannot be relied on, and
// else warnings for the operator.
func (s *settings) judge() (warnings []string, err error) {
	refuse := func(setting, is, want, why string) error {
		return &settingsError{fmt.Sprintf("%s is %s, %s; fix it with: ALTER DATABASE %s SET %s = '%s'", setting, is, why, s.database, setting, want)}
	}
	version, err := strconv.Atoi(s.version)
	switch {
	case err != nil:
		return nil, err
	case version < oldestPostgres*10000:
		return nil, &settingsError{fmt.Sprintf("this is PostgreSQL %d; it must be %d or newer", version/10000, oldestPostgres)}
	case s.replica != "false":
		return nil, errReplica
	case s.commit == "off":
		return nil, refuse("synchronous_commit", s.commit, "on", "so a crash forgets bookings that were confirmed, and their seats are sold again")
	case s.isolation != "read committed":
		return nil, refuse("default_transaction_isolation", s.isolation, "read committed", "so a call would not see what those before it have done")
	case s.readOnly != "off":
		return nil, refuse("default_transaction_read_only", s.readOnly, "off", "so no seat can be locked")
	}
	if s.fsync == "off" {
		warnings = append(warnings, "fsync is off: if the machine stops, bookings are lost, or the whole database is; fix it with: ALTER SYSTEM SET fsync = on")
	}
	if s.pages == "off" {
		warnings = append(warnings, "full_page_writes is off: if the machine stops, the database may be damaged; fix it with: ALTER SYSTEM SET full_page_writes = on")
	}
	return warnings, nil
}
