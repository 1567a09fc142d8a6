package payment

import (
	"context"
	"sync"

	"seatlock/lockstore"
)

// turns let one caller at a time work on an order. The zero value is ready to use.
type turns struct {
	mu     sync.Mutex
	orders map[lockstore.OrderID]*turn
}

type turn struct {
	free    chan struct{} // has an element unless a caller works on the order
	waiting bool
	users   int
}

// do calls f when no other caller works on the order. If another caller is already
// waiting, do returns at once, since that one will do what f would.
func (t *turns) do(ctx context.Context, id lockstore.OrderID, f func() error) error {
	t.mu.Lock()
	at := t.orders[id]
	if at == nil {
		at = &turn{free: make(chan struct{}, 1)}
		at.free <- struct{}{}
		if t.orders == nil {
			t.orders = make(map[lockstore.OrderID]*turn)
		}
		t.orders[id] = at
	}
	if at.waiting {
		t.mu.Unlock()
		return nil
	}
	at.waiting = true
	at.users++
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if at.users--; at.users == 0 {
			delete(t.orders, id)
		}
	}()
	var err error
	select {
	case <-at.free:
	case <-ctx.Done():
		err = ctx.Err()
	}
	t.mu.Lock()
	at.waiting = false
	t.mu.Unlock()
	if err != nil {
		return err
	}
	defer func() { at.free <- struct{}{} }()
	return f()
}
