package batch_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"seatlock/lockstore/internal/batch"
)

// TestManyCallers checks that each of many callers gets its own answer while
// others leave.
func TestManyCallers(t *testing.T) {
	t.Run("AbandonSent", func(t *testing.T) { manyCallers(t, batch.Options{AbandonSent: true}) })
	t.Run("CallerSends", func(t *testing.T) {
		manyCallers(t, batch.Options{CallerSends: true, Late: time.Minute, MaxPerKey: 8})
	})
}

func manyCallers(t *testing.T, o batch.Options) {
	const callers, calls, parallel = 32, 200, 3
	running := make(chan struct{}, parallel)
	o.Backend, o.Parallel, o.MaxWeight, o.Yields, o.Patience, o.Bound = "the backend", parallel, 20, 10, time.Minute, time.Minute
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

// TestAnsweredCallsAreFreed checks that a queue does not keep the calls of a
// burst after it has answered them.
func TestAnsweredCallsAreFreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reply := make(chan struct{})
		o := batch.Options{Backend: "the backend", Parallel: 1, MaxWeight: 1000, Yields: 1, Patience: time.Minute, Bound: time.Minute}
		q := batch.New(o, func(calls []*batch.Call[*[1024]byte, int]) {
			<-reply
			for _, c := range calls {
				c.Answer(0, nil)
			}
		})
		var works []weak.Pointer[[1024]byte]
		var all sync.WaitGroup
		for range 100 {
			work := new([1024]byte)
			works = append(works, weak.Make(work))
			all.Go(func() { _, _ = q.Do(t.Context(), work, 1) })
		}
		synctest.Wait()
		close(reply)
		all.Wait()
		runtime.GC()
		kept := 0
		for _, work := range works {
			if work.Value() != nil {
				kept++
			}
		}
		if kept > 0 {
			t.Errorf("%d of %d answered calls are kept", kept, len(works))
		}
		runtime.KeepAlive(q)
	})
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
