package redisstore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"seatlock/lockstore"
)

// order returns an order that is due after so long from now, or never if that is 0.
func order(id lockstore.OrderID, revision int64, due time.Duration) lockstore.Order {
	o := lockstore.Order{ID: id, Event: "hamlet", Revision: revision, Body: []byte("body of " + id)}
	if due != 0 {
		o.Due = time.Now().Add(due).Truncate(time.Millisecond)
	}
	return o
}

func mustPut(t *testing.T, s *Store, o lockstore.Order) {
	t.Helper()
	if revision, err := s.Put(t.Context(), o); err != nil || revision != o.Revision+1 {
		t.Fatalf("Put of %s: revision %d, %v, want %d", o.ID, revision, err, o.Revision+1)
	}
}

// due returns the ids of the orders that are due.
func due(t *testing.T, s *Store, limit int, lease time.Duration) string {
	t.Helper()
	orders, err := s.Due(t.Context(), limit, lease)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, o := range orders {
		ids = append(ids, string(o.ID))
	}
	return strings.Join(ids, " ")
}

// TestOrders checks that an order is what was put last, and that a Put of another
// revision or event does nothing.
func TestOrders(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		if _, err := s.Order(t.Context(), "a"); !errors.Is(err, lockstore.ErrNoOrder) {
			t.Errorf("an order that was never put: %v", err)
		}
		first := order("a", 0, time.Minute)
		mustPut(t, s, first)
		second := order("a", 1, 0)
		second.Body = []byte("x \n\n\x00\xff y\n")
		mustPut(t, s, second)
		before := m.Dump()
		for _, o := range []lockstore.Order{first, order("a", 1, 0), order("a", 3, 0), order("b", 1, 0)} {
			if revision, err := s.Put(t.Context(), o); !errors.Is(err, lockstore.ErrOrderChanged) || revision != 0 {
				t.Errorf("Put of revision %d of %s: %d, %v", o.Revision, o.ID, revision, err)
			}
		}
		other := order("a", 2, 0)
		other.Event = "macbeth"
		if _, err := s.Put(t.Context(), other); !errors.Is(err, lockstore.ErrInvalid) {
			t.Errorf("Put with another event: %v", err)
		}
		if m.Dump() != before {
			t.Error("a Put that failed has changed something")
		}
		got, err := s.Order(t.Context(), "a")
		if err != nil || got.ID != "a" || got.Event != "hamlet" || got.Revision != 2 || !got.Due.IsZero() || !bytes.Equal(got.Body, second.Body) {
			t.Errorf("the order is %+v, %v", got, err)
		}
	})
}

// TestOrdersOfAnEvent checks that orders are listed by id, and no others.
func TestOrdersOfAnEvent(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, s *Store) {
		for _, id := range []lockstore.OrderID{"b", "B", "a-2", "a", "a.1", "10", "9"} {
			mustPut(t, s, order(id, 0, 0))
		}
		other := order("c", 0, 0)
		other.Event = "hamlet-2"
		mustPut(t, s, other)
		for after, want := range map[lockstore.OrderID]string{"": "10 9 B a a-2 a.1 b", "a": "a-2 a.1 b", "a-1": "a-2 a.1 b", "b": "", "zz": ""} {
			orders, err := s.Orders(t.Context(), "hamlet", after)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, o := range orders {
				ids = append(ids, string(o.ID))
			}
			if got := strings.Join(ids, " "); got != want {
				t.Errorf("the orders after %q are %q, want %q", after, got, want)
			}
		}
	})
}

// TestManyOrdersOfAnEvent checks that an event's orders are read in parts.
func TestManyOrdersOfAnEvent(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, s *Store) {
		var all sync.WaitGroup
		for i := range 1500 {
			all.Go(func() { mustPut(t, s, order(lockstore.OrderID(fmt.Sprintf("%04d", i)), 0, 0)) })
			if i%50 == 49 {
				all.Wait()
			}
		}
		seen, after := 0, lockstore.OrderID("")
		for _, want := range []int{1000, 500, 0} {
			orders, err := s.Orders(t.Context(), "hamlet", after)
			if err != nil || len(orders) != want {
				t.Fatalf("after %q are %d orders, %v, want %d", after, len(orders), err, want)
			}
			for _, o := range orders {
				if o.ID != lockstore.OrderID(fmt.Sprintf("%04d", seen)) {
					t.Fatalf("order %d is %s", seen, o.ID)
				}
				seen, after = seen+1, o.ID
			}
		}
	})
}

// TestDueOrders checks the order in which orders are due, and what a lease and a Put
// do to it.
func TestDueOrders(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		mustPut(t, s, order("c", 0, 3*time.Second))
		mustPut(t, s, order("a", 0, time.Second))
		mustPut(t, s, order("b", 0, 2*time.Second))
		mustPut(t, s, order("never", 0, 0))
		if got := due(t, s, 10, time.Second); got != "" {
			t.Errorf("before their time, %q are due", got)
		}
		time.Sleep(2 * time.Second)
		steps := []struct {
			what  string
			do    func()
			limit int
			lease time.Duration
			want  string
		}{
			{"at the second one's time", nil, 1, 10 * time.Second, "a"},
			{"after the first one's lease", nil, 10, 20 * time.Second, "b"},
			{"when all are leased", func() { time.Sleep(5 * time.Second) }, 10, time.Second, "c"},
			{"when the first one's lease has passed", func() { time.Sleep(5 * time.Second) }, 10, time.Minute, "a c"},
			{"when one is put with another time", func() { mustPut(t, s, order("b", 1, -time.Second)) }, 10, time.Minute, "b"},
			{"when one is put with a later time", func() { mustPut(t, s, order("c", 1, time.Second)) }, 10, time.Minute, ""},
			{"when that time has come", func() { time.Sleep(time.Second) }, 10, time.Minute, "c"},
			{"when one is put without a time", func() { mustPut(t, s, order("a", 1, 0)); time.Sleep(time.Hour) }, 10, time.Minute, "b c"},
		}
		for _, step := range steps {
			if step.do != nil {
				step.do()
			}
			if got := due(t, s, step.limit, step.lease); got != step.want {
				t.Errorf("%s, %q are due, want %q", step.what, got, step.want)
			}
		}
		for _, id := range []string{"a", "b", "c"} {
			mustPut(t, s, order(lockstore.OrderID(id), 2, 0))
		}
		if m.Exists(dueKey) || m.Exists(leasedKey) {
			t.Error("something is kept of orders that are never due")
		}
		for _, limit := range []int{0, -1, lockstore.MaxOrders + 1} {
			if _, err := s.Due(t.Context(), limit, time.Minute); !errors.Is(err, lockstore.ErrInvalid) {
				t.Errorf("Due of %d orders: %v", limit, err)
			}
		}
	})
}

// TestLargeOrders checks orders of the longest body, of which few share a trip.
func TestLargeOrders(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, s *Store) {
		var all sync.WaitGroup
		for i := range 100 {
			o := order(lockstore.OrderID(fmt.Sprint(i)), 0, time.Millisecond)
			o.Body = bytes.Repeat([]byte{byte(i)}, lockstore.MaxOrderBody)
			all.Go(func() { mustPut(t, s, o) })
			if i%10 == 9 {
				all.Wait()
			}
		}
		time.Sleep(time.Second)
		orders, err := s.Due(t.Context(), 1000, time.Minute)
		if err != nil || len(orders) != 100 || slices.ContainsFunc(orders, func(o lockstore.Order) bool { return len(o.Body) != lockstore.MaxOrderBody }) {
			t.Errorf("%d orders are due, %v", len(orders), err)
		}
	})
}
