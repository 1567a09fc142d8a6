package best_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/venue/best"
	"seatlock/lockstore"
)

// TestWaitIsBounded checks that a caller who waits for seats that another one is trying
// to lock does not wait for ever, and does not get the answer that there are none.
func TestWaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSale(t, 1, 2)
		p := s.process(1)
		hanging := s.deals("ann")
		hanging.Lock = func(context.Context, []int) ([]int, bool, error) {
			time.Sleep(time.Hour)
			return nil, true, lockstore.ErrOutcomeUnknown
		}
		var ann sync.WaitGroup
		defer ann.Wait()
		ann.Go(func() { p.Take(t.Context(), party(2), hanging) })
		synctest.Wait() // until ann tries
		if _, err := p.Take(t.Context(), party(2), s.deals("ben")); !errors.Is(err, best.ErrContended) {
			t.Errorf("ben, while ann's lock hangs: %v, want %v", err, best.ErrContended)
		}
	})
}

// TestLockIsBounded checks that a lock without an answer at the end of the call is not
// treated as a conflict: its outcome is unknown.
func TestLockIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSale(t, 1, 2)
		d := s.deals("ann")
		d.Lock = func(ctx context.Context, _ []int) ([]int, bool, error) {
			<-ctx.Done()
			return nil, true, fmt.Errorf("%w: %w", lockstore.ErrOutcomeUnknown, ctx.Err())
		}
		if _, err := s.process(1).Take(t.Context(), party(2), d); !errors.Is(err, lockstore.ErrOutcomeUnknown) || errors.Is(err, best.ErrContended) {
			t.Errorf("a lock without an answer: %v, want %v", err, lockstore.ErrOutcomeUnknown)
		}
	})
}

// TestCallersContextCounts checks that the end of the caller's context is reported as
// such.
func TestCallersContextCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSale(t, 1, 2)
		s.latency = func() time.Duration { return time.Second / 2 }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/4)
		defer cancel()
		d := s.deals("ann")
		d.Lock = func(ctx context.Context, _ []int) ([]int, bool, error) { <-ctx.Done(); return nil, true, ctx.Err() }
		if _, err := s.process(1).Take(ctx, party(2), d); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, best.ErrContended) {
			t.Errorf("after the caller's deadline: %v, want %v", err, context.DeadlineExceeded)
		}
	})
}
