package follow_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
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
	turns int // how many times any has looked
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
