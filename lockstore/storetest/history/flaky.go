package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"seatlock/lockstore"
)

// A Flaky store loses some of the calls and some of the answers of another, as
// a network does, and says so as the contract asks.
type Flaky struct {
	lockstore.LockStore
	loss float64
	mu   sync.Mutex
	rnd  *rand.Rand
}

// NewFlaky loses that share of the writes: half of the lost ones before and
// half after they are done.
func NewFlaky(s lockstore.LockStore, loss float64, seed uint64) *Flaky {
	return &Flaky{LockStore: s, loss: loss, rnd: rand.New(rand.NewPCG(seed, 0))}
}

// pass makes the call, unless it is lost.
func (f *Flaky) pass(call func() error) error {
	f.mu.Lock()
	lost, before := f.rnd.Float64() < f.loss, f.rnd.IntN(2) == 0
	f.mu.Unlock()
	if lost && before {
		return fmt.Errorf("%w: the call was lost", lockstore.ErrOutcomeUnknown)
	}
	err := call()
	if lost {
		return fmt.Errorf("%w: the answer was lost", lockstore.ErrOutcomeUnknown)
	}
	return err
}

// Lock may be lost.
func (f *Flaky) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (expires time.Time, err error) {
	err = f.pass(func() error { expires, err = f.LockStore.Lock(ctx, ev, seats, user); return err })
	return expires, err
}

// Confirm may be lost.
func (f *Flaky) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return f.pass(func() error { return f.LockStore.Confirm(ctx, ev, seats, user) })
}

// Release may be lost.
func (f *Flaky) Release(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return f.pass(func() error { return f.LockStore.Release(ctx, ev, seats, user) })
}
