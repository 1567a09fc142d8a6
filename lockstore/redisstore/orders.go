package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

	// touchedKey is written by calls that wait for replicas and have nothing else to
	// write.
	touchedKey = ordersTag + ":touched"
)

// orderKey holds an order. See orderText.
func orderKey(id lockstore.OrderID) string { return ordersTag + ":order:" + string(id) }

// eventOrdersKey is a sorted set of the ids of an event's orders, all of one score.
func eventOrdersKey(event lockstore.EventID) string { return ordersTag + ":event:" + string(event) }

// noDue stands for the due time of an order that is never due.
const noDue = "-"

// orderText is the value of an order's key: its revision, due time and event on one
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

// parseOrder reads the value of an order's key.
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

const (
	// orderPage is how many orders are read at a time. If each has the longest body,
	// that is 2 MB, for which Redis needs about a millisecond.
	orderPage = 32

	// orderBytes is about how many bytes of orders Orders returns at most.
	orderBytes = 4 << 20

	// dueBytes is about how many bytes of orders Due returns at most. It reads them
	// in one step.
	dueBytes = 2 << 20
)

// Order implements [lockstore.OrderStore].
func (s *Store) Order(ctx context.Context, id lockstore.OrderID) (lockstore.Order, error) {
	if err := id.Check(); err != nil {
		return lockstore.Order{}, err
	}
	if err := ctx.Err(); err != nil {
		return lockstore.Order{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	text, there, err := s.readOrder(bounded, orderKey(id))
	if err != nil {
		return lockstore.Order{}, endedBy(ctx, err)
	}
	if !there {
		return lockstore.Order{}, lockstore.ErrNoOrder
	}
	return parseOrder(id, text)
}

// readOrder returns the value of an order's key, once the replicas have it.
func (s *Store) readOrder(ctx context.Context, key string) (text string, there bool, err error) {
	node, err := s.ordersNode(ctx)
	if err != nil {
		return "", false, err
	}
	// The write after the read makes WAIT wait for all that was read.
	pipe := node.Pipeline()
	get := pipe.Get(ctx, key)
	replicas := s.options.Replicas
	touch, wait := redis.NewStatusCmd(ctx, "set", touchedKey, newNonce()), redis.NewIntCmd(ctx, "wait", replicas, replicaTime.Milliseconds())
	if replicas > 0 {
		_, _ = pipe.Process(ctx, touch), pipe.Process(ctx, wait)
	}
	exec(ctx, pipe)
	text, err = get.Result()
	there = err == nil
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", false, unavailable(err)
	}
	if replicas > 0 {
		if err := touch.Err(); err != nil {
			return "", false, unavailable(err)
		}
		if shortfall(wait, replicas) != nil {
			return "", false, errNotShown
		}
	}
	return text, there, nil
}

// errNotShown is the error of a read whose result a failover could undo.
var errNotShown = fmt.Errorf("%w: too few replicas have what was read", lockstore.ErrUnavailable)

// ordersNode returns the client for pipelines about orders. WAIT concerns only one
// server.
func (s *Store) ordersNode(ctx context.Context) (redis.Cmdable, error) {
	if s.options.Replicas == 0 {
		return s.redis, nil
	}
	node, err := s.master(ctx, dueKey)
	if err != nil {
		return nil, unavailable(err)
	}
	return node, nil
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
	found, err := s.readOrders(bounded, ids)
	if err != nil && len(found) == 0 {
		return nil, endedBy(ctx, err)
	}
	return found, nil
}

// Due implements [lockstore.OrderStore].
func (s *Store) Due(ctx context.Context, limit int, lease time.Duration) ([]lockstore.Order, error) {
	if err := lockstore.CheckDue(limit, lease); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	node, err := s.ordersNode(bounded)
	if err != nil {
		return nil, endedBy(ctx, err)
	}
	r := s.run(bounded, 1, func(_ int, whole, _ bool, id *nonce) []any {
		return append(orderDueScript.command(whole), 2, dueKey, leasedKey, id, limit, lease.Milliseconds(), orderKey(""), dueBytes)
	}, node, s.options.Replicas)[0]
	if r.err != nil {
		return nil, r.err
	}
	found, ok := r.value.([]any)
	if !ok || len(found)%2 != 0 {
		return nil, unreadable(r.value)
	}
	if len(found) > 0 && r.short != nil {
		return nil, errNotShown
	}
	var due []lockstore.Order
	var broken error
	for i := 0; i < len(found); i += 2 {
		name, _ := found[i].(string)
		text, _ := found[i+1].(string)
		o, err := parseOrder(lockstore.OrderID(name), text)
		if err != nil {
			broken = err
			continue
		}
		due = append(due, o)
	}
	if len(due) == 0 {
		return nil, broken
	}
	return due, nil
}

// readOrders returns those of the orders that exist, or only the first ones if
// all have more than orderBytes. With an error it returns those that it has read.
func (s *Store) readOrders(ctx context.Context, ids []lockstore.OrderID) ([]lockstore.Order, error) {
	var orders []lockstore.Order
	size := 0
	for page := range slices.Chunk(ids, orderPage) {
		if size >= orderBytes {
			break
		}
		keys := make([]string, len(page))
		for i, id := range page {
			keys[i] = orderKey(id)
		}
		values, err := s.redis.MGet(ctx, keys...).Result()
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
			size += len(o.Body)
		}
	}
	return orders, nil
}
