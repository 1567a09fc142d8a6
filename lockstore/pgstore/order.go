package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
)

var _ lockstore.OrderStore = (*Store)(nil)

// orderBytes is about how many bytes of orders one call returns at most. At least one
// order is always returned.
const orderBytes = 4 << 20

// Outcomes of put_order.
const (
	orderChanged = "changed"
	otherEvent   = "other_event"
)

// Put implements [lockstore.OrderStore].
func (s *Store) Put(ctx context.Context, o lockstore.Order) (revision int64, err error) {
	if err := o.Check(); err != nil {
		return 0, err
	}
	var due *time.Time
	if !o.Due.IsZero() {
		whole := o.Due.Truncate(time.Millisecond)
		due = &whole
	}
	var outcome string
	err = s.ask(ctx, lockstore.ErrOutcomeUnknown, "SELECT seatlock.put_order($1, $2, $3, $4, $5)",
		[]any{string(o.ID), string(o.Event), o.Revision, due, append([]byte{}, o.Body...)}, &outcome)
	switch {
	case err != nil:
		return 0, err
	case outcome == otherEvent:
		return 0, &lockstore.InvalidError{Problem: fmt.Sprintf("order %s is of another event than %s", o.ID, o.Event)}
	case outcome == orderChanged:
		return 0, lockstore.ErrOrderChanged
	}
	return o.Revision + 1, nil
}

// orderSQL writes something if there is a synchronous standby, so that its commit waits:
// a reader may act on an order, and must not see one that a failover would undo.
const orderSQL = `SELECT id, event, revision, due, body FROM seatlock.orders,
	(SELECT CASE WHEN current_setting('synchronous_standby_names') <> '' THEN pg_logical_emit_message(true, 'seatlock', '') END) AS barrier
	WHERE id = $1`

// Order implements [lockstore.OrderStore].
func (s *Store) Order(ctx context.Context, id lockstore.OrderID) (lockstore.Order, error) {
	if err := id.Check(); err != nil {
		return lockstore.Order{}, err
	}
	found, err := s.orders(ctx, orderSQL, string(id))
	if err == nil && len(found) == 0 {
		err = lockstore.ErrNoOrder
	}
	if err != nil {
		return lockstore.Order{}, err
	}
	return found[0], nil
}

// Due implements [lockstore.OrderStore]. It returns fewer orders than are due if they
// have many bytes.
func (s *Store) Due(ctx context.Context, limit int, lease time.Duration) ([]lockstore.Order, error) {
	if err := lockstore.CheckDue(limit, lease); err != nil {
		return nil, err
	}
	found, err := s.orders(ctx, "SELECT id, event, revision, due, body FROM seatlock.due_orders($1, $2, $3)", limit, lease, orderBytes)
	slices.SortFunc(found, func(a, b lockstore.Order) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return found, err
}

const ordersSQL = `SELECT id, event, revision, due, body FROM (
	SELECT *, sum(octet_length(body)) OVER (ORDER BY id) - octet_length(body) AS before
	FROM (SELECT * FROM seatlock.orders WHERE event = $1 AND id > $2 ORDER BY id LIMIT $3) AS found
) AS page WHERE before < $4 ORDER BY id`

// Orders implements [lockstore.OrderStore].
func (s *Store) Orders(ctx context.Context, event lockstore.EventID, after lockstore.OrderID) ([]lockstore.Order, error) {
	if err := event.Check(); err != nil {
		return nil, err
	}
	if after != "" {
		if err := after.Check(); err != nil {
			return nil, err
		}
	}
	return s.orders(ctx, ordersSQL, string(event), string(after), lockstore.MaxOrders, orderBytes)
}

// orders makes a query that returns orders. If the answer is lost, the call has changed
// at most a lease, which only saves work.
func (s *Store) orders(ctx context.Context, sql string, args ...any) ([]lockstore.Order, error) {
	var all []lockstore.Order
	err := s.askBy(ctx, lockstore.ErrUnavailable, func(ctx context.Context, conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, scanOrder)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func scanOrder(row pgx.CollectableRow) (o lockstore.Order, err error) {
	var due *time.Time
	err = row.Scan(&o.ID, &o.Event, &o.Revision, &due, &o.Body)
	if due != nil {
		o.Due = time.UnixMilli(due.UnixMilli())
	}
	return o, err
}
