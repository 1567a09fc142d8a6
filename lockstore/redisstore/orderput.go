package redisstore

import (
	"context"
	"fmt"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// A put is an order to be stored.
type put struct {
	id       lockstore.OrderID
	event    lockstore.EventID
	expected int64  // the revision that it must have
	due      string // as dueText has it
	text     string // as orderText has it
}

type (
	putCall  = batch.Call[put, int64]
	putQueue = batch.Queue[put, int64]
)

// putWeight is how many bytes of a body weigh as much as an order itself. A trip
// takes 256 orders, or 128 kB.
const putWeight = 512

// Put implements [lockstore.OrderStore]. Orders that are put together share a script
// run and a trip to Redis.
func (s *Store) Put(ctx context.Context, o lockstore.Order) (int64, error) {
	if err := o.Check(); err != nil {
		return 0, err
	}
	p := put{id: o.ID, event: o.Event, expected: o.Revision, due: dueText(o.Due)}
	o.Revision++
	p.text = orderText(&o)
	return s.puts.Do(ctx, p, 1+len(o.Body)/putWeight)
}

// sendPuts answers the calls in one trip.
func (s *Store) sendPuts(calls []*putCall) {
	ctx, cancel := context.WithTimeout(context.Background(), tripTime)
	defer cancel()
	var r ran
	if node, err := s.master(ctx, dueKey); err != nil {
		r.err = unavailable(err)
	} else {
		r = s.run(ctx, 1, func(_ int, whole, touch bool, id *nonce) []any { return putArgs(calls, whole, touch, id) }, node, s.options.Replicas)[0]
	}
	answers, _ := r.value.([]any)
	if r.err == nil && len(answers) != len(calls) {
		r.err = unreadable(r.value)
	}
	for i, c := range calls {
		if r.err != nil {
			c.Answer(0, r.err)
			continue
		}
		switch answers[i] {
		case "ok":
			if r.short != nil {
				c.Answer(0, r.short)
				continue
			}
			c.Answer(c.Work.expected+1, nil)
		case "changed":
			if r.short != nil { // the Put that changed it may be lost
				c.Answer(0, r.short)
				continue
			}
			c.Answer(0, lockstore.ErrOrderChanged)
		case "event":
			c.Answer(0, &lockstore.InvalidError{Problem: fmt.Sprintf("order %s: the event of an order never changes, and %s is another", c.Work.id, c.Work.event)})
		default:
			c.Answer(0, unreadable(answers[i]))
		}
	}
}

// putArgs renders the calls in the form that order_put.lua takes.
func putArgs(calls []*putCall, whole, touch bool, id *nonce) []any {
	args := append(orderPutScript.command(whole), 3+2*len(calls), dueKey, leasedKey, touchedKey)
	for _, c := range calls {
		args = append(args, orderKey(c.Work.id), eventOrdersKey(c.Work.event))
	}
	args = append(args, id, touch)
	for _, c := range calls {
		w := &c.Work
		args = append(args, string(w.id), w.expected, string(w.event), w.due, w.text)
	}
	return args
}
