package live_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A flaky store can fail, and come back without the seats that it had.
type flaky struct {
	lockstore.LockStore // never fails, for the test's own calls
	calls               atomic.Int64

	mu      sync.Mutex
	backend lockstore.LockStore
	up      context.Context    // ends when calls begin to fail
	fail    context.CancelFunc // makes calls fail, including those in progress
}

// start makes the store answer, with the seats of the backend.
func (f *flaky) start(t *testing.T, backend lockstore.LockStore) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.LockStore, f.backend = backend, backend
	f.up, f.fail = context.WithCancel(t.Context())
}

// call counts a call and returns the present backend and its context.
func (f *flaky) call() (lockstore.LockStore, context.Context) {
	f.calls.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.backend, f.up
}

func (f *flaky) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	store, up := f.call()
	if up.Err() != nil {
		return lockstore.Snapshot{}, lockstore.ErrUnavailable
	}
	return store.List(ctx, ev, since)
}

func (f *flaky) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	store, up := f.call()
	ctx, cancel := context.WithCancelCause(ctx)
	defer context.AfterFunc(up, func() { cancel(lockstore.ErrUnavailable) })()
	if err := store.Wait(ctx, ev, since); err != nil {
		return context.Cause(ctx)
	}
	return nil
}

// TestTheStoreFails checks that viewers stay connected while the store fails, and
// that the hub does not flood the store with calls.
func TestTheStoreFails(t *testing.T) {
	store := new(flaky)
	inBubble(t, store, func(t *testing.T, h *server) {
		store.start(t, new(memstore.Store))
		v := h.mustDial("")
		v.next()
		h.lock("ann", "A1")
		v.next()
		synctest.Wait()
		store.fail()
		store.calls.Store(0)
		h.lock("ben", "B1")
		ctx := v.CloseRead(t.Context())
		time.Sleep(10 * time.Minute)
		if ctx.Err() != nil {
			t.Fatal("the viewer was disconnected")
		}
		if n := store.calls.Load(); n < 100 || n > 500 {
			t.Errorf("in ten minutes the store was called %d times, want 100 to 500", n)
		}
		if _, resp, err := h.dial(""); err == nil || resp.StatusCode != 503 {
			t.Errorf("a viewer without a list to send: %v, want 503", err)
		}
	})
}

// TestTheStoreReturns checks what viewers get when the store answers again, with the
// seats that it had or with others.
func TestTheStoreReturns(t *testing.T) {
	for name, another := range map[string]bool{"as it was": false, "with other seats": true} {
		t.Run(name, func(t *testing.T) {
			store := new(flaky)
			inBubble(t, store, func(t *testing.T, h *server) {
				backend := new(memstore.Store)
				store.start(t, backend)
				v := h.mustDial("").readAll()
				v.next()
				h.lock("ann", "A1", "A2")
				v.next()
				time.Sleep(time.Second)
				store.fail()
				synctest.Wait()
				if another {
					backend = new(memstore.Store)
				}
				if _, err := backend.Do(t.Context(), h.ev, lockstore.Lock("ben", "B1")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Second)
				store.start(t, backend)
				l := v.next()
				want := map[bool]string{false: "locked", true: "available"}[another]
				if l.Full != another || v.status["A1"] != want || v.status["B1"] != "locked" {
					t.Errorf("the message has full %v, A1 is %s, B1 is %s", l.Full, v.status["A1"], v.status["B1"])
				}
				time.Sleep(time.Second)
				h.lock("ann", "A3")
				if l := v.next(); l.Full || l.seats() != "A3 locked" {
					t.Errorf("the next message has full %v, seats %s", l.Full, l.seats())
				}
			})
		})
	}
}
