package live

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestViewersTakeTurns checks that viewers who connect together get their first lists one
// after the other, that a slow reader does not delay the others for long, and that nobody
// waits for longer than two seconds.
func TestViewersTakeTurns(t *testing.T) {
	for _, c := range []struct {
		what  string
		takes time.Duration // to send a list
		want  []int64       // how many viewers have begun after each second
	}{
		{"fast", time.Millisecond, []int64{1001, 5000}},
		{"slow", time.Second, []int64{51, 5000}},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pace{make(chan struct{}, 1)}
				var all sync.WaitGroup
				var begun atomic.Int64
				for range 5000 {
					all.Go(func() {
						end, err := p.begin(t.Context(), t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						begun.Add(1)
						time.Sleep(c.takes)
						end()
					})
				}
				for i, want := range c.want {
					time.Sleep(time.Second)
					synctest.Wait()
					if n := begun.Load(); n != want {
						t.Errorf("after %d s, %d viewers have begun, want %d", i+1, n, want)
					}
				}
				all.Wait()
			})
		})
	}
}

// TestViewersWhoLeaveTakeNoTurn checks that a viewer who leaves while waiting takes no turn,
// and that nobody waits once the hub has ended.
func TestViewersWhoLeaveTakeNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{make(chan struct{}, 1)}
		end, err := p.begin(t.Context(), t.Context())
		if err != nil {
			t.Fatal(err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := p.begin(gone, t.Context()); err == nil {
			t.Error("a viewer who has left has a turn")
		}
		if _, err := p.begin(t.Context(), gone); err == nil {
			t.Error("a viewer has a turn after the end of the hub")
		}
		end()
		end()
		began := time.Now()
		if end, err = p.begin(t.Context(), t.Context()); err != nil {
			t.Fatal(err)
		}
		defer end()
		if delay := time.Since(began); delay != 0 {
			t.Errorf("a viewer waits for %v though nobody else has a turn", delay)
		}
	})
}
