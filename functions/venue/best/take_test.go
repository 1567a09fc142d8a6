package best_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/venue/best"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A sale is an event in a store, rows of seats, with the processes that sell it.
type sale struct {
	t       *testing.T
	store   memstore.Store
	ev      *lockstore.Event
	plan    *best.Plan
	latency func() time.Duration

	mu     sync.Mutex        // guards the rest, and is held while the store changes
	rows   [][]bool          // which seats are taken
	noRoom map[int]time.Time // when there last was no room for a party of the size
	lists  int
	tries  int
}

func newSale(t *testing.T, rows, seats int) *sale {
	t.Helper()
	s := &sale{t: t, latency: func() time.Duration { return 0 }, noRoom: make(map[int]time.Time)}
	var ids []lockstore.SeatID
	var segments []best.Segment
	for r := range rows {
		var segment best.Segment
		for i := range seats {
			segment.Seats = append(segment.Seats, best.Seat{Position: len(ids), X: 10*i - 5*seats, Y: 17 * r})
			ids = append(ids, lockstore.SeatID(fmt.Sprintf("%d-%d", r, i)))
		}
		segments = append(segments, segment)
		s.rows = append(s.rows, make([]bool, seats))
	}
	layout, err := lockstore.NewLayout(ids)
	if err != nil {
		t.Fatal(err)
	}
	if s.ev, err = lockstore.NewEvent("gala", layout, time.Hour, 0); err != nil {
		t.Fatal(err)
	}
	s.plan = best.NewPlan(segments, nil)
	return s
}

func (s *sale) process(seed uint64) *best.Picker {
	return best.NewPicker(s.plan, 1, rand.New(rand.NewPCG(seed, 1)))
}

// do carries out an operation, and updates noRoom.
func (s *sale) do(op lockstore.Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	result, err := s.store.Do(s.t.Context(), s.ev, op)
	for _, id := range result.Changed {
		at, _ := s.ev.Position(id)
		s.rows[at/len(s.rows[0])][at%len(s.rows[0])] = op.Kind == lockstore.KindLock
	}
	s.note()
	return err
}

// note records the sizes of parties for which there is no room now.
func (s *sale) note() {
	longest := 0
	for _, row := range s.rows {
		run := 0
		for _, taken := range row {
			run++
			if taken {
				run = 0
			}
			longest = max(longest, run)
		}
	}
	for n := longest + 1; n <= 8; n++ {
		s.noRoom[n] = time.Now()
	}
}

// deals returns the Deals of a user, each with the latency.
func (s *sale) deals(user lockstore.UserID) best.Deals {
	return best.Deals{
		Lock: func(_ context.Context, seats []int) (taken []int, kept bool, err error) {
			time.Sleep(s.latency())
			var ids []lockstore.SeatID
			for _, at := range seats {
				ids = append(ids, s.ev.Seats[at])
			}
			err = s.do(lockstore.Lock(user, ids...))
			s.mu.Lock()
			s.tries++
			s.mu.Unlock()
			time.Sleep(s.latency())
			if conflict, ok := errors.AsType[*lockstore.ConflictError](err); ok {
				for _, seat := range conflict.Seats {
					at, _ := s.ev.Position(seat.ID)
					taken = append(taken, at)
				}
				return taken, false, nil
			}
			return nil, false, err
		},
		List: func(ctx context.Context) (func(func(int, bool)), error) {
			time.Sleep(s.latency())
			s.mu.Lock()
			snap, err := s.store.List(ctx, s.ev, "")
			s.lists++
			s.note()
			s.mu.Unlock()
			time.Sleep(s.latency())
			return func(set func(int, bool)) {
				taken := make([]bool, len(s.ev.Seats))
				for _, seat := range snap.Seats {
					taken[seat.Position] = true
				}
				for at, taken := range taken {
					set(at, taken)
				}
			}, err
		},
	}
}

func party(n int) best.Want { return best.Want{Count: n, Category: best.Any, Section: best.Any} }

// TestNobodyIsRefusedWhileThereIsRoom lets as many parties of four as fit arrive at
// once, at one process and at several independent ones.
func TestNobodyIsRefusedWhileThereIsRoom(t *testing.T) {
	for _, processes := range []int{1, 4, 16} {
		synctest.Test(t, func(t *testing.T) {
			const rows, seats = 25, 20
			s := newSale(t, rows, seats)
			rnd := rand.New(rand.NewPCG(uint64(processes), 3))
			var turn sync.Mutex
			s.latency = func() time.Duration {
				turn.Lock()
				defer turn.Unlock()
				return time.Duration(rnd.IntN(2000)) * time.Microsecond
			}
			var pickers []*best.Picker
			for i := range processes {
				pickers = append(pickers, s.process(uint64(i)))
			}
			var parties sync.WaitGroup
			for i := range rows * seats / 4 {
				parties.Go(func() {
					user := lockstore.UserID(fmt.Sprint("user", i))
					got, err := pickers[i%processes].Take(t.Context(), party(4), s.deals(user))
					if err != nil || len(got.Seats) != 4 || !got.Together {
						t.Errorf("party %d of %d processes got %v, %v", i, processes, got, err)
					}
				})
			}
			parties.Wait()
			if processes == 1 && s.tries != rows*seats/4 {
				t.Errorf("one process needed %d tries for %d parties, want one each", s.tries, rows*seats/4)
			}
			_, err := pickers[0].Take(t.Context(), party(1), s.deals("late"))
			if missing, ok := errors.AsType[*best.NotEnoughError](err); !ok || missing.Largest != 0 {
				t.Errorf("one more: %v, want no seat left", err)
			}
		})
	}
}

