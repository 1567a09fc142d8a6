package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// A backend records its batches. It answers each work with its double, once
// reply allows the batch that holds it.
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

// call starts a call of weight 1 and returns once that waits or has ended.
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

// wantError checks that the call failed, and how long after the moment.
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

func TestLoneCallGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, b := time.Now(), newBackend(batch.Options{})
		close(b.reply)
		wantAnswer(t, b.call(t.Context(), 21), 42)
		b.want(t, []int{21})
		if d := time.Since(began); d != 0 {
			t.Errorf("a lone call took %v, want no time", d)
		}
	})
}

func TestCallersShareTheNextBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(batch.Options{MaxWeight: 100})
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

// TestWeight holds that no batch weighs too much, that a call which does by
// itself goes alone, and that no call overtakes another.
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

// TestAnsweredOneByOne holds that a call ends with its own answer, not with its
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

// TestPatience holds that a call which is not sent in time is never sent.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(batch.Options{})
		sent := b.call(t.Context(), 1)
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		wantError(t, b.call(t.Context(), 2), lockstore.ErrUnavailable, 200*time.Millisecond, began)
		wantRunning(t, sent)
		close(b.reply)
		wantAnswer(t, sent, 2)
		b.want(t, []int{1})
	})
}

// TestBound holds that the bound counts from the call, not from its sending.
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

// TestPatienceAsLongAsTheBound holds that a call which is sent late has only what
// is left of its time.
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

// TestContextEndsBeforeTheCallIsSent holds that such a call is never sent.
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

// TestContextEndsAfterTheCallIsSent holds that only with AbandonSent the call fails
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

// TestClose holds that Close waits for all calls, those too that were not sent
// yet, and that there are none after it.
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

// TestManyCallers holds that each of many callers gets its own answer while
// others leave.
func TestManyCallers(t *testing.T) {
	const callers, calls, parallel = 32, 200, 3
	running := make(chan struct{}, parallel)
	o := batch.Options{Backend: "the backend", Parallel: parallel, MaxWeight: 20, Yields: 10, Patience: time.Minute, Bound: time.Minute, AbandonSent: true}
	q := batch.New(o, func(batch []*batch.Call[int, int]) {
		select {
		case running <- struct{}{}:
			defer func() { <-running }()
		default:
			t.Errorf("more than %d batches are under way", parallel)
		}
		weight := 0
		for _, c := range batch {
			weight += 1 + c.Work%3
			c.Answer(2*c.Work, nil)
		}
		if weight > 20 {
			t.Errorf("a batch weighs %d, want at most 20", weight)
		}
	})
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for n := range calls {
				work := caller*calls + n
				ctx, cancel := context.WithCancel(t.Context())
				if n%5 == 0 {
					go cancel()
				}
				answer, err := q.Do(ctx, work, 1+work%3)
				cancel()
				if err == nil && answer != 2*work || err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("Do(%d) returned %d, %v", work, answer, err)
				}
			}
		})
	}
	all.Wait()
	q.Close()
}

func BenchmarkDo(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			o := batch.Options{Backend: "the backend", Parallel: 1, MaxWeight: 1000, Yields: 1, Patience: time.Second, Bound: time.Second}
			q := batch.New(o, func(calls []*batch.Call[int, int]) {
				for _, c := range calls {
					c.Answer(c.Work, nil)
				}
			})
			b.ReportAllocs()
			b.SetParallelism(callers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := q.Do(b.Context(), 1, 1); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
