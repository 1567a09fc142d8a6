package boltstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

// TestOrdersAfterReopening checks that a reopened file has the orders and their due times,
// and has forgotten leases.
func TestOrdersAfterReopening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 4, 0))
		due := func(want ...lockstore.OrderID) {
			t.Helper()
			orders, err := d.Due(t.Context(), 10, time.Minute)
			var got []lockstore.OrderID
			for _, o := range orders {
				got = append(got, o.ID)
			}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("due are %v, %v, want %v", got, err, want)
			}
		}
		later := time.UnixMilli(time.Now().UnixMilli() + 1000)
		a := lockstore.Order{ID: "a", Event: "hamlet", Due: later.Add(time.Millisecond), Body: []byte("one\ntwo\x00")}
		b := lockstore.Order{ID: "b", Event: "hamlet", Due: later}
		c := lockstore.Order{ID: "c", Event: "macbeth"}
		for _, o := range []*lockstore.Order{&a, &b, &c} {
			o.Revision = d.put(*o)
		}
		due()
		time.Sleep(1001 * time.Millisecond)
		due("b", "a")
		due()
		d.reopen()
		if got, err := d.Order(t.Context(), "a"); err != nil || got.Revision != 1 || string(got.Body) != string(a.Body) || !got.Due.Equal(a.Due) {
			t.Errorf("order a is %+v, %v", got, err)
		}
		due("b", "a")
		b.Due = later.Add(time.Second)
		d.put(b)
		a.Due = time.Time{}
		d.put(a)
		d.reopen()
		due()
		time.Sleep(time.Second)
		due("b")
		if _, err := d.Put(t.Context(), a); !errors.Is(err, lockstore.ErrOrderChanged) {
			t.Errorf("a put of an old revision: %v", err)
		}
		if orders, err := d.Orders(t.Context(), "hamlet", "a"); err != nil || len(orders) != 1 || orders[0].ID != "b" {
			t.Errorf("after a are %v, %v", orders, err)
		}
	})
}
