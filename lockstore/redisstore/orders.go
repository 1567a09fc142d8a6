package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

var _ lockstore.OrderStore = (*Store)(nil)

// The keys of all orders are in one slot of a Cluster, so that Due can find those of
// all events. No event has this hash tag, since an event id has no colon.
const (
	ordersTag = "{seatlock:orders}"
	dueKey    = ordersTag + ":due"
	leasedKey = ordersTag + ":leased"
)

// orderKey holds an order. See orderText.
func orderKey(id lockstore.OrderID) string { return ordersTag + ":order:" + string(id) }

// eventOrdersKey is a sorted set of the ids of an event's orders, all of one score.
func eventOrdersKey(event lockstore.EventID) string { return ordersTag + ":event:" + string(event) }

// noDue stands for the due time of an order that is never due.
const noDue = "-"

// orderText is what an order's key holds: its revision, due time and event on one
// line, and then its body.
func orderText(o *lockstore.Order) string {
	return strconv.FormatInt(o.Revision, 10) + " " + dueText(o.Due) + " " + string(o.Event) + "\n" + string(o.Body)
}

func dueText(t time.Time) string {
	if t.IsZero() {
		return noDue
	}
	return fmt.Sprintf("%013d", t.UnixMilli())
}

// parseOrder reads what an order's key holds.
func parseOrder(id lockstore.OrderID, text string) (lockstore.Order, error) {
	head, body, _ := strings.Cut(text, "\n")
	words := strings.Split(head, " ")
	o := lockstore.Order{ID: id, Body: []byte(body)}
	if len(words) != 3 {
		return o, fmt.Errorf("redisstore: order %s begins with %.80q", id, head)
	}
	var err, badDue error
	o.Revision, err = strconv.ParseInt(words[0], 10, 64)
	if words[1] != noDue {
		var ms int64
		ms, badDue = strconv.ParseInt(words[1], 10, 64)
		o.Due = time.UnixMilli(ms)
	}
	if err != nil || badDue != nil {
		return o, fmt.Errorf("redisstore: order %s begins with %.80q", id, head)
	}
	o.Event = lockstore.EventID(words[2])
	return o, nil
}

// orderPage is how many orders are read at a time. If each has the longest body,
// that is 2 MB, for which Redis needs about a millisecond.
const orderPage = 32

// Order implements [lockstore.OrderStore].
func (s *Store) Order(ctx context.Context, id lockstore.OrderID) (lockstore.Order, error) {
	if err := id.Check(); err != nil {
		return lockstore.Order{}, err
	}
	if err := ctx.Err(); err != nil {
		return lockstore.Order{}, err
	}
	found, err := s.readOrders(ctx, []lockstore.OrderID{id})
	if err != nil {
		return lockstore.Order{}, endedBy(ctx, err)
	}
	if len(found) == 0 {
		return lockstore.Order{}, lockstore.ErrNoOrder
	}
	return found[0], nil
}

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
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	begin := "-"
	if after != "" {
		begin = "(" + string(after)
	}
	names, err := s.redis.ZRangeByLex(bounded, eventOrdersKey(event), &redis.ZRangeBy{Min: begin, Max: "+", Count: lockstore.MaxOrders}).Result()
	if err != nil {
		return nil, endedBy(ctx, unavailable(err))
	}
	ids := make([]lockstore.OrderID, len(names))
	for i, name := range names {
		ids[i] = lockstore.OrderID(name)
	}
	found, err := s.readOrders(ctx, ids)
	if err != nil {
		return nil, endedBy(ctx, err)
	}
	return found, nil
}

// Due implements [lockstore.OrderStore].
func (s *Store) Due(ctx context.Context, limit int, lease time.Duration) ([]lockstore.Order, error) {
	if limit < 1 || limit > lockstore.MaxOrders {
		return nil, &lockstore.InvalidError{Problem: fmt.Sprintf("1 to %d due orders are returned at a time, not %d", lockstore.MaxOrders, limit)}
	}
	if lease < 0 {
		return nil, &lockstore.InvalidError{Problem: fmt.Sprintf("a lease must not be negative, as %v is", lease)}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	id := newNonce()
	answer, err := s.evalOnce(ctx, orderDueScript, []any{dueKey, leasedKey}, id, limit, lease.Milliseconds())
	if err != nil {
		return nil, changeError(err, id.sent)
	}
	found, _ := answer.([]any)
	if len(found) == 0 {
		return nil, unreadable(answer)
	}
	now, _ := found[0].(int64)
	ids := make([]lockstore.OrderID, len(found)-1)
	for i, name := range found[1:] {
		text, _ := name.(string)
		ids[i] = lockstore.OrderID(text)
	}
	orders, err := s.readOrders(ctx, ids)
	if err != nil && len(orders) == 0 {
		return nil, fmt.Errorf("%w: orders were leased: %w", lockstore.ErrOutcomeUnknown, err)
	}
	due := orders[:0]
	for _, o := range orders { // some may just have changed
		if !o.Due.IsZero() && o.Due.UnixMilli() <= now {
			due = append(due, o)
		}
	}
	return due, nil
}

// readOrders returns those of the orders that there are. With an error it returns
// those that it has read.
func (s *Store) readOrders(ctx context.Context, ids []lockstore.OrderID) ([]lockstore.Order, error) {
	var orders []lockstore.Order
	for start := 0; start < len(ids); start += orderPage {
		page := ids[start:min(start+orderPage, len(ids))]
		keys := make([]string, len(page))
		for i, id := range page {
			keys[i] = orderKey(id)
		}
		bounded, cancel := context.WithTimeout(ctx, callTime)
		values, err := s.redis.MGet(bounded, keys...).Result()
		cancel()
		if err != nil && !errors.Is(err, redis.Nil) {
			return orders, unavailable(err)
		}
		for i, v := range values {
			text, there := v.(string)
			if !there {
				continue
			}
			o, err := parseOrder(page[i], text)
			if err != nil {
				return orders, err
			}
			orders = append(orders, o)
		}
	}
	return orders, nil
}
