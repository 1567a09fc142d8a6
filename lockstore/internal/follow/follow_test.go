package follow_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore/internal/follow"
)

// A source has the news of keys, which a Poller reads once a second.
type source struct {
	mu    sync.Mutex
	news  map[string]int
	err   error
	runs  int // how many goroutines have started
	works int // how many are at work
	turns int // how often any has looked
}

func (s *source) set(key string, news int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news[key] = news
}

func (s *source) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// want checks how many goroutines have started and are at work.
func (s *source) want(t *testing.T, runs, works int) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs != runs || s.works != works {
		t.Errorf("%d goroutines have started and %d are at work, want %d and %d", s.runs, s.works, runs, works)
	}
}

// follower returns a Follower of a new source.
func follower(of func(time.Duration, follow.Poller[string, int]) *follow.Follower[string, int], linger time.Duration) (*follow.Follower[string, int], *source) {
	s := &source{news: make(map[string]int)}
	var f *follow.Follower[string, int]
	f = of(linger, func(waited iter.Seq[map[string]int]) error {
		s.mu.Lock()
		s.runs, s.works = s.runs+1, s.works+1
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			s.works--
			s.mu.Unlock()
		}()
		for keys := range waited {
			time.Sleep(time.Second)
			s.mu.Lock()
			s.turns++
			err := s.err
			for key := range keys {
				f.Publish(key, s.news[key])
			}
			s.mu.Unlock()
			if err != nil {
				return err
			}
		}
		return nil
	})
	return f, s
}

// bubble runs a test in a synctest bubble. All goroutines must end once there are
// no waiters.
func bubble(t *testing.T, test func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		test(t)
		time.Sleep(time.Hour)
	})
}

// next starts a waiter's Next, and returns a channel that gets its result.
func next(ctx context.Context, w *follow.Waiter[string, int]) <-chan string {
	end := make(chan string, 1)
	go func() {
		news, err := w.Next(ctx)
		end <- fmt.Sprintf("%d, %v", news, err)
	}()
	return end
}

func wantEnd(t *testing.T, what string, end <-chan string, want string) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-end:
		if got != want {
			t.Errorf("%s: Next returned %s, want %s", what, got, want)
		}
	default:
		if want != "" {
			t.Errorf("%s: Next has not returned, want %s", what, want)
		}
	}
}

func TestOneLooksForAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, s := follower(follow.All, 0)
		var ends []<-chan string
		for i := range 50 {
			w := f.Join([]string{"a", "b"}[i%2], 0)
			defer w.Leave()
			ends = append(ends, next(t.Context(), w))
		}
		time.Sleep(10 * time.Second)
		s.want(t, 1, 1)
		for _, end := range ends {
			wantEnd(t, "without news", end, "")
		}
		s.set("a", 1)
		time.Sleep(time.Second)
		for i, end := range ends {
			wantEnd(t, "after news of a", end, []string{"1, <nil>", ""}[i%2])
		}
		s.set("b", 2)
		time.Sleep(time.Second)
		for i, end := range ends {
			wantEnd(t, "after news of b", end, []string{"", "2, <nil>"}[i%2])
		}
	})
}

// TestNoNewsIsLost checks that news that is published between two calls of Next
// ends the second at once, and that only the latest counts.
func TestNoNewsIsLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, _ := follower(follow.All, 0)
		w, late := f.Join("a", 0), f.Join("a", 0)
		defer w.Leave()
		defer late.Leave()
		f.Publish("a", 1)
		f.Publish("a", 2)
		wantEnd(t, "after two", next(t.Context(), w), "2, <nil>")
		end := next(t.Context(), w)
		wantEnd(t, "after none", end, "")
		f.Publish("a", 2)
		wantEnd(t, "after the same again", end, "")
		f.Publish("a", 3)
		wantEnd(t, "after another", end, "3, <nil>")
		wantEnd(t, "of a waiter that was slow", next(t.Context(), late), "3, <nil>")
		f.Publish("nobody waits for it", 1)
	})
}

// TestKnownNewsWakesNobody checks that news that the first waiter of a key knows
// already ends no Next.
func TestKnownNewsWakesNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, s := follower(follow.All, 0)
		s.set("a", 7)
		w := f.Join("a", 7)
		defer w.Leave()
		end := next(t.Context(), w)
		time.Sleep(10 * time.Second)
		wantEnd(t, "after what was known", end, "")
		s.set("a", 8)
		time.Sleep(time.Second)
		wantEnd(t, "after other news", end, "8, <nil>")
	})
}

