package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"seatlock/lockstore"
)

// A Flaky loses some of the operations and some of the answers of another store,
// as a network does, and then returns [lockstore.ErrOutcomeUnknown].
type Flaky struct {
	lockstore.LockStore
	loss float64
	mu   sync.Mutex // guards rnd
	rnd  *rand.Rand
}

// NewFlaky returns a Flaky that loses that share of the operations, from 0 to 1:
// half of the lost ones before and half after s carries them out.
func NewFlaky(s lockstore.LockStore, loss float64, seed uint64) *Flaky {
	return &Flaky{LockStore: s, loss: loss, rnd: rand.New(rand.NewPCG(seed, 0))}
}

// Do implements [lockstore.LockStore].
func (f *Flaky) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	f.mu.Lock()
	lost, before := f.rnd.Float64() < f.loss, f.rnd.IntN(2) == 0
	f.mu.Unlock()
	if lost && before {
		return lockstore.Result{}, fmt.Errorf("%w: the call was lost", lockstore.ErrOutcomeUnknown)
	}
	result, err := f.LockStore.Do(ctx, ev, op)
	if lost {
		return lockstore.Result{}, fmt.Errorf("%w: the answer was lost", lockstore.ErrOutcomeUnknown)
	}
	return result, err
}
