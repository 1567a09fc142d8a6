package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"seatlock/lockstore"
)

// oldestPostgres is the first version that is known to do: older ones get no
// fixes any more.
const oldestPostgres = 14

// ErrSettings is returned by [Store.Check] when the database has settings under
// which it cannot keep what it acknowledges.
var ErrSettings = errors.New("pgstore: PostgreSQL has a setting that loses seats")

// facts are what Check asks for.
const factsSQL = `SELECT current_database(), current_setting('server_version_num')::int, pg_is_in_recovery(),
	current_setting('synchronous_commit'), current_setting('default_transaction_isolation'), current_setting('default_transaction_read_only'),
	current_setting('fsync'), current_setting('full_page_writes')`

// Check checks that PostgreSQL can be relied on. It fails with
// [lockstore.ErrUnavailable] if the database cannot be reached, and with another
// error, such as [ErrSettings], if it would lose bookings that were acknowledged.
// The warnings are for the operator.
func (s *Store) Check(ctx context.Context) (warnings []string, err error) {
	var database, commit, isolation, readOnly, fsync, pages string
	var version int
	var replica bool
	err = s.ask(ctx, lockstore.ErrUnavailable, factsSQL, nil, &database, &version, &replica, &commit, &isolation, &readOnly, &fsync, &pages)
	if err != nil {
		return nil, err
	}
	refuse := func(setting, is, want, why string) error {
		return fmt.Errorf("%w: %s is %s, %s; fix it with: ALTER DATABASE %s SET %s = '%s'", ErrSettings, setting, is, why, database, setting, want)
	}
	switch {
	case version < oldestPostgres*10000:
		return nil, fmt.Errorf("pgstore: this is PostgreSQL %s; it must be %d or newer", strconv.Itoa(version/10000), oldestPostgres)
	case replica:
		return nil, errors.New("pgstore: this PostgreSQL is a replica and takes no writes: give the address of the primary")
	case commit == "off":
		return nil, refuse("synchronous_commit", commit, "on", "so a crash forgets bookings that were confirmed, and their seats are sold again")
	case isolation != "read committed":
		return nil, refuse("default_transaction_isolation", isolation, "read committed", "so a call would not see what those before it have done")
	case readOnly != "off":
		return nil, refuse("default_transaction_read_only", readOnly, "off", "so no seat can be locked")
	}
	if fsync == "off" {
		warnings = append(warnings, "fsync is off: if the machine stops, bookings are lost, or the whole database is; fix it with: ALTER SYSTEM SET fsync = on")
	}
	if pages == "off" {
		warnings = append(warnings, "full_page_writes is off: if the machine stops, the database may be damaged; fix it with: ALTER SYSTEM SET full_page_writes = on")
	}
	return warnings, nil
}
