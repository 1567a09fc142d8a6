package pgstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// parameters are what a URL may have after the question mark. The other options of pgx
// are not for the user to choose: see Pool.
var parameters = []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "application_name", "pool_max_conns", "default_query_exec_mode"}

// defaultConns is the most connections that a pool makes if its URL does not say.
// With more, the database is busier with connections than with work.
const defaultConns = 16

// Pool returns a pool for a [Store], from a URL such as
//
//	postgres://user:password@host:5432/database?sslmode=verify-full
//
// Pool does not connect. The URL may name several hosts, separated by commas. The
// pool uses the first that takes writes and has settings that can be relied on (see
// [Store.Check]), and leaves it soon after that changes. What the URL leaves out is
// taken from PGPASSWORD, PGSSLMODE, ~/.pgpass and so on, as by every program for
// PostgreSQL.
//
// Statements are prepared, which halves their time. A pooler that loses prepared
// statements, such as PgBouncer before 1.21 in transaction mode, needs
// default_query_exec_mode=cache_describe.
//
// No error shows any part of the URL, since all of it may be a password.
func Pool(rawURL string) (*pgxpool.Pool, error) {
	c, err := config(rawURL)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL URL: %w", err)
	}
	return pgxpool.NewWithConfig(context.Background(), c)
}

// errUnreadable is the error of a URL that cannot be read. It shows nothing of the URL.
var errUnreadable = errors.New("must have the form postgres://user:password@host:port/database, and the files that it names must exist; in a password, write % and two hexadecimal digits for each of :/?#[]@%")

// config reads a URL. Its errors show none of it, since any part may be taken from a
// password.
func config(rawURL string) (*pgxpool.Config, error) {
	if !strings.HasPrefix(rawURL, "postgres://") && !strings.HasPrefix(rawURL, "postgresql://") {
		return nil, errors.New("must begin with postgres://")
	}
	// A password with a ? or / in it ends the host too early, and the rest of it
	// would be shown as the name of a parameter or a database.
	address, query, _ := strings.Cut(rawURL, "?")
	_, name, _ := strings.Cut(strings.SplitN(address, "://", 2)[1], "/")
	if strings.Contains(name, "@") || strings.Contains(query, "@") || strings.Contains(rawURL, "#") {
		return nil, errUnreadable
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("what follows the question mark must have the form name=value&name=value")
	}
	for name := range q {
		if !slices.Contains(parameters, name) {
			return nil, fmt.Errorf("unknown parameter; the parameters are %s", strings.Join(parameters, ", "))
		}
	}
	if n := q.Get("pool_max_conns"); n != "" {
		if conns, err := strconv.ParseInt(n, 10, 32); err != nil || conns < 1 {
			return nil, errors.New("pool_max_conns must be a number of connections, at least 1")
		}
	}
	c, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return nil, errUnreadable
	}
	if !q.Has("pool_max_conns") {
		c.MaxConns = defaultConns
	}
	if attrs := q.Get("target_session_attrs"); attrs != "" && attrs != "read-write" && attrs != "primary" {
		return nil, errors.New("target_session_attrs must be read-write: seats are sold nowhere else")
	}
	switch c.ConnConfig.DefaultQueryExecMode {
	case pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe:
	default:
		return nil, errors.New("default_query_exec_mode must be cache_statement or cache_describe")
	}
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "seatlock"
	}
	// A pooler might refuse other parameters at the start of a connection.
	connections(c)
	return c, nil
}
