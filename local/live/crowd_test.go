package live_test

import (
	"context"
	"math/rand/v2"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A counting store counts its calls of Wait.
type counting struct {
	lockstore.LockStore
	waits, now, most atomic.Int64
}

func (c *counting) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	c.waits.Add(1)
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	return c.LockStore.Wait(ctx, ev, since)
}

// A slowStore sometimes delays a list.
type slowStore struct{ counting }

func (s *slowStore) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	snap, err := s.LockStore.List(ctx, ev, since)
	if rand.IntN(3) == 0 {
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
	}
	return snap, err
}

// TestAThousandViewersAndOneWait checks that the number of store calls does not depend on
// the number of viewers, and that no goroutine outlives them.
func TestAThousandViewersAndOneWait(t *testing.T) {
	store := &counting{LockStore: new(memstore.Store)}
	h := open(t, store)
	const count, changes = 1000, 5
	viewers := make([]*viewer, count)
	inParallel(count, func(i int) {
		v, _, err := h.dial("")
		if err != nil {
			t.Error(err)
			return
		}
		// On a slow machine a viewer waits for the others for longer than it may leave a
		// ping without an answer.
		viewers[i] = v.readAll()
		if _, err := v.read(); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	before := store.waits.Load()
	for i := range changes {
		h.lock("ann", h.ev.Seats[i])
		viewers[0].next() // so that each change is a message of its own
	}
	if n := store.waits.Load() - before; n > 2*changes {
		t.Errorf("%d changes took %d calls of Wait, want at most %d", changes, n, 2*changes)
	}
	if most := store.most.Load(); most != 1 {
		t.Errorf("there were %d calls of Wait at the same time, want 1", most)
	}
	inParallel(count, func(i int) {
		v := viewers[i]
		for v.status["A5"] != "locked" {
			if _, err := v.read(); err != nil {
				t.Errorf("viewer %d: %v", i, err)
				break
			}
		}
		v.CloseNow()
	})
	waitIdle(t, store)
}

// inParallel calls do for 0 to n-1, 16 at a time.
func inParallel(n int, do func(i int)) {
	var all sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// waitIdle waits until there are no calls of Wait and no goroutines of the hub.
func waitIdle(t *testing.T, store *counting) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		var all strings.Builder
		pprof.Lookup("goroutine").WriteTo(&all, 1) // cannot fail
		at := strings.Index(all.String(), "seatlock/local/live.(")
		if store.now.Load() == 0 && at < 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d calls of Wait and these goroutines are left:\n%.4000s", store.now.Load(), all.String()[max(0, at-500):])
		}
	}
}

// TestViewersSeeTheSame has viewers join and leave, with and without a version,
// while seats are locked, released and booked. The fold of each viewer's messages
// must be the final state of the seats, and no booking may be undone.
func TestViewersSeeTheSame(t *testing.T) {
	store := &slowStore{counting{LockStore: new(memstore.Store)}}
	h := open(t, store)
	must := func(op lockstore.Op) {
		if _, err := store.Do(t.Context(), h.ev, op); err != nil {
			t.Error(err)
		}
	}
	var viewing, callers sync.WaitGroup
	const buyers, viewers = 4, 24
	for b := range buyers {
		callers.Go(func() {
			user := lockstore.UserID("buyer" + string(rune('0'+b)))
			mine := h.ev.Seats[b*24 : (b+1)*24]
			booked := 0
			for n := range 1200 {
				seat := mine[booked+rand.IntN(len(mine)-booked)]
				must(lockstore.Lock(user, seat))
				if n%60 == 59 {
					seat = mine[booked]
					booked++
					must(lockstore.Lock(user, seat))
					must(lockstore.Confirm(user, seat))
				} else if n%2 == 0 {
					must(lockstore.Release(user, seat))
				}
				time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
			}
		})
	}
	const end = "J10" // booked last
	var joined, resumed atomic.Int64
	for range viewers {
		viewing.Go(func() {
			known := &viewer{status: make(map[string]string)}
			for known.status[end] != "booked" {
				query := ""
				if rand.IntN(3) > 0 {
					query = "?since=" + known.version
				}
				v, _, err := h.dial(query)
				if err != nil {
					t.Error(err)
					return
				}
				joined.Add(1)
				if query != "" && known.version != "" {
					resumed.Add(1)
					v.status = known.status
				}
				for n := rand.IntN(6); n >= 0 && v.status[end] != "booked"; n-- {
					if _, err := v.read(); err != nil {
						t.Error(err)
						v.CloseNow()
						return
					}
				}
				known = v
				v.CloseNow()
			}
			want, _ := h.get("")
			for _, s := range want.Seats {
				if known.status[s.SeatID] != s.Status {
					t.Errorf("seat %s is %s, and a viewer sees %q", s.SeatID, s.Status, known.status[s.SeatID])
				}
			}
		})
	}
	callers.Wait()
	h.lock("buyer0", end)
	h.confirm("buyer0", end)
	viewing.Wait()
	t.Logf("%d joined, %d of them with a version", joined.Load(), resumed.Load())
	if resumed.Load() == 0 || joined.Load() < viewers {
		t.Error("too few viewers joined")
	}
	waitIdle(t, &store.counting)
}

// TestStopsWithManyViewers checks that all viewers get the status "going away", and
// that no goroutine is left.
func TestStopsWithManyViewers(t *testing.T) {
	store := &counting{LockStore: new(memstore.Store)}
	h := open(t, store)
	const count = 200
	codes := make([]websocket.StatusCode, count)
	var all, ready sync.WaitGroup
	ready.Add(count)
	for i := range count {
		all.Go(func() {
			v, _, err := h.dial("")
			ready.Done()
			if err != nil {
				t.Error(err)
				return
			}
			codes[i] = v.closed()
		})
	}
	ready.Wait()
	changing, stop := context.WithCancel(t.Context())
	var buyer sync.WaitGroup
	buyer.Go(func() {
		for changing.Err() == nil {
			h.lock("ann", "A1")
			h.release("ann", "A1")
			time.Sleep(time.Millisecond)
		}
	})
	h.end()
	h.hub.Wait()
	waitIdle(t, store)
	all.Wait()
	stop()
	buyer.Wait()
	for i, code := range codes {
		if code != websocket.StatusGoingAway {
			t.Errorf("viewer %d was closed with %v, want going away", i, code)
		}
	}
	if _, resp, err := h.dial(""); err == nil || resp.StatusCode != 503 {
		t.Errorf("a viewer after the end: %v, want 503", err)
	}
}
