package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// due returns those orders of the case that are due. Others may be due as well.
func (c *orderCheck) due(limit int, lease time.Duration) []lockstore.Order {
	c.Helper()
	all, err := c.Due(c.ctx, limit, lease)
	if err != nil {
		c.Fatal(err)
	}
	if len(all) > limit {
		c.Errorf("%d orders are due, and the limit is %d", len(all), limit)
	}
	return slices.DeleteFunc(all, func(o lockstore.Order) bool {
		return len(o.ID) < len(c.event) || string(o.ID[:len(c.event)]) != string(c.event)
	})
}

// wantDue checks which orders are due, and in which order. They are leased for a day.
func (c *orderCheck) wantDue(want ...lockstore.Order) {
	c.Helper()
	if got := c.due(lockstore.MaxOrders, 24*time.Hour); !slices.EqualFunc(got, want, sameOrder) {
		c.Errorf("the orders that are due are %v, want %v", orderIDs(got), orderIDs(want))
	}
}

func orderIDs(all []lockstore.Order) (ids []lockstore.OrderID) {
	for _, o := range all {
		ids = append(ids, o.ID)
	}
	return ids
}

func dueInOrder(c *orderCheck) {
	var want []lockstore.Order
	for n, ago := range []int{30, 50, 10, 40, 20} {
		o := c.order(fmt.Sprint(n))
		o.Due = c.soon(-time.Duration(ago) * time.Minute)
		if n%2 == 1 {
			o.Event = nextEventID() // of all events
		}
		want = append(want, c.put(o))
	}
	never, later := c.order("never"), c.order("later")
	later.Due = c.soon(time.Hour)
	c.put(never)
	c.put(later)
	slices.SortFunc(want, func(a, b lockstore.Order) int { return a.Due.Compare(b.Due) })
	first := c.due(2, 24*time.Hour)
	if !slices.EqualFunc(first, want[:len(first)], sameOrder) || c.bubble && len(first) != 2 {
		c.Errorf("the first two that are due are %v, want %v", orderIDs(first), orderIDs(want[:2]))
	}
	c.wantDue(want[len(first):]...)
	c.wantDue()
}

func dueFollowsPut(c *orderCheck) {
	o := c.order("a")
	o.Due = c.soon(2 * c.tick)
	o = c.put(o)
	c.wantDue()
	time.Sleep(3 * c.tick)
	c.wantDue(o)
	o.Due = c.soon(time.Hour)
	o = c.put(o)
	c.wantDue()
	o.Due = c.soon(-time.Hour)
	o = c.put(o)
	c.wantDue(o)
	o.Due = time.Time{}
	o = c.put(o)
	c.wantDue()
	c.wantStored(o)
	if c.bubble { // exactly at its time it is due
		o.Due = c.soon(5 * time.Millisecond)
		o = c.put(o)
		time.Sleep(4 * time.Millisecond)
		c.wantDue()
		time.Sleep(time.Millisecond)
		c.wantDue(o)
	}
}

func dueLeases(c *orderCheck) {
	o := c.order("a")
	o.Due = c.soon(-time.Hour)
	o = c.put(o)
	is := func(what string, want bool, lease time.Duration) {
		c.Helper()
		if got := len(c.due(lockstore.MaxOrders, lease)) > 0; got != want {
			c.Errorf("%s the order is due: %v, want %v", what, got, want)
		}
	}
	is("at first", true, c.ttl)
	is("while it is leased", false, c.ttl)
	c.wantStored(o)
	time.Sleep(c.ttl / 2)
	is("while it is still leased", false, c.ttl)
	time.Sleep(c.ttl/2 + c.tick)
	is("after the lease", true, 24*time.Hour)
	c.wantStored(o)
	is("during the second lease", false, c.ttl)
	o.Body = []byte("worked on")
	o.Due = c.soon(-time.Minute)
	o = c.put(o) // as the revision is what it was
	is("after Due was set anew", true, 24*time.Hour)
	is("during the third lease", false, c.ttl)
	refused := o
	refused.Revision--
	refused.Due = c.soon(-time.Second)
	c.wantChanged(refused)
	is("after a refused Put", false, c.ttl)
	o.Due = time.Time{}
	c.wantStored(c.put(o))
}

// dueRace has many callers ask for what is due. Each order is leased to one of them.
func dueRace(c *orderCheck) {
	const orders, callers = 40, 10
	for n := range orders {
		o := c.order(fmt.Sprint(n))
		o.Due = c.soon(-time.Duration(n+1) * time.Second)
		c.put(o)
	}
	var mu sync.Mutex
	got := make(map[lockstore.OrderID]int)
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for idle, n := 0, 0; idle < 3 && n < 2*orders; n++ {
				page := c.due(3, 24*time.Hour)
				mu.Lock()
				for _, o := range page {
					got[o.ID]++
				}
				mu.Unlock()
				if len(page) == 0 {
					idle++
				}
			}
		})
	}
	all.Wait()
	for id, n := range got {
		if n != 1 {
			c.Errorf("%s is leased %d times", id, n)
		}
	}
	if len(got) != orders {
		c.Errorf("%d orders are leased, want %d", len(got), orders)
	}
}

func ordersOfEvent(c *orderCheck) {
	var want []lockstore.Order
	for _, name := range []string{"b", "a", "B", "a.1", "a-1", "10", "9", "_"} {
		want = append(want, c.put(c.order(name)))
	}
	other := c.order("other")
	other.Event = nextEventID()
	c.put(other)
	slices.SortFunc(want, func(a, b lockstore.Order) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	from := func(after lockstore.OrderID, want []lockstore.Order) {
		c.Helper()
		if got, err := c.Orders(c.ctx, c.event, after); err != nil || !slices.EqualFunc(got, want, sameOrder) {
			c.Errorf("the orders after %q are %v (%v), want %v", after, orderIDs(got), err, orderIDs(want))
		}
	}
	from("", want)
	for i, o := range want {
		from(o.ID, want[i+1:])
	}
	from(want[2].ID+"-", want[3:]) // an id that does not exist
	from("zzz", nil)
}

func ordersInPages(c *orderCheck) {
	const many = lockstore.MaxOrders + 20
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := worker; n < many; n += 8 {
				o := c.order(fmt.Sprintf("%05d", n))
				o.Body = nil
				c.put(o)
			}
		})
	}
	all.Wait()
	after, seen := lockstore.OrderID(""), 0
	for pages := 0; ; pages++ {
		page, err := c.Orders(c.ctx, c.event, after)
		if err != nil {
			c.Fatal(err)
		}
		if len(page) > lockstore.MaxOrders {
			c.Fatalf("a page has %d orders, want at most %d", len(page), lockstore.MaxOrders)
		}
		if len(page) == 0 {
			break
		}
		for _, o := range page {
			if want := c.order(fmt.Sprintf("%05d", seen)).ID; o.ID != want {
				c.Fatalf("order %d is %s, want %s", seen, o.ID, want)
			}
			seen++
		}
		after = page[len(page)-1].ID
	}
	if seen != many {
		c.Errorf("there are %d orders, want %d", seen, many)
	}
}
