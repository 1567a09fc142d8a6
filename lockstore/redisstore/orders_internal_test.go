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
	"github.com/alicebob/miniredis/v2/server"

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

// TestDueOrders checks the order in which orders are due, and how a lease and a Put
// change it.
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

// TestOrdersHaveOneDeadline checks that the pages of one call share its time, and that
// what was read of them is returned.
func TestOrdersHaveOneDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		for i := range 10 * orderPage {
			mustPut(t, s, order(lockstore.OrderID(fmt.Sprintf("%03d", i)), 0, 0))
		}
		m.Server().SetPreHook(func(_ *server.Peer, name string, _ ...string) bool {
			if name == "MGET" {
				time.Sleep(callTime * 3 / 10)
			}
			return false
		})
		orders, err := s.Orders(t.Context(), "hamlet", "")
		if err != nil || len(orders) != 4*orderPage { // this client cancels no command that it has sent
			t.Errorf("%d orders, %v, want those of the 4 pages that there is time for", len(orders), err)
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
		wrong := func(o lockstore.Order) bool { return len(o.Body) != lockstore.MaxOrderBody }
		leased := 0
		for range 10 { // each leases no more than it returns
			orders, err := s.Due(t.Context(), 1000, time.Minute)
			if err != nil || len(orders) > dueBytes/lockstore.MaxOrderBody || slices.ContainsFunc(orders, wrong) {
				t.Errorf("%d orders are due, %v", len(orders), err)
			}
			leased += len(orders)
		}
		if leased != 100 {
			t.Errorf("%d orders were leased, want 100", leased)
		}
		var after lockstore.OrderID
		read := 0
		for range 3 {
			orders, err := s.Orders(t.Context(), "hamlet", after)
			if err != nil || len(orders) > orderBytes/lockstore.MaxOrderBody+orderPage || slices.ContainsFunc(orders, wrong) {
				t.Fatalf("%d orders after %q, %v", len(orders), after, err)
			}
			if read += len(orders); len(orders) > 0 {
				after = orders[len(orders)-1].ID
			}
		}
		if read != 100 {
			t.Errorf("the event has %d orders, want 100", read)
		}
	})
}
