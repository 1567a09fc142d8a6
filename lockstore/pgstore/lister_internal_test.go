package pgstore

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

// newTestLister returns a lister for n trips at a time.
func newTestLister(n int) *lister {
	return &lister{conns: make(chan struct{}, n), waiting: make(map[listKey]*listTrip)}
}

// TestListsShareTrips checks that calls for the same list share a trip that begins after
// each of them, that others do not, and that no more trips than allowed
// are under way.
func TestListsShareTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLister(2)
		var mu sync.Mutex
		trips, most, current := 0, 0, 0
		read := func(context.Context) (lockstore.Snapshot, error) {
			mu.Lock()
			trips++
			current++
			most = max(most, current)
			snap := lockstore.Snapshot{Now: time.Now().UnixMilli(), Seats: []lockstore.ListedSeat{{Position: 1}}}
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			current--
			mu.Unlock()
			return snap, nil
		}
		var all sync.WaitGroup
		var snaps []lockstore.Snapshot
		list := func(key listKey) {
			called := time.Now()
			all.Go(func() {
				snap, err := l.list(t.Context(), key, read)
				if err != nil {
					t.Error(err)
				}
				if snap.Now < called.UnixMilli() {
					t.Errorf("a list of %v before the call", called.Sub(time.UnixMilli(snap.Now)))
				}
				mu.Lock()
				defer mu.Unlock()
				snaps = append(snaps, snap)
			})
			synctest.Wait()
		}
		whole, delta := listKey{event: "a"}, listKey{event: "a", since: mark{1, "x"}}
		list(whole)
		time.Sleep(time.Millisecond)
		list(delta)
		time.Sleep(time.Millisecond)
		for range 24 {
			list(whole)
			list(delta)
		}
		all.Wait()
		if trips != 4 || most != 2 {
			t.Errorf("50 lists made %d trips, %d at a time, want 4 and 2", trips, most)
		}
		for i := range snaps {
			snaps[i].Seats[0].Position += int32(i)
		}
		for i := range snaps {
			if got := snaps[i].Seats[0].Position; got != int32(i)+1 {
				t.Fatalf("two callers have the same slice: %d has %d", i, got)
			}
		}
	})
}

// TestListTripsEnd checks that a list that cannot begin fails, that the end of a
// caller's context affects only that caller, and that the end of the trip's time is not
// reported as an error of a context.
func TestListTripsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLister(1)
		stuck := func(ctx context.Context) (lockstore.Snapshot, error) {
			<-ctx.Done()
			return lockstore.Snapshot{}, ctx.Err()
		}
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		list := func(ctx context.Context, event lockstore.EventID, want error, after time.Duration) {
			began := time.Now()
			all.Go(func() {
				_, err := l.list(ctx, listKey{event: event}, stuck)
				if took := time.Since(began); !errors.Is(err, want) || took != after {
					t.Errorf("%s: %v after %v, want %v after %v", event, err, took, want, after)
				}
			})
		}
		list(t.Context(), "a", lockstore.ErrUnavailable, callTime)
		synctest.Wait()
		list(ctx, "b", context.Canceled, time.Millisecond)
		list(t.Context(), "b", lockstore.ErrUnavailable, patience)
		time.Sleep(time.Millisecond)
		leave()
		all.Wait()
		if len(l.waiting) > 0 || len(l.conns) > 0 {
			t.Errorf("afterwards %d wait and %d are under way", len(l.waiting), len(l.conns))
		}
	})
}
