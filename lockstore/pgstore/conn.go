package pgstore

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// connectTime is how long it may take to make a connection. A call does not
	// wait that long; the connection is then there for the next.
	connectTime = 3 * time.Second

	// recheckTime is how long a connection is used before it is checked again. Its
	// server may get other settings, and a pooler may use another server for it.
	recheckTime = 5 * time.Second

	// connLife is how long a connection is used: a name may come to mean another
	// server while the previous one keeps running.
	connLife = 2 * time.Minute
)

// sessionSettings make the server end a connection whose other end is silent, so
// that a transaction of a client that vanished does not hold others up for long. The
// server's own settings would allow it two hours.
var sessionSettings = []string{
	"tcp_keepalives_idle=1", "tcp_keepalives_interval=1", "tcp_keepalives_count=1", // seconds, and probes
	"tcp_user_timeout=1500", // milliseconds
	"idle_in_transaction_session_timeout=2000",
}

// connections makes a pool keep connections only to servers that can be relied on.
func connections(c *pgxpool.Config) {
	var state poolState
	c.ConnConfig.ConnectTimeout = connectTime
	c.ConnConfig.DialFunc = (&net.Dialer{Timeout: connectTime}).DialContext
	c.ConnConfig.ValidateConnect = state.validate
	c.ConnConfig.OnPgError = state.suspect(c.ConnConfig.OnPgError)
	c.PrepareConn = state.prepare
	c.BeforeClose = abandon
	c.PingTimeout = patience / 2 // of a connection that was idle for a second
	c.MaxConnLifetime, c.MaxConnLifetimeJitter = connLife, connLife/4
	// A firewall that forgets an idle connection notifies neither end.
	c.MaxConnIdleTime = 5 * time.Minute
}

// A poolState is what a pool knows of its connections.
type poolState struct {
	suspected atomic.Int64 // when a server was last suspected to take no writes, in Unix nanoseconds
}

// validatedKey is the key of the time of the last validation in a connection's data.
const validatedKey = "seatlock.validated"

// validate returns an error if the server cannot be relied on: it takes no writes,
// or has settings that lose bookings. It gives the connection its settings.
func (p *poolState) validate(ctx context.Context, conn *pgconn.PgConn) error {
	now := time.Now()
	found, err := readSettings(ctx, conn, sessionSQL(conn.PID()))
	if err == nil {
		_, err = found.judge()
	}
	if err == nil {
		conn.CustomData()[validatedKey] = now
	}
	return err
}

// prepare reports whether a connection of the pool may be used.
func (p *poolState) prepare(ctx context.Context, conn *pgx.Conn) (bool, error) {
	at, _ := conn.PgConn().CustomData()[validatedKey].(time.Time)
	if time.Since(at) < recheckTime && at.UnixNano() > p.suspected.Load() && silent(conn.PgConn().Conn()) {
		return true, nil
	}
	// The end of the caller's context must not cost the connection.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience/2)
	defer cancel()
	return p.validate(ctx, conn.PgConn()) == nil, nil
}

// suspect returns a handler of errors that makes the pool validate all its connections
// after an error that a server that takes no writes may have sent.
func (p *poolState) suspect(next pgconn.PgErrorHandler) pgconn.PgErrorHandler {
	return func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		if refused(err) {
			p.suspected.Store(time.Now().UnixNano())
		}
		return next(conn, err)
	}
}

// sessionSQL returns an expression that sets sessionSettings, unless the connection
// is to a pooler. A pooler invents the process id that a client gets, and other
// clients of the pooler would get the settings too.
func sessionSQL(pid uint32) string {
	var set []string
	for _, setting := range sessionSettings {
		name, value, _ := strings.Cut(setting, "=")
		set = append(set, fmt.Sprintf("set_config('%s', '%s', false)", name, value))
	}
	return fmt.Sprintf("CASE WHEN pg_backend_pid() = %d THEN concat(%s) END", int32(pid), strings.Join(set, ", "))
}

// abandon ends a connection that is being closed. Closing waits for the server for
// up to 15 seconds, and keeps a place in the pool until then: a server that is
// silent would keep the pool from the one that takes over.
func abandon(conn *pgx.Conn) {
	c := conn.PgConn().Conn()
	time.AfterFunc(patience, func() { _ = c.Close() })
}
