package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// askEarly makes a statement in a transaction of its own and scans the one row that
// it returns before that transaction is committed. Committed waits for the commit.
// It must be called unless askEarly fails.
func (s *Store) askEarly(ctx context.Context, conn *pgx.Conn, sql string, args, into []any) (committed func() error, err error) {
	named := conn.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
	statement, err := s.describe(ctx, conn, sql, named)
	if err != nil {
		return nil, err
	}
	var query pgx.ExtendedQueryBuilder
	if err := query.Build(conn.TypeMap(), statement, args); err != nil {
		return nil, err
	}
	p := conn.PgConn().StartPipeline(ctx)
	if named {
		p.SendQueryStatement(statement, query.ParamValues, query.ParamFormats, query.ResultFormats)
	} else {
		p.SendQueryParams(sql, query.ParamValues, statement.ParamOIDs, query.ParamFormats, query.ResultFormats)
	}
	p.SendFlushRequest() // or the row would come with the end of the commit
	err = p.Sync()
	if err == nil {
		err = scanOne(p, conn, into)
	}
	if err != nil {
		_ = p.Close() // would report that nothing was sent if the connection has ended
		return nil, err
	}
	return func() error {
		_, err := p.GetResults()
		if closeErr := p.Close(); err == nil {
			err = closeErr
		}
		return err
	}, nil
}

// describe returns what the database says of the statement. A connection that may
// keep prepared statements prepares it.
func (s *Store) describe(ctx context.Context, conn *pgx.Conn, sql string, named bool) (*pgconn.StatementDescription, error) {
	if named {
		return conn.Prepare(ctx, sql, sql)
	}
	if d := s.described.Load(); d != nil {
		return d, nil
	}
	d, err := conn.PgConn().Prepare(ctx, "", sql, nil)
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
