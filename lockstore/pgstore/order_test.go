package pgstore_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/storetest"
)

func mustPut(t *testing.T, s *pgstore.Store, o lockstore.Order) {
	t.Helper()
	if _, err := s.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// ids returns the ids of orders.
func ids(orders []lockstore.Order) (all []lockstore.OrderID) {
	for _, o := range orders {
		all = append(all, o.ID)
	}
	return all
}

// TestDueOrdersOfManyProcesses has workers of several processes take orders that are
// due. Each order goes to one of them.
func TestDueOrdersOfManyProcesses(t *testing.T) {
	s, url := newStore(t)
	const orders = 200
	due := time.Now().Add(-time.Minute)
	for i := range orders {
		mustPut(t, s, lockstore.Order{ID: lockstore.OrderID(fmt.Sprintf("o%03d", i)), Event: "event", Due: due.Add(time.Duration(i) * time.Millisecond)})
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	var given []lockstore.OrderID
	var lost atomic.Bool // a call that leased orders may have got no answer
	for range 6 {
		worker := storeAt(t, url)
		all.Go(func() {
			for {
				page, err := worker.Due(t.Context(), 7, time.Hour)
				if errors.Is(err, lockstore.ErrUnavailable) {
					lost.Store(true)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if len(page) == 0 {
					return
				}
				mu.Lock()
				given = append(given, ids(page)...)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(given)
	n := len(given)
	if len(slices.Compact(given)) != n || n != orders && !lost.Load() {
		t.Errorf("%d orders were given, want each of %d once", n, orders)
	}
}

// TestManyBytesOfOrders checks that a call returns few large orders, and that the others
// follow.
func TestManyBytesOfOrders(t *testing.T) {
	s, _ := newStore(t)
	const orders = 150
	body := make([]byte, lockstore.MaxOrderBody)
	var want []lockstore.OrderID
	for i := range orders {
		o := lockstore.Order{ID: lockstore.OrderID(fmt.Sprintf("o%03d", i)), Event: "event", Due: time.UnixMilli(int64(i)), Body: body}
		mustPut(t, s, o)
		want = append(want, o.ID)
	}
	var listed, due []lockstore.OrderID
	for after := lockstore.OrderID(""); ; after = listed[len(listed)-1] {
		page, err := s.Orders(t.Context(), "event", after)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		if len(page) > 100 {
			t.Errorf("a call returned %d orders of 64 KB each", len(page))
		}
		listed = append(listed, ids(page)...)
	}
	for {
		page, err := s.Due(t.Context(), lockstore.MaxOrders, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		due = append(due, ids(page)...)
	}
	if !slices.Equal(listed, want) || !slices.Equal(due, want) {
		t.Errorf("%d orders are listed and %d due, want %d in order", len(listed), len(due), orders)
	}
}

// TestOrders runs the suite of orders on a database, and on one behind a PgBouncer.
func TestOrders(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"direct": func(t *testing.T) string { _, url := newStore(t); return url },
		"behind_a_pooler": func(t *testing.T) string {
			srv, name := newDatabase(t)
			return behindPooler(t, srv, name)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := migrated(t, url(t))
			storetest.OrdersInRealTime(t, func(*testing.T) lockstore.OrderStore { return s })
		})
	}
}
