package faults

import (
	"errors"
	"fmt"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// orders returns the store as an OrderStore.
func (t *trial) orders() lockstore.OrderStore { return t.store.(lockstore.OrderStore) }

// stored returns the order as it is stored, with revision 0 if it is not.
func (t *trial) stored(id lockstore.OrderID) (o lockstore.Order) {
	t.Helper()
	err := history.Repeat(t.ctx, func() (err error) {
		o, err = t.orders().Order(t.ctx, id)
		return err
	})
	if err != nil && !errors.Is(err, lockstore.ErrNoOrder) {
		t.Fatal(err)
	}
	return o
}

func orderAnswerLost(t *trial) {
	o, warm := newOrder(t.ev, "lost"), newOrder(t.ev, "warm")
	for revision := range int64(3) {
		t.warm()
		if err := history.Repeat(t.ctx, func() error { _, err := t.orders().Put(t.ctx, warm); return err }); err != nil && !errors.Is(err, lockstore.ErrOrderChanged) {
			t.Fatal(err)
		}
		t.stored(o.ID) // each kind of call has been made over the connection
		t.proxy.SwallowReply()
		o.Revision = revision
		if _, err := t.orders().Put(t.ctx, o); !errors.Is(err, lockstore.ErrOutcomeUnknown) || !t.proxy.Swallowed() {
			t.Fatalf("Put without an answer: %v, want ErrOutcomeUnknown", err)
		}
		if got := t.stored(o.ID); got.Revision != revision+1 {
			t.Errorf("the order has revision %d, want %d", got.Revision, revision+1)
		}
		if err := history.Repeat(t.ctx, func() error { _, err := t.orders().Put(t.ctx, o); return err }); !errors.Is(err, lockstore.ErrOrderChanged) {
			t.Errorf("the repeated Put: %v, want ErrOrderChanged", err)
		}
	}
}

// killedBetweenOrders kills the server while callers put order after order.
func killedBetweenOrders(t *trial) {
	const callers, each = 6, 10
	acknowledged := make([]int64, callers) // the last revision of each caller's order
	id := func(caller int) lockstore.Order { return newOrder(t.ev, fmt.Sprintf("killed%d", caller)) }
	t.kill(callers, each, func(caller, n int) {
		o := id(caller)
		o.Revision, o.Body = t.stored(o.ID).Revision, fmt.Appendf(nil, "number %d", n)
		if t.Keeps && o.Revision < acknowledged[caller] {
			t.Errorf("%s has revision %d, and %d was acknowledged", o.ID, o.Revision, acknowledged[caller])
		}
		err := history.Repeat(t.ctx, func() error {
			revision, err := t.orders().Put(t.ctx, o)
			if errors.Is(err, lockstore.ErrOrderChanged) { // by an earlier try
				stored := t.stored(o.ID)
				if string(stored.Body) == string(o.Body) && stored.Revision == o.Revision+1 {
					revision, err = stored.Revision, nil
				}
			}
			if err == nil {
				acknowledged[caller] = revision
			}
			return err
		})
		if err != nil && (t.Keeps || !errors.Is(err, lockstore.ErrOrderChanged)) {
			t.Errorf("putting number %d of %s: %v", n, o.ID, err)
		}
	})
	if !t.Keeps {
		return
	}
	for caller, revision := range acknowledged {
		got := t.stored(id(caller).ID)
		if want := fmt.Sprintf("number %d", each-1); got.Revision != revision || string(got.Body) != want {
			t.Errorf("%s has revision %d and the body %q, want %d and %q", got.ID, got.Revision, got.Body, revision, want)
		}
	}
}
