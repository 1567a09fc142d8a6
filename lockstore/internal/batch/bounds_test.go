package batch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// TestBound checks that the bound counts from the call, not from its sending.
func TestBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, b := time.Now(), newBackend(batch.Options{})
		first := b.call(t.Context(), 1)
		second := b.call(t.Context(), 2)
		time.Sleep(100 * time.Millisecond)
		b.reply <- struct{}{}
		wantAnswer(t, first, 2)
		wantError(t, second, lockstore.ErrOutcomeUnknown, time.Second, began)
		third := b.call(t.Context(), 3) // the backend is still busy
		wantError(t, third, lockstore.ErrUnavailable, 1200*time.Millisecond, began)
		close(b.reply)
		b.want(t, []int{1}, []int{2})
	})
}

// TestPatienceAsLongAsTheBound checks that a call that is sent late has only the rest
// of its time.
func TestPatienceAsLongAsTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, b := time.Now(), newBackend(batch.Options{Patience: time.Second, Bound: time.Second})
		first, late, never := b.call(t.Context(), 1), b.call(t.Context(), 2), b.call(t.Context(), 3)
		time.Sleep(900 * time.Millisecond)
		b.reply <- struct{}{}
		wantAnswer(t, first, 2)
		wantError(t, late, lockstore.ErrOutcomeUnknown, time.Second, began)
		wantError(t, never, lockstore.ErrUnavailable, time.Second, began)
		close(b.reply)
		b.want(t, []int{1}, []int{2})
	})
}

// TestContextEndsBeforeTheCallIsSent checks that such a call is never sent.
func TestContextEndsBeforeTheCallIsSent(t *testing.T) {
	for _, abandon := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBackend(batch.Options{AbandonSent: abandon, MaxWeight: 9})
			ctx, cancel := context.WithCancel(t.Context())
			sent := b.call(t.Context(), 1)
			leaving, staying := b.call(ctx, 2), b.call(t.Context(), 3)
			began := time.Now()
			cancel()
			wantError(t, leaving, context.Canceled, 0, began)
			wantError(t, b.call(ctx, 4), context.Canceled, 0, began)
			close(b.reply)
			wantAnswer(t, sent, 2)
			wantAnswer(t, staying, 6)
			wantError(t, b.call(ctx, 5), context.Canceled, 0, began)
			b.want(t, []int{1}, []int{3})
		})
	}
}

// TestContextEndsAfterTheCallIsSent checks that only with AbandonSent the call fails
// at once.
func TestContextEndsAfterTheCallIsSent(t *testing.T) {
	start := func(t *testing.T, abandon bool) (*backend, <-chan outcome) {
		b := newBackend(batch.Options{AbandonSent: abandon})
		ctx, cancel := context.WithCancel(t.Context())
		call := b.call(ctx, 1)
		time.Sleep(300 * time.Millisecond) // its patience is over
		cancel()
		synctest.Wait()
		return b, call
	}
	t.Run("waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b, call := start(t, false)
			wantRunning(t, call)
			close(b.reply)
			wantAnswer(t, call, 2)
		})
	})
	t.Run("waits up to the bound", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			b, call := start(t, false)
			wantError(t, call, lockstore.ErrOutcomeUnknown, time.Second, began)
			close(b.reply)
		})
	})
	t.Run("abandons", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			b, call := start(t, true)
			o := <-call
			if !errors.Is(o.err, lockstore.ErrOutcomeUnknown) || !errors.Is(o.err, context.Canceled) || o.at.Sub(began) != 300*time.Millisecond {
				t.Errorf("the call ended after %v with %d, %v", o.at.Sub(began), o.answer, o.err)
			}
			close(b.reply)
			b.want(t, []int{1})
		})
	})
}

// TestClose checks that Close waits for all calls, including those that were not sent
// yet, and that later calls are refused.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(batch.Options{Parallel: 2, MaxWeight: 9})
		calls := []<-chan outcome{b.call(t.Context(), 0), b.call(t.Context(), 1), b.call(t.Context(), 2)}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			b.Close()
		}()
		synctest.Wait()
		wantError(t, b.call(t.Context(), 3), batch.ErrClosed, 0, time.Now())
		b.reply <- struct{}{}
		b.reply <- struct{}{}
		synctest.Wait()
		select {
		case <-closed:
			t.Error("Close returned before the last call was answered")
		default:
		}
		b.reply <- struct{}{}
		<-closed
		for work, call := range calls {
			wantAnswer(t, call, 2*work)
		}
		b.Close() // waits for nothing
		wantError(t, b.call(t.Context(), 4), lockstore.ErrUnavailable, 0, time.Now())
	})
}
