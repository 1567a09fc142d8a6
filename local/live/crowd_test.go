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

// counting counts calls of Wait.
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

// hesitant is a store that sometimes delays a list.
type hesitant struct{ counting }

func (s *hesitant) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	snap, err := s.LockStore.List(ctx, ev, since)
	if rand.IntN(3) == 0 {
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
	}
	return snap, err
}

// TestAThousandViewersAndOneWait: the calls of the store do not depend on the
// number of viewers, and nothing is left when they have gone.
func TestAThousandViewersAndOneWait(t *testing.T) {
	store := &counting{LockStore: new(memstore.Store)}
	h := open(t, store)
	const crowd, changes = 1000, 5
	viewers := make([]*viewer, crowd)
	inParts(crowd, func(i int) {
		v, _, err := h.dial("")
		if err != nil {
			t.Error(err)
			return
		}
		viewers[i] = v
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
		viewers[0].next() // so that each change is a message
	}
	if n := store.waits.Load() - before; n > 2*changes {
		t.Errorf("%d changes were waited for %d times", changes, n)
	}
	if most := store.most.Load(); most != 1 {
		t.Errorf("%d waited at the same time", most)
	}
	inParts(crowd, func(i int) {
		v := viewers[i]
		for v.status["A5"] != "locked" {
			if _, err := v.read(); err != nil {
				t.Errorf("viewer %d: %v", i, err)
				break
			}
		}
		v.CloseNow()
	})
	nothingGoesOn(t, store)
}

// inParts calls do for 0 to n-1, some at the same time.
func inParts(n int, do func(i int)) {
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

// nothingGoesOn waits until there is no call of Wait and no goroutine of the hub.
func nothingGoesOn(t *testing.T, store *counting) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		var all strings.Builder
		pprof.Lookup("goroutine").WriteTo(&all, 1) // cannot fail
		at := strings.Index(all.String(), "seatlock/local/live.(")
		if store.now.Load() == 0 && at < 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d still wait, and goroutines are left:\n%.4000s", store.now.Load(), all.String()[max(0, at-500):])
		}
	}
}

// TestViewersSeeTheSame: viewers come and go, with and without a version, while
// seats are locked, released and booked. The fold of each viewer's messages is the
// final state of the seats, and no booking is ever undone.
func TestViewersSeeTheSame(t *testing.T) {
	store := &hesitant{counting{LockStore: new(memstore.Store)}}
	h := open(t, store)
	must := func(op lockstore.Op) {
		if _, err := store.Do(t.Context(), h.ev, op); err != nil {
			t.Error(err)
		}
	}
	var crowd, callers sync.WaitGroup
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
	const end = "J10" // is booked in the end
	var joined, resumed atomic.Int64
	for range viewers {
		crowd.Go(func() {
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
	crowd.Wait()
	t.Logf("%d joined, %d of them with a version", joined.Load(), resumed.Load())
	if resumed.Load() == 0 || joined.Load() < viewers {
		t.Error("few viewers joined")
	}
	nothingGoesOn(t, &store.counting)
}

// TestStopsWithACrowd: all viewers get the status "going away", and nothing is left.
func TestStopsWithACrowd(t *testing.T) {
	store := &counting{LockStore: new(memstore.Store)}
	h := open(t, store)
	const crowd = 200
	codes := make([]websocket.StatusCode, crowd)
	var all, ready sync.WaitGroup
	ready.Add(crowd)
	for i := range crowd {
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
	nothingGoesOn(t, store)
	all.Wait()
	stop()
	buyer.Wait()
	for i, code := range codes {
		if code != websocket.StatusGoingAway {
			t.Errorf("viewer %d is closed with %v", i, code)
		}
	}
	if _, resp, err := h.dial(""); err == nil || resp.StatusCode != 503 {
		t.Errorf("a viewer is accepted: %v", err)
	}
}
