package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/lockstore"
)

// orderBase keeps orders in memory. It is correct as long as its hooks are nil. The hooks
// run with the mutex held.
type orderBase struct {
	mu     sync.Mutex
	orders map[lockstore.OrderID]*kept

	put   func(o *lockstore.Order, was *kept)       // may change what is put, or what it is compared with
	due   func([]lockstore.Order) []lockstore.Order // may change what is due
	lease func(k *kept, until time.Time)            // leases an order
	event func([]lockstore.Order) []lockstore.Order // may change the orders of an event
	pause bool                                      // between comparing and setting
	isDue func(k *kept) bool
	after int // Orders returns the ids whose comparison with its argument gives more than this
	share bool
}

type kept struct {
	lockstore.Order
	leased time.Time
}

func (b *orderBase) Put(ctx context.Context, o lockstore.Order) (int64, error) {
	if err := cmp.Or(o.Check(), ctx.Err()); err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.orders[o.ID]
	if was == nil {
		was = &kept{Order: lockstore.Order{Event: o.Event}}
	}
	if b.put != nil {
		b.put(&o, was)
	}
	if was.Event != o.Event {
		return 0, &lockstore.InvalidError{Problem: "the event of an order never changes"}
	}
	if was.Revision != o.Revision {
		return 0, lockstore.ErrOrderChanged
	}
	if b.pause {
		b.mu.Unlock()
		time.Sleep(time.Nanosecond)
		b.mu.Lock()
	}
	o.Revision++
	if !b.share {
		o.Body = bytes.Clone(o.Body)
	}
	next := &kept{Order: o, leased: was.leased}
	if b.lease == nil {
		next.leased = time.Time{}
	}
	b.orders[o.ID] = next
	return o.Revision, nil
}

