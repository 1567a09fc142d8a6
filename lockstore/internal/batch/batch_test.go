package batch_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore/internal/batch"
)

// A backend records its batches. It answers each call with twice its work, once reply
// lets the batch with the call go on.
type backend struct {
	*batch.Queue[int, int]
	reply chan struct{}

	mu      sync.Mutex
	batches [][]int
}

// newBackend returns a backend with these options. The defaults are 200 ms of
// patience, a bound of 1 s, a weight of 1 and one batch at a time.
func newBackend(o batch.Options) *backend {
	o.Backend = "the backend"
	if o.Patience == 0 {
		o.Patience, o.Bound = 200*time.Millisecond, time.Second
	}
	o.MaxWeight = max(o.MaxWeight, 1)
	o.Parallel = max(o.Parallel, 1)
	o.Yields = 1
	b := &backend{reply: make(chan struct{})}
	b.Queue = batch.New(o, b.send)
	return b
}

func (b *backend) send(calls []*batch.Call[int, int]) {
	var works []int
	for _, c := range calls {
		works = append(works, c.Work)
	}
	b.mu.Lock()
	b.batches = append(b.batches, works)
	b.mu.Unlock()
	<-b.reply
	for _, c := range calls {
		c.Answer(2*c.Work, nil)
	}
}

// An outcome is how a call ended, and when.
type outcome struct {
	answer int
	err    error
	at     time.Time
}

// call starts a call of weight 1 and returns once the call waits or has ended.
func (b *backend) call(ctx context.Context, work int) <-chan outcome { return b.weigh(ctx, work, 1) }

func (b *backend) weigh(ctx context.Context, work, weight int) <-chan outcome {
	ended := make(chan outcome, 1)
	go func() {
		answer, err := b.Do(ctx, work, weight)
		ended <- outcome{answer, err, time.Now()}
	}()
	synctest.Wait()
	return ended
}

// want checks the batches so far.
func (b *backend) want(t *testing.T, want ...[]int) {
	t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.EqualFunc(b.batches, want, slices.Equal) {
		t.Errorf("the batches are %v, want %v", b.batches, want)
	}
}

func wantAnswer(t *testing.T, call <-chan outcome, want int) {
	t.Helper()
	if o := <-call; o.err != nil || o.answer != want {
		t.Errorf("the call ended with %d, %v, want %d", o.answer, o.err, want)
	}
}

// wantError checks that the call failed with want, and how long after moment.
func wantError(t *testing.T, call <-chan outcome, want error, after time.Duration, moment time.Time) {
	t.Helper()
	o := <-call
	if !errors.Is(o.err, want) {
		t.Errorf("the call ended with %d, %v, want %v", o.answer, o.err, want)
	}
	if got := o.at.Sub(moment); got != after {
		t.Errorf("the call took %v, want %v", got, after)
	}
}

func wantRunning(t *testing.T, call <-chan outcome) {
	t.Helper()
	synctest.Wait()
	if len(call) != 0 {
		o := <-call
		t.Errorf("the call has ended with %d, %v", o.answer, o.err)
	}
}

// eitherSender runs a test where goroutines send batches and where callers send their own.
func eitherSender(t *testing.T, test func(t *testing.T, callerSends bool)) {
	for _, callerSends := range []bool{false, true} {
		t.Run(fmt.Sprintf("CallerSends=%v", callerSends), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, callerSends) })
		})
	}
}

// TestCallerSends holds that a caller sends its own call without a goroutine, and that
// those that come meanwhile are sent although it has left.
func TestCallerSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(batch.Options{MaxWeight: 100, CallerSends: true})
		before := runtime.NumGoroutine()
		first := b.call(t.Context(), 0)
		b.want(t, []int{0})
		if n := runtime.NumGoroutine() - before; n != 1 {
			t.Errorf("a call has %d goroutines, want its caller's alone", n)
		}
		second, third := b.call(t.Context(), 1), b.call(t.Context(), 2)
		b.reply <- struct{}{}
		wantAnswer(t, first, 0)
		b.want(t, []int{0}, []int{1, 2})
		close(b.reply)
		wantAnswer(t, second, 2)
		wantAnswer(t, third, 4)
		b.Close()
	})
}

func TestLoneCallGoesAtOnce(t *testing.T) {
	eitherSender(t, func(t *testing.T, callerSends bool) {
		began, b := time.Now(), newBackend(batch.Options{CallerSends: callerSends})
		close(b.reply)
		wantAnswer(t, b.call(t.Context(), 21), 42)
		b.want(t, []int{21})
		if d := time.Since(began); d != 0 {
			t.Errorf("a lone call took %v, want no time", d)
		}
	})
}

func TestCallersShareTheNextBatch(t *testing.T) {
	eitherSender(t, func(t *testing.T, callerSends bool) {
		b := newBackend(batch.Options{MaxWeight: 100, CallerSends: callerSends})
		var calls []<-chan outcome
		for work := range 5 {
			calls = append(calls, b.call(t.Context(), work))
		}
		b.want(t, []int{0})
		b.reply <- struct{}{}
		wantAnswer(t, calls[0], 0)
		b.want(t, []int{0}, []int{1, 2, 3, 4})
		close(b.reply)
		for work, call := range calls[1:] {
			wantAnswer(t, call, 2*(work+1))
		}
		wantAnswer(t, b.call(t.Context(), 5), 10)
		b.want(t, []int{0}, []int{1, 2, 3, 4}, []int{5})
	})
}

func TestParallelBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(batch.Options{Parallel: 2, MaxWeight: 100})
		var calls []<-chan outcome
		for work := range 4 {
			calls = append(calls, b.call(t.Context(), work))
		}
		b.want(t, []int{0}, []int{1})
		b.reply <- struct{}{} // to either
		b.want(t, []int{0}, []int{1}, []int{2, 3})
		close(b.reply)
		for work, call := range calls {
			wantAnswer(t, call, 2*work)
		}
	})
}

// TestWeight checks that no batch weighs too much, that a call that exceeds the weight
// by itself goes alone, and that no call overtakes another.
func TestWeight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(batch.Options{MaxWeight: 10})
		for work, weight := range []int{1, 4, 6, 5, 50, 3, 8, 1, 1} {
			b.weigh(t.Context(), work, weight)
		}
		close(b.reply)
		b.want(t, []int{0}, []int{1, 2}, []int{3}, []int{4}, []int{5}, []int{6, 7, 8})
	})
}

// TestAnsweredOneByOne checks that a call ends with its own answer, not with its
// batch.
func TestAnsweredOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		o := batch.Options{Backend: "the backend", Parallel: 1, MaxWeight: 9, Yields: 1, Patience: time.Minute, Bound: time.Minute}
		q := batch.New(o, func(calls []*batch.Call[string, string]) {
			for _, c := range calls {
				time.Sleep(time.Second)
				if c.Work == "bad" {
					c.Answer("", refused)
				} else {
					c.Answer(c.Work+"!", nil)
				}
			}
		})
		began := time.Now()
		do := func(work string) string {
			answer, err := q.Do(t.Context(), work, 1)
			return fmt.Sprintf("%q, %v after %v", answer, err, time.Since(began))
		}
		var all sync.WaitGroup
		for i, work := range []string{"first", "good", "bad", "last"} {
			want := []string{`"first!", <nil> after 1s`, `"good!", <nil> after 2s`, `"", refused after 3s`, `"last!", <nil> after 4s`}[i]
			all.Go(func() {
				if got := do(work); got != want {
					t.Errorf("%s ended with %s, want %s", work, got, want)
				}
			})
			synctest.Wait()
		}
		all.Wait()
	})
}
