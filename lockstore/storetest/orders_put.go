package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

func orderIsCreated(c *orderCheck) {
	o := c.order("a")
	if got, err := c.Order(c.ctx, o.ID); !errors.Is(err, lockstore.ErrNoOrder) {
		c.Errorf("an order that was never put is %s (%v), want ErrNoOrder", describeOrder(got), err)
	}
	ahead := o
	ahead.Revision = 1
	c.wantChanged(ahead) // there is none yet
	if _, err := c.Order(c.ctx, o.ID); !errors.Is(err, lockstore.ErrNoOrder) {
		c.Errorf("a refused Put: %v, want ErrNoOrder still", err)
	}
	o = c.put(o)
	c.wantStored(o)
	again := o
	again.Revision, again.Body = 0, []byte("another")
	c.wantChanged(again)
	c.wantStored(o)
}

func orderIsCompared(c *orderCheck) {
	o := c.order("a")
	for n := range 5 {
		o.Body = fmt.Appendf(nil, "body %d", n)
		o = c.put(o)
		c.wantStored(o)
		for _, revision := range []int64{0, o.Revision - 1, o.Revision + 1, 1 << 40} {
			other := o
			other.Revision, other.Body = revision, []byte("another")
			if revision != o.Revision {
				c.wantChanged(other)
			}
		}
		c.wantStored(o)
	}
}

// orderRace has many callers put the same revision, several times. Exactly one wins each
// time.
func orderRace(c *orderCheck) {
	const callers, rounds = 20, 10
	var sum atomic.Int64
	for round := range int64(rounds) {
		var all sync.WaitGroup
		var won atomic.Int64
		var body atomic.Pointer[[]byte]
		for n := range callers {
			all.Go(func() {
				o := c.order("a")
				o.Revision, o.Body = round, fmt.Appendf(nil, "round %d, caller %d", round, n)
				revision, err := c.Put(c.ctx, o)
				switch {
				case err == nil:
					won.Add(1)
					sum.Add(1)
					body.Store(&o.Body)
					if revision != round+1 {
						c.Errorf("the revision is %d, want %d", revision, round+1)
					}
				case !errors.Is(err, lockstore.ErrOrderChanged):
					c.Errorf("caller %d: %v, want ErrOrderChanged", n, err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			c.Fatalf("%d callers have put revision %d, want one", won.Load(), round)
		}
		o := c.order("a")
		o.Revision, o.Body = round+1, *body.Load()
		c.wantStored(o)
	}
}

func orderKeepsEvent(c *orderCheck) {
	o := c.put(c.order("a"))
	other := o
	other.Event = nextEventID()
	if _, err := c.Put(c.ctx, other); !errors.Is(err, lockstore.ErrInvalid) {
		c.Errorf("an order put into another event: %v, want an InvalidError", err)
	}
	c.wantStored(o)
	if all, err := c.Orders(c.ctx, other.Event, ""); err != nil || len(all) > 0 {
		c.Errorf("the other event has %d orders (%v)", len(all), err)
	}
	c.put(o)
}

func orderKeepsAll(c *orderCheck) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	var want []lockstore.Order
	for n, body := range [][]byte{nil, {0}, every, []byte("\r\n\x00'\"\\"), bytes.Repeat([]byte{0xff}, lockstore.MaxOrderBody)} {
		o := c.order(fmt.Sprint(n))
		o.Body = body
		o.Due = c.soon(time.Hour).Add(time.Duration(n) * time.Millisecond)
		want = append(want, c.put(o))
	}
	bare := c.order("bare")
	bare.Body = nil
	want = append(want, c.put(bare))
	c.wantStored(want...)
	all, err := c.Orders(c.ctx, c.event, "")
	if err != nil || !slices.EqualFunc(all, want, sameOrder) {
		c.Errorf("the event has %d orders (%v), want the %d that were put", len(all), err, len(want))
	}
	for _, o := range want {
		o.Due, o.Body = time.Time{}, []byte("x")
		c.wantStored(c.put(o))
	}
}

func orderBodiesApart(c *orderCheck) {
	o := c.order("a")
	o.Due = c.soon(-time.Minute)
	body := slices.Clone(o.Body)
	passed := o
	passed.Body = slices.Clone(body)
	o = c.put(passed)
	o.Body = body
	clear(passed.Body)
	for range 2 {
		c.wantStored(o)
		got, err := c.Order(c.ctx, o.ID)
		if err != nil {
			c.Fatal(err)
		}
		clear(got.Body)
		of, err := c.Orders(c.ctx, c.event, "")
		if err != nil || len(of) != 1 || !sameOrder(of[0], o) {
			c.Fatalf("the event has %d orders (%v)", len(of), err)
		}
		clear(of[0].Body)
	}
	for _, due := range c.due(lockstore.MaxOrders, time.Millisecond) {
		clear(due.Body)
	}
	c.wantStored(o)
	o.Due = time.Time{}
	c.wantStored(c.put(o))
}

func orderBadArguments(c *orderCheck) {
	o := c.put(c.order("a"))
	bad := map[string]func(*lockstore.Order){
		"no id":             func(o *lockstore.Order) { o.ID = "" },
		"an id with spaces": func(o *lockstore.Order) { o.ID = "a b" },
		"no event":          func(o *lockstore.Order) { o.Event = "" },
		"a bad event":       func(o *lockstore.Order) { o.Event = "a/b" },
		"a bad revision":    func(o *lockstore.Order) { o.Revision = -1 },
		"a large body":      func(o *lockstore.Order) { o.Body = make([]byte, lockstore.MaxOrderBody+1) },
		"a bad due time":    func(o *lockstore.Order) { o.Due = time.UnixMilli(-1) },
	}
	for name, change := range bad {
		other := o
		change(&other)
		if _, err := c.Put(c.ctx, other); !errors.Is(err, lockstore.ErrInvalid) {
			c.Errorf("an order with %s: %v, want an InvalidError", name, err)
		}
	}
	for _, limit := range []int{0, -1, lockstore.MaxOrders + 1} {
		if _, err := c.Due(c.ctx, limit, time.Second); !errors.Is(err, lockstore.ErrInvalid) {
			c.Errorf("Due with the limit %d: %v, want an InvalidError", limit, err)
		}
	}
	if _, err := c.Order(c.ctx, "a b"); !errors.Is(err, lockstore.ErrInvalid) {
		c.Errorf("an order with a bad id: %v, want an InvalidError", err)
	}
	if _, err := c.Orders(c.ctx, "a b", ""); !errors.Is(err, lockstore.ErrInvalid) {
		c.Errorf("the orders of a bad event: %v, want an InvalidError", err)
	}
	if _, err := c.Orders(c.ctx, c.event, "a b"); !errors.Is(err, lockstore.ErrInvalid) {
		c.Errorf("the orders after a bad id: %v, want an InvalidError", err)
	}
	c.wantStored(o)
}

func orderEndedContext(c *orderCheck) {
	o := c.put(c.order("a"))
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	calls := map[string]func() error{
		"Put":    func() error { _, err := c.Put(ctx, o); return err },
		"Order":  func() error { _, err := c.Order(ctx, o.ID); return err },
		"Due":    func() error { _, err := c.Due(ctx, 1, time.Second); return err },
		"Orders": func() error { _, err := c.Orders(ctx, c.event, ""); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) {
			c.Errorf("%s with a cancelled context: %v", name, err)
		}
	}
	c.wantStored(o)
}
