package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
)

// The key of an order is its id, and the value is the line
//
//	<revision> <due> <event>
//
// and its body. The time is that of the store's clock, in milliseconds since 1970, or -1 if
// nothing is due. The keys of the indexes are the event's id, a byte 0 and the order's
// id, and the time (8 bytes, the highest first) and the order's id. They have no values.

// noDue is the time of an order on which no work is due.
const noDue = -1

func orderText(o *lockstore.Order) []byte {
	return append(fmt.Appendf(nil, "%d %d %s\n", o.Revision, dueMillis(o), o.Event), o.Body...)
}

func dueMillis(o *lockstore.Order) int64 {
	if o.Due.IsZero() {
		return noDue
	}
	return o.Due.UnixMilli()
}

func parseOrder(id lockstore.OrderID, text []byte) (lockstore.Order, error) {
	head, body, ok := bytes.Cut(text, []byte("\n"))
	words := strings.Split(string(head), " ")
	if !ok || len(words) != 3 {
		return lockstore.Order{}, fmt.Errorf("%w: order %s: %w", ErrDamaged, id, errRecord)
	}
	revision, err := strconv.ParseInt(words[0], 10, 64)
	due, err2 := strconv.ParseInt(words[1], 10, 64)
	if err := errors.Join(err, err2); err != nil {
		return lockstore.Order{}, fmt.Errorf("%w: order %s: %w", ErrDamaged, id, errRecord)
	}
	o := lockstore.Order{ID: id, Event: lockstore.EventID(words[2]), Revision: revision, Body: bytes.Clone(body)}
	if due != noDue {
		o.Due = time.UnixMilli(due)
	}
	return o, nil
}

func ofKey(event lockstore.EventID, id lockstore.OrderID) []byte {
	return []byte(string(event) + "\x00" + string(id))
}

func dueKey(due int64, id lockstore.OrderID) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(due)), id...)
}

// An orderPut is a Put that is under way.
type orderPut struct {
	order    *lockstore.Order
	revision *int64
	refusal  *error
}

// putOrders writes the orders that are not refused, and reports whether it wrote
// any.
func putOrders(tx *bolt.Tx, sum *sums, puts []orderPut) (any bool, err error) {
	for _, p := range puts {
		*p.revision, *p.refusal, err = putOrder(tx, sum, *p.order)
		if err != nil {
			return false, err
		}
		any = any || *p.refusal == nil
	}
	return any, nil
}

// putOrder writes an order and returns its revision, or why it is refused.
func putOrder(tx *bolt.Tx, sum *sums, o lockstore.Order) (revision int64, refusal, err error) {
	old := lockstore.Order{Event: o.Event}
	if text := tx.Bucket(bucketOrders).Get([]byte(o.ID)); text != nil {
		if old, err = parseOrder(o.ID, text); err != nil {
			return 0, nil, err
		}
	}
	switch {
	case old.Event != o.Event:
		return 0, &lockstore.InvalidError{Problem: fmt.Sprintf("order %s is of event %s, not %s", o.ID, old.Event, o.Event)}, nil
	case old.Revision != o.Revision:
		return 0, lockstore.ErrOrderChanged, nil
	}
	o.Revision++
	if old.Revision == 0 {
		if _, err := putValue(tx, &sum.orders, bucketOrdersOf, ofKey(o.Event, o.ID), nil); err != nil {
			return 0, nil, err
		}
	}
	if before, after := dueMillis(&old), dueMillis(&o); before != after {
		if err := deleteValue(tx, &sum.orders, bucketDue, dueKey(before, o.ID)); err != nil {
			return 0, nil, err
		}
		if after != noDue {
			if _, err := putValue(tx, &sum.orders, bucketDue, dueKey(after, o.ID), nil); err != nil {
				return 0, nil, err
			}
		}
	}
	_, err = putValue(tx, &sum.orders, bucketOrders, []byte(o.ID), orderText(&o))
	return o.Revision, nil, err
}

// Put implements [lockstore.OrderStore].
func (s *Store) Put(ctx context.Context, o lockstore.Order) (int64, error) {
	if err := o.Check(); err != nil {
		return 0, err
	}
	o.Body = bytes.Clone(o.Body) // the caller may change it after its context has ended
	a, err := s.queue.Do(ctx, work{order: &o}, 4+len(o.Body)/256)
	return a.revision, err
}

// Order implements [lockstore.OrderStore].
func (s *Store) Order(ctx context.Context, id lockstore.OrderID) (o lockstore.Order, err error) {
	if err := id.Check(); err != nil {
		return lockstore.Order{}, err
	}
	err = s.view(ctx, func(tx *bolt.Tx) error {
		o, err = orderIn(tx, id)
		return err
	})
	return o, err
}

func orderIn(tx *bolt.Tx, id lockstore.OrderID) (lockstore.Order, error) {
	text := tx.Bucket(bucketOrders).Get([]byte(id))
	if text == nil {
		return lockstore.Order{}, lockstore.ErrNoOrder
	}
	return parseOrder(id, text)
}

// indexedOrder returns an order that is in an index.
func indexedOrder(tx *bolt.Tx, id lockstore.OrderID) (lockstore.Order, error) {
	o, err := orderIn(tx, id)
	if errors.Is(err, lockstore.ErrNoOrder) {
		err = fmt.Errorf("%w: there is no order %s", ErrDamaged, id)
	}
	return o, err
}

// orderBytes is about how many bytes of orders one call returns at most.
const orderBytes = 4 << 20

// Orders implements [lockstore.OrderStore].
func (s *Store) Orders(ctx context.Context, event lockstore.EventID, after lockstore.OrderID) (found []lockstore.Order, err error) {
	if err := event.Check(); err != nil {
		return nil, err
	}
	if after != "" {
		if err := after.Check(); err != nil {
			return nil, err
		}
	}
	err = s.view(ctx, func(tx *bolt.Tx) error {
		prefix, size := ofKey(event, ""), 0
		cursor := tx.Bucket(bucketOrdersOf).Cursor()
		for key, _ := cursor.Seek(ofKey(event, after)); bytes.HasPrefix(key, prefix) && len(found) < lockstore.MaxOrders && size < orderBytes; key, _ = cursor.Next() {
			id := lockstore.OrderID(key[len(prefix):])
			if id == after {
				continue
			}
			o, err := indexedOrder(tx, id)
			if err != nil {
				return err
			}
			found = append(found, o)
			size += len(o.Body)
		}
		return nil
	})
	return found, err
}