func (b *orderBase) Order(ctx context.Context, id lockstore.OrderID) (lockstore.Order, error) {
	if err := cmp.Or(id.Check(), ctx.Err()); err != nil {
		return lockstore.Order{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if k := b.orders[id]; k != nil {
		return b.copy(k), nil
	}
	return lockstore.Order{}, lockstore.ErrNoOrder
}

func (b *orderBase) copy(k *kept) lockstore.Order {
	o := k.Order
	if !b.share {
		o.Body = bytes.Clone(o.Body)
	}
	return o
}

func (b *orderBase) Due(ctx context.Context, limit int, lease time.Duration) ([]lockstore.Order, error) {
	if limit < 1 || limit > lockstore.MaxOrders {
		return nil, &lockstore.InvalidError{Problem: "the limit is bad"}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []lockstore.Order
	for _, k := range b.orders {
		if !k.Due.IsZero() && (!k.Due.After(time.Now()) || b.isDue != nil && b.isDue(k)) && !k.leased.After(time.Now()) {
			all = append(all, b.copy(k))
		}
	}
	slices.SortFunc(all, func(a, b lockstore.Order) int { return a.Due.Compare(b.Due) })
	if b.due != nil {
		all = b.due(all)
	}
	all = all[:min(len(all), limit)]
	for _, o := range all {
		if until := time.Now().Add(lease); b.lease != nil {
			b.lease(b.orders[o.ID], until)
		} else {
			b.orders[o.ID].leased = until
		}
	}
	return all, nil
}

func (b *orderBase) Orders(ctx context.Context, event lockstore.EventID, after lockstore.OrderID) ([]lockstore.Order, error) {
	if after != "" {
		if err := after.Check(); err != nil {
			return nil, err
		}
	}
	if err := cmp.Or(event.Check(), ctx.Err()); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []lockstore.Order
	for _, k := range b.orders {
		if k.Event == event && cmp.Compare(k.ID, after) > b.after {
			all = append(all, b.copy(k))
		}
	}
	slices.SortFunc(all, func(a, b lockstore.Order) int { return cmp.Compare(a.ID, b.ID) })
	if b.event != nil {
		all = b.event(all)
	}
	return all[:min(len(all), lockstore.MaxOrders)], nil
}

// An orderSubject is a store of orders, mostly with one fault, and the cases that
// must fail.
type orderSubject struct {
	fault func(*orderBase)
	fails []string
}

var orderSubjects = map[string]orderSubject{
	"nothing_wrong":        {func(*orderBase) {}, nil},
	"put_ignores_revision": {func(b *orderBase) { b.put = func(o *lockstore.Order, was *kept) { o.Revision = was.Revision } }, []string{"put_creates", "put_compares"}},
	"put_checks_then_sets": {func(b *orderBase) { b.pause = true }, []string{"put_under_race"}},
	"put_changes_event":    {func(b *orderBase) { b.put = func(o *lockstore.Order, was *kept) { was.Event = o.Event } }, []string{"event_never_changes"}},
	"first_revision_is_any": {func(b *orderBase) {
		b.put = func(o *lockstore.Order, was *kept) {
			if was.Revision == 0 {
				o.Revision = 0
			}
		}
	}, []string{"put_creates"}},
	"bodies_are_text": {func(b *orderBase) {
		b.put = func(o *lockstore.Order, _ *kept) { o.Body = bytes.ToValidUTF8(o.Body, []byte("?")) }
	}, []string{"everything_is_kept"}},
	"bodies_are_shared":   {func(b *orderBase) { b.share = true }, []string{"bodies_are_not_shared"}},
	"due_before_its_time": {func(b *orderBase) { b.isDue = func(*kept) bool { return true } }, []string{"due_in_order", "due_follows_put"}},
	"due_late":            {func(b *orderBase) { b.due = olderThan(time.Millisecond) }, []string{"due_follows_put"}},
	"due_by_id":           {func(b *orderBase) { b.due = byID }, []string{"due_in_order"}},
	"due_never_leases":    {func(b *orderBase) { b.lease = func(*kept, time.Time) {} }, []string{"due_leases", "due_under_race"}},
	"lease_survives_put":  {func(b *orderBase) { b.lease = func(k *kept, until time.Time) { k.leased = until } }, []string{"due_leases", "due_follows_put"}},
	"lease_changes_due": {func(b *orderBase) {
		b.lease = func(k *kept, until time.Time) { k.Due = until.Truncate(time.Millisecond) }
	}, []string{"due_leases"}},
	"lease_is_a_change": {func(b *orderBase) {
		b.lease = func(k *kept, until time.Time) { k.leased, k.Revision = until, k.Revision+1 }
	}, []string{"due_leases"}},
	"orders_unsorted": {func(b *orderBase) {
		b.event = func(all []lockstore.Order) []lockstore.Order { slices.Reverse(all); return all }
	}, []string{"orders_of_an_event", "orders_in_pages"}},
	"orders_begin_at":  {func(b *orderBase) { b.after = -1 }, []string{"orders_of_an_event"}},
	"orders_fold_case": {func(b *orderBase) { b.event = foldingCase }, []string{"orders_of_an_event"}},
	"orders_end_too_soon": {func(b *orderBase) {
		b.event = func(all []lockstore.Order) []lockstore.Order { return all[:min(len(all), 7)] }
	}, []string{"orders_of_an_event"}},
}

func olderThan(d time.Duration) func([]lockstore.Order) []lockstore.Order {
	return func(all []lockstore.Order) []lockstore.Order {
		return slices.DeleteFunc(all, func(o lockstore.Order) bool { return time.Since(o.Due) < d })
	}
}

func byID(all []lockstore.Order) []lockstore.Order {
	slices.SortFunc(all, func(a, b lockstore.Order) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func foldingCase(all []lockstore.Order) []lockstore.Order {
	slices.SortFunc(all, func(a, b lockstore.Order) int {
		return cmp.Compare(strings.ToLower(string(a.ID)), strings.ToLower(string(b.ID)))
	})
	return all
}

// TestOrderSubject runs the suite on one subject. TestOrdersFindFaults runs it in a
// process of its own, where it may fail.
func TestOrderSubject(t *testing.T) {
	if s, ok := orderSubjects[os.Getenv(subjectVar)]; ok {
		Orders(t, func(*testing.T) lockstore.OrderStore {
			b := &orderBase{orders: make(map[lockstore.OrderID]*kept)}
			s.fault(b)
			return b
		})
	}
}

// TestOrdersFindFaults checks that a correct store of orders passes the suite, and that
// broken ones fail the cases that are about their fault.
func TestOrdersFindFaults(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range orderSubjects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, self, "-test.run=^TestOrderSubject$", "-test.v")
			cmd.Env = append(os.Environ(), subjectVar+"="+name)
			out, err := cmd.CombinedOutput()
			if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
				t.Fatal(err)
			}
			if failed := err != nil; failed != (s.fails != nil) {
				t.Errorf("the suite fails: %v\n%s", failed, out)
			}
			for _, c := range s.fails {
				if !strings.Contains(string(out), "--- FAIL: TestOrderSubject/"+c) {
					t.Errorf("case %s passes:\n%s", c, out)
				}
			}
		})
	}
}