func TestEndsWhenNobodyWaits(t *testing.T) {
	for _, linger := range []time.Duration{0, 5 * time.Second} {
		bubble(t, func(t *testing.T) {
			f, s := follower(follow.All, linger)
			time.Sleep(time.Minute)
			s.want(t, 0, 0)
			first, second := f.Join("a", 0), f.Join("a", 0)
			time.Sleep(time.Minute)
			first.Leave()
			time.Sleep(time.Minute)
			s.want(t, 1, 1)
			if !f.HasWaiters("a") || f.HasWaiters("b") {
				t.Errorf("a has waiters: %v, b: %v", f.HasWaiters("a"), f.HasWaiters("b"))
			}
			second.Leave()
			if f.HasWaiters("a") {
				t.Error("HasWaiters reports true after the last waiter has left")
			}
			if linger > 0 {
				time.Sleep(linger - 2*time.Second)
				f.Join("b", 0).Leave()
				s.want(t, 1, 1) // it was still there
			}
			time.Sleep(linger + 2*time.Second)
			s.want(t, 1, 0)
			w := f.Join("a", 0)
			s.set("a", 1)
			end := next(t.Context(), w)
			time.Sleep(time.Second)
			wantEnd(t, "of the second goroutine", end, "1, <nil>")
			w.Leave()
			time.Sleep(linger + 2*time.Second)
			s.want(t, 2, 0)
		})
	}
}

func TestErrorsReachAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, s := follower(follow.All, time.Minute)
		a, b := f.Join("a", 0), f.Join("b", 0)
		ends := []<-chan string{next(t.Context(), a), next(t.Context(), b)}
		s.fail(errors.New("unreachable"))
		time.Sleep(time.Second)
		for _, end := range ends {
			wantEnd(t, "after an error", end, "0, unreachable")
		}
		wantEnd(t, "after a second Next", next(t.Context(), a), "0, unreachable")
		s.want(t, 1, 0)
		if f.HasWaiters("a") {
			t.Error("HasWaiters reports true after the goroutine failed")
		}

		s.fail(nil)
		s.set("a", 1)
		again := f.Join("a", 0)
		a.Leave()
		b.Leave()
		end := next(t.Context(), again)
		time.Sleep(time.Second)
		wantEnd(t, "after it is back", end, "1, <nil>")
		s.want(t, 2, 1)
		again.Leave()
		time.Sleep(2 * time.Minute)
		s.want(t, 2, 0)
	})
}

func TestContextEndsOneWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, s := follower(follow.All, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		short, long := f.Join("a", 0), f.Join("a", 0)
		shortEnd, longEnd := next(ctx, short), next(t.Context(), long)
		time.Sleep(2 * time.Minute)
		wantEnd(t, "of a context that ended", shortEnd, "0, context deadline exceeded")
		wantEnd(t, "of another", longEnd, "")
		short.Leave()
		s.set("a", 1)
		time.Sleep(time.Second)
		wantEnd(t, "of another", longEnd, "1, <nil>")
		long.Leave()
	})
}

func TestEachKeyHasItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, s := follower(follow.Each, 0)
		a, a2, b := f.Join("a", 0), f.Join("a", 0), f.Join("b", 0)
		s.want(t, 2, 2)
		s.set("a", 1)
		ends := []<-chan string{next(t.Context(), a), next(t.Context(), a2), next(t.Context(), b)}
		time.Sleep(time.Second)
		for i, want := range []string{"1, <nil>", "1, <nil>", ""} {
			wantEnd(t, "after news of a", ends[i], want)
		}
		a.Leave()
		a2.Leave()
		time.Sleep(2 * time.Second)
		s.want(t, 2, 1)
		s.set("b", 1)
		time.Sleep(time.Second)
		wantEnd(t, "after news of b", ends[2], "1, <nil>")
		b.Leave()
		time.Sleep(2 * time.Second)
		s.want(t, 2, 0)
	})
}

// TestPollerThatStops checks that a Poller that stops early is an error, since its
// waiters would otherwise never return.
func TestPollerThatStops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := follow.All(0, func(waited iter.Seq[map[string]int]) error {
			for range waited {
				break
			}
			return nil
		})
		w := f.Join("a", 0)
		defer w.Leave()
		if _, err := w.Next(t.Context()); err == nil {
			t.Error("Next returned no error")
		}
	})
}

// TestNoWaiterIsForgotten has waiters join and leave while goroutines start, end
// and fail. Each waiter must learn of a change or of a failure.
func TestNoWaiterIsForgotten(t *testing.T) {
	for name, of := range map[string]func(time.Duration, follow.Poller[int, int]) *follow.Follower[int, int]{
		"all": follow.All[int, int], "each": follow.Each[int, int],
	} {
		t.Run(name, func(t *testing.T) {
			var change atomic.Int64
			var f *follow.Follower[int, int]
			turns := 0
			var mu sync.Mutex
			f = of(0, func(waited iter.Seq[map[int]int]) error {
				for keys := range waited {
					mu.Lock()
					turns++
					broken := turns%97 == 0
					mu.Unlock()
					if broken {
						return errors.New("broken")
					}
					for key := range keys {
						f.Publish(key, int(change.Load()))
					}
				}
				return nil
			})
			var all sync.WaitGroup
			for i := range 16 {
				all.Go(func() {
					for range 200 {
						from := int(change.Load())
						w := f.Join(i%3, from)
						change.Add(1)
						for {
							news, err := w.Next(t.Context())
							if err != nil || news != from {
								break
							}
						}
						w.Leave()
					}
				})
			}
			all.Wait()
		})
	}
}
