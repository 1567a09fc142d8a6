// Package follow lets any number of goroutines wait for news, such as a new
// Version of an event, while one goroutine looks for it on behalf of all.
//
// The package must not know what the news is or where it comes from.
package follow

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"
)

// A Follower passes news of keys to its waiters. A goroutine that looks for news
// starts with the first waiter and ends after the last one. [All] and [Each] make
// a Follower. It is safe for concurrent use.
type Follower[K, V comparable] struct {
	poll   Poller[K, V]
	linger time.Duration
	each   bool

	mu   sync.Mutex
	runs map[K]*run[K, V] // those at work; one, with the zero key, unless each
}

// A Poller looks for news and passes it to [Follower.Publish] until the loop over
// waited ends. Each iteration gets the keys that have waiters at that time, with the
// last news of each; there may be none. The loop ends when there have been no waiters
// for a while.
//
// The error of a Poller goes to all waiters of its keys, and the next waiter starts
// a new goroutine. A Poller must not return nil before the loop ends.
type Poller[K, V comparable] func(waited iter.Seq[map[K]V]) error

// All returns a Follower with one goroutine for all keys. The goroutine ends when
// there have been no waiters for as long as linger.
func All[K, V comparable](linger time.Duration, poll Poller[K, V]) *Follower[K, V] {
	return &Follower[K, V]{poll: poll, linger: linger, runs: make(map[K]*run[K, V])}
}

// Each returns a Follower with a goroutine for each key, whose loop has that key
// alone. The goroutine ends when there have been no waiters for as long as linger.
func Each[K, V comparable](linger time.Duration, poll Poller[K, V]) *Follower[K, V] {
	return &Follower[K, V]{poll: poll, linger: linger, each: true, runs: make(map[K]*run[K, V])}
}

// A run is one goroutine that looks for news.
type run[K, V comparable] struct {
	topics map[K]*topic[V]
}

// A topic is a key that has waiters.
type topic[V comparable] struct {
	waiters int
	news    V
	next    chan struct{} // closed and replaced when there is other news; closed for good after err
	err     error
}

// A Waiter waits for news of one key. Only one goroutine at a time may use it.
type Waiter[K, V comparable] struct {
	f     *Follower[K, V]
	run   *run[K, V]
	key   K
	topic *topic[V]
	next  <-chan struct{}
}

// Join adds a waiter for the key, which misses no news from then on. The caller
// must eventually call Leave. If the key has no other waiters, known counts as the
// last news.
func (f *Follower[K, V]) Join(key K, known V) *Waiter[K, V] {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.runs[f.at(key)]
	if r == nil {
		r = &run[K, V]{topics: make(map[K]*topic[V])}
		f.runs[f.at(key)] = r
		go f.work(r, f.at(key))
	}
	t := r.topics[key]
	if t == nil {
		t = &topic[V]{news: known, next: make(chan struct{})}
		r.topics[key] = t
	}
	t.waiters++
	return &Waiter[K, V]{f, r, key, t, t.next}
}

// at returns the key in f.runs of the goroutine that serves the key.
func (f *Follower[K, V]) at(key K) K {
	if f.each {
		return key
	}
	var one K
	return one
}

// Next blocks until the news differs from what it was when the Waiter joined or Next
// last returned, and returns the latest. It returns the error of a Poller that failed,
// or of the context if that ends.
func (w *Waiter[K, V]) Next(ctx context.Context) (V, error) {
	select {
	case <-w.next:
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	w.next = w.topic.next
	return w.topic.news, w.topic.err
}

// Leave removes the waiter. Next must not be called after it.
func (w *Waiter[K, V]) Leave() {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	if w.topic.waiters--; w.topic.waiters == 0 {
		delete(w.run.topics, w.key)
	}
}

// HasWaiters reports whether the key has waiters.
func (f *Follower[K, V]) HasWaiters(key K) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.topic(key) != nil
}

// Publish passes news of the key to its waiters. Publishing the same news again does
// not wake them.
func (f *Follower[K, V]) Publish(key K, news V) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.topic(key)
	if t == nil || t.news == news {
		return
	}
	t.news = news
	close(t.next)
	t.next = make(chan struct{})
}

func (f *Follower[K, V]) topic(key K) *topic[V] {
	if r := f.runs[f.at(key)]; r != nil {
		return r.topics[key]
	}
	return nil
}

// errStopped is the error of a [Poller] that returns nil although it has waiters.
var errStopped = errors.New("follow: the goroutine that looks for news has stopped")

// work is the goroutine of a run.
func (f *Follower[K, V]) work(r *run[K, V], at K) {
	err := f.poll(f.waited(r, at))
	if err == nil {
		err = errStopped
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.runs[at] == r { // otherwise the loop has ended, and there are no waiters
		delete(f.runs, at)
	}
	for _, t := range r.topics {
		t.err = err
		close(t.next)
	}
}

// waited returns the loop of a Poller. The run ends with the loop: the next waiter
// starts another.
func (f *Follower[K, V]) waited(r *run[K, V], at K) iter.Seq[map[K]V] {
	return func(yield func(map[K]V) bool) {
		for last := time.Now(); ; {
			f.mu.Lock()
			keys := make(map[K]V, len(r.topics))
			for key, t := range r.topics {
				keys[key] = t.news
			}
			if len(keys) > 0 {
				last = time.Now()
			} else if time.Since(last) >= f.linger {
				delete(f.runs, at)
				f.mu.Unlock()
				return
			}
			f.mu.Unlock()
			if !yield(keys) {
				return
			}
		}
	}
}