// TestRefusedOnlyWithoutRoom lets parties come and give back what they got, and checks
// that for every refusal there was a moment without room during the call.
func TestRefusedOnlyWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSale(t, 3, 11)
		rnd := rand.New(rand.NewPCG(9, 4))
		var mu sync.Mutex
		draw := func(n int) int { mu.Lock(); defer mu.Unlock(); return rnd.IntN(n) }
		s.latency = func() time.Duration { return time.Duration(draw(2000)) * time.Microsecond }
		pickers := []*best.Picker{s.process(1), s.process(2)}
		refused := 0
		var users sync.WaitGroup
		for i := range 24 {
			users.Go(func() {
				user := lockstore.UserID(fmt.Sprint("user", i))
				for range 40 {
					n := 1 + draw(4)
					began := time.Now()
					got, err := pickers[i%2].Take(t.Context(), party(n), s.deals(user))
					if errors.Is(err, best.ErrContended) {
						t.Error(err)
					}
					if _, ok := errors.AsType[*best.NotEnoughError](err); ok {
						s.mu.Lock()
						refused++
						if s.noRoom[n].Before(began) {
							t.Errorf("a party of %d was refused, and there was room all the time", n)
						}
						s.mu.Unlock()
						continue
					} else if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(time.Duration(draw(20)) * time.Millisecond)
					var ids []lockstore.SeatID
					for _, at := range got.Seats {
						ids = append(ids, s.ev.Seats[at])
					}
					if err := s.do(lockstore.Release(user, ids...)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		users.Wait()
		if refused < 20 {
			t.Errorf("only %d parties were refused, so nothing was tested", refused)
		}
	})
}

// TestFailedTryWakes checks that a caller who finds nothing waits for one who tries the
// last seats, and gets them if that try fails.
func TestFailedTryWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSale(t, 1, 2)
		p := s.process(1)
		failing := s.deals("ann")
		failing.Lock = func(context.Context, []int) ([]int, bool, error) {
			time.Sleep(time.Second)
			return nil, false, lockstore.ErrUnavailable
		}
		go p.Take(t.Context(), party(2), failing)
		synctest.Wait() // until ann tries
		got, err := p.Take(t.Context(), party(2), s.deals("ben"))
		if err != nil || !slices.Equal(got.Seats, []int{0, 1}) {
			t.Errorf("ben got %v, %v, want both seats", got, err)
		}
	})
}

// TestUnknownOutcomeKeepsSeats checks that seats whose lock may have taken effect are
// not offered to the next caller, until a list shows that they are available.
func TestUnknownOutcomeKeepsSeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSale(t, 1, 4)
		p := s.process(1)
		lost := s.deals("ann")
		var hers []int
		lost.Lock = func(_ context.Context, seats []int) ([]int, bool, error) {
			hers = seats
			return nil, true, lockstore.ErrOutcomeUnknown
		}
		if _, err := p.Take(t.Context(), party(2), lost); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			t.Fatalf("%v, want the error of the lock", err)
		}
		got, err := p.Take(t.Context(), party(2), s.deals("ben"))
		if err != nil || slices.Contains(got.Seats, hers[0]) {
			t.Errorf("ben got %v, %v, and ann may have %v", got.Seats, err, hers)
		}
		got, err = p.Take(t.Context(), party(2), s.deals("cem"))
		if err != nil || !slices.Equal(got.Seats, hers) {
			t.Errorf("cem got %v, %v, want %v, which nobody has", got.Seats, err, hers)
		}
	})
}

// TestPanicEndsTheTry checks that the seats of a Lock that panics are unavailable only
// until a list shows that they are available.
func TestPanicEndsTheTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSale(t, 1, 2)
		p := s.process(1)
		failing := s.deals("ann")
		failing.Lock = func(context.Context, []int) ([]int, bool, error) { panic("broken") }
		func() {
			defer func() {
				if recover() != "broken" {
					t.Error("the panic did not reach the caller")
				}
			}()
			p.Take(t.Context(), party(2), failing)
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got, err := p.Take(ctx, party(2), s.deals("ben"))
		if err != nil || !slices.Equal(got.Seats, []int{0, 1}) {
			t.Errorf("ben got %v, %v, want both seats", got.Seats, err)
		}
	})
}

// TestOldListFreesNothing checks that a list which began before a lock does not make
// its seats available again.
func TestOldListFreesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSale(t, 1, 4)
		p := s.process(1)
		nothing := func(func(int, bool)) {}
		began, at := p.Begin(), time.Now()
		first, err := p.Take(t.Context(), party(2), s.deals("ann"))
		if err != nil {
			t.Fatal(err)
		}
		p.Update(began, at, nothing)
		second, err := p.Take(t.Context(), party(2), s.deals("ben"))
		if err != nil || slices.Contains(second.Seats, first.Seats[0]) || s.tries != 2 {
			t.Errorf("ben got %v after %d tries, %v; ann has %v", second.Seats, s.tries, err, first.Seats)
		}
	})
}

// TestListsAreNotAskedForEachPick checks that a process that sells alone does not need
// a list for each pick.
func TestListsAreNotAskedForEachPick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSale(t, 10, 20)
		p := s.process(1)
		for i := range 100 {
			if _, err := p.Take(t.Context(), party(2), s.deals(lockstore.UserID(fmt.Sprint("user", i)))); err != nil {
				t.Fatal(err)
			}
		}
		if s.lists != 1 || s.tries != 100 {
			t.Errorf("100 picks needed %d lists and %d tries, want 1 and 100", s.lists, s.tries)
		}
	})
}
