package pgstore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A statement is SQL that is executed often, and its description.
type statement struct {
	sql       string
	described atomic.Pointer[pgconn.StatementDescription] // for connections that prepare nothing
}

// ask makes a statement in a transaction of its own and scans the one row that it
// returns: before the transaction is committed if early is set. committed waits for the
// commit. It must be called unless ask fails.
func (s *statement) ask(ctx context.Context, conn *pgx.Conn, early bool, args, into []any) (committed func() error, err error) {
	named := conn.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
	description, err := s.describe(ctx, conn, named)
	if err != nil {
		return nil, err
	}
	var query pgx.ExtendedQueryBuilder
	if err := query.Build(conn.TypeMap(), description, args); err != nil {
		return nil, err
	}
	p := conn.PgConn().StartPipeline(ctx)
	if named {
		p.SendQueryStatement(description, query.ParamValues, query.ParamFormats, query.ResultFormats)
	} else {
		p.SendQueryParams(s.sql, query.ParamValues, description.ParamOIDs, query.ParamFormats, query.ResultFormats)
	}
	if early {
		p.SendFlushRequest() // otherwise the row would come with the end of the commit
	}
	if err := p.Sync(); err != nil {
		_ = p.Close() // reports the same
		return nil, err
	}
	if err := scanOne(p, conn, into); err != nil {
		_ = p.Close() // reports the same
		return nil, sent(err)
	}
	return func() error {
		_, err := p.GetResults()
		if closeErr := p.Close(); err == nil {
			err = closeErr
		}
		return sent(err)
	}, nil
}

// sent returns the error of a statement that was sent. pgx wraps some errors in one that
// says that nothing was sent, judging by the operation that failed, such as closing a
// connection that has ended. Such an error must not lead to a repeat, so sent hides it.
func sent(err error) error {
	if _, answered := errors.AsType[*pgconn.PgError](err); err == nil || answered {
		return err
	}
	return opaque{err}
}

// An opaque error hides what it wraps.
type opaque struct{ cause error }

func (e opaque) Error() string { return e.cause.Error() }

// describe returns the database's description of the statement. A connection that may
// keep prepared statements prepares it.
func (s *statement) describe(ctx context.Context, conn *pgx.Conn, named bool) (*pgconn.StatementDescription, error) {
	if named {
		return conn.Prepare(ctx, s.sql, s.sql)
	}
	if d := s.described.Load(); d != nil {
		return d, nil
	}
	d, err := conn.PgConn().Prepare(ctx, "", s.sql, nil)
	if err == nil {
		s.described.Store(d)
	}
	return d, err
}

// scanOne scans the next result, which is one row.
func scanOne(p *pgconn.Pipeline, conn *pgx.Conn, into []any) error {
	result, err := p.GetResults()
	if err != nil {
		return err
	}
	reader, ok := result.(*pgconn.ResultReader)
	if !ok {
		return fmt.Errorf("pgstore: PostgreSQL answered %T, want a row", result)
	}
	rows := pgx.RowsFromResultReader(conn.TypeMap(), reader)
	if rows.Next() {
		err = rows.Scan(into...)
	}
	rows.Close()
	return errors.Join(err, rows.Err())
}
