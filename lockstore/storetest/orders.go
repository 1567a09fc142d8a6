package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

// Orders tests a store against the contract of [lockstore.OrderStore], as [Run] does.
// newStore returns an empty store, or a new client of one shared backend: each case
// uses event and order ids that no other case uses.
func Orders(t *testing.T, newStore func(t *testing.T) lockstore.OrderStore) {
	for _, c := range orderCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { c.check(newOrderCheck(t, newStore(t), bubbleTime)) })
		})
	}
}

// OrdersInRealTime is like Orders, for a store on a server, as [RunInRealTime] is. Due
// takes orders of all events, so nothing else may use the server's orders.
func OrdersInRealTime(t *testing.T, newStore func(t *testing.T) lockstore.OrderStore) {
	for _, c := range orderCases { // one after the other, since Due takes those of all
		t.Run(c.name, func(t *testing.T) { c.check(newOrderCheck(t, newStore(t), orderTime)) })
	}
}

// orderTime is for orders in real time, which do not need as much time as locks do.
var orderTime = timing{time.Second, 200 * time.Millisecond, false}

// An orderCase is one sentence of the contract of orders, or a part of one.
type orderCase struct {
	name string
	rule string
	run  func(*orderCheck)
}

func (oc *orderCase) check(c *orderCheck) {
	defer func() {
		if c.Failed() {
			c.Logf("the contract says: %s", oc.rule)
		}
	}()
	oc.run(c)
}

const puts = "Put stores the order with the next Revision, which it returns, if the stored order has o.Revision. Otherwise it does nothing and fails with ErrOrderChanged."

var orderCases = []orderCase{
	{"put_creates", "A Put of it expects the order to have this Revision, 0 if there is no such order yet. … Order returns the order, or ErrNoOrder.", orderIsCreated},
	{"put_compares", puts, orderIsCompared},
	{"put_under_race", puts, orderRace},
	{"event_never_changes", "The event of an order never changes; a Put with another is an *InvalidError.", orderKeepsEvent},
	{"everything_is_kept", "A store keeps it and does not read its body.", orderKeepsAll},
	{"bodies_are_not_shared", "It keeps no slice that is passed to it, and what it returns belongs to the caller.", orderBodiesApart},
	{"bad_arguments", "Its errors and bounds are those of LockStore", orderBadArguments},
	{"ended_context", "Its errors and bounds are those of LockStore … An error of the context is returned as it is, and only when nothing was done.", orderEndedContext},
	{"due_in_order", "Due returns up to limit orders of all events whose Due has passed, the earliest first", dueInOrder},
	{"due_follows_put", "Due returns up to limit orders of all events whose Due has passed", dueFollowsPut},
	{"due_leases", "and leases them: until lease has passed, or a Put has set Due again, no other call returns them. A lease does not change an order or its Revision", dueLeases},
	{"due_under_race", "until lease has passed, or a Put has set Due again, no other call returns them.", dueRace},
	{"orders_of_an_event", "Orders returns the orders of an event by ascending id, from the first one after the given id, which need not exist.", ordersOfEvent},
	{"orders_in_pages", "It returns up to MaxOrders, and none if there are no more.", ordersInPages},
}

// orderCheck is a running case of orders.
type orderCheck struct {
	*testing.T
	lockstore.OrderStore
	timing
	ctx   context.Context
	event lockstore.EventID
}

func newOrderCheck(t *testing.T, s lockstore.OrderStore, at timing) *orderCheck {
	return &orderCheck{T: t, OrderStore: s, timing: at, ctx: t.Context(), event: nextEventID()}
}

// order returns an order of the case's event that no other case has.
func (c *orderCheck) order(name string) lockstore.Order {
	return lockstore.Order{ID: lockstore.OrderID(string(c.event) + "." + name), Event: c.event, Body: []byte("body of " + name)}
}

// put puts the order, which must succeed, and returns it with its new revision.
func (c *orderCheck) put(o lockstore.Order) lockstore.Order {
	c.Helper()
	revision, err := c.Put(c.ctx, o)
	if err != nil {
		c.Fatalf("putting %s with revision %d: %v", o.ID, o.Revision, err)
	}
	if revision != o.Revision+1 {
		c.Errorf("%s has revision %d after %d, want the next", o.ID, revision, o.Revision)
	}
	o.Revision = revision
	return o
}

// wantStored checks that the store has exactly these orders.
func (c *orderCheck) wantStored(want ...lockstore.Order) {
	c.Helper()
	for _, o := range want {
		got, err := c.Order(c.ctx, o.ID)
		if err != nil || !sameOrder(got, o) {
			c.Errorf("the order is %s (%v), want %s", describeOrder(got), err, describeOrder(o))
		}
	}
}

func sameOrder(a, b lockstore.Order) bool {
	return a.ID == b.ID && a.Event == b.Event && a.Revision == b.Revision && a.Due.IsZero() == b.Due.IsZero() &&
		a.Due.UnixMilli() == b.Due.UnixMilli() && bytes.Equal(a.Body, b.Body)
}

func describeOrder(o lockstore.Order) string {
	due := "never"
	if !o.Due.IsZero() {
		due = o.Due.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("{%s of %s, revision %d, due %s, %d bytes}", o.ID, o.Event, o.Revision, due, len(o.Body))
}

func (c *orderCheck) wantChanged(o lockstore.Order) {
	c.Helper()
	if revision, err := c.Put(c.ctx, o); !errors.Is(err, lockstore.ErrOrderChanged) || revision != 0 {
		c.Errorf("putting %s: revision %d (%v), want ErrOrderChanged", describeOrder(o), revision, err)
	}
}

// soon returns a time on the store's clock, that long from now.
func (c *orderCheck) soon(d time.Duration) time.Time {
	return time.Now().Add(d).Truncate(time.Millisecond)
}
