package redisstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
	"seatlock/lockstore/storetest"
)

// bubble runs f with a store on a miniredis, in a bubble.
func bubble(t *testing.T, f func(*testing.T, *miniredis.Miniredis, *Store)) {
	synctest.Test(t, func(t *testing.T) {
		m := miniredis.NewMiniRedis()
		m.ClockTTL(true)
		client := redis.NewClient(&redis.Options{
			Addr:     "127.0.0.1:6379",
			Dialer:   func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
			PoolSize: 1000, // a pipe blocks a writer until it is read
		})
		defer m.Close()
		defer client.Close()
		s, err := New(client, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f(t, m, s)
	})
}

func eventOf(t *testing.T, seats, limit int) *lockstore.Event {
	t.Helper()
	return storetest.Event(t, "event", time.Minute, limit, storetest.Seats(seats)...)
}

// do carries out an operation that must succeed.
func do(t *testing.T, s *Store, ev *lockstore.Event, op lockstore.Op) {
	t.Helper()
	if _, err := s.Do(t.Context(), ev, op); err != nil {
		t.Fatalf("%v of %v for %s: %v", op.Kind, op.Seats, op.User, err)
	}
}

// answer is the outcome of a call.
type answer struct {
	result lockstore.Result
	err    error
}

// together carries out the operations, which are of one kind, in one trip. It
// needs a bubble.
func together(t *testing.T, s *Store, ev *lockstore.Event, ops ...lockstore.Op) []answer {
	t.Helper()
	if err := s.Open(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	options, ready := trips, make(chan struct{})
	options.Parallel = 1
	q := batch.New(options, func(calls []*call) {
		if calls[0].Work.ev == nil { // the call that the others wait for
			<-ready
			calls[0].Answer(lockstore.Result{}, nil)
			return
		}
		if n := len(groups(calls)); n != 1 || len(calls) != len(ops) {
			t.Errorf("on the trip are %d calls in %d groups, want %d in 1", len(calls), n, len(ops))
		}
		s.send(calls)
	})
	answers := make([]answer, len(ops))
	var all sync.WaitGroup
	all.Go(func() { _, _ = q.Do(t.Context(), work{}, 1) })
	synctest.Wait()
	for i, op := range ops {
		at, err := ev.Positions(nil, &op)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() { answers[i].result, answers[i].err = q.Do(t.Context(), work{ev: ev, op: op, at: at}, len(at)) })
		synctest.Wait()
	}
	close(ready)
	all.Wait()
	return answers
}

// TestCallsThatGoTogether checks that the calls of a trip take place one after the other,
// each on all of its seats or none, and that each sees what the earlier ones did.
func TestCallsThatGoTogether(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 2)
		type want struct {
			op      lockstore.Op
			err     error
			changed string
		}
		check := func(wants ...want) {
			t.Helper()
			var ops []lockstore.Op
			for _, w := range wants {
				ops = append(ops, w.op)
			}
			for i, got := range together(t, s, ev, ops...) {
				w := wants[i]
				if changed := fmt.Sprint(got.result.Changed); !errors.Is(got.err, w.err) || changed != "["+w.changed+"]" {
					t.Errorf("%v of %v for %s changed %s, %v, want [%s], %v", w.op.Kind, w.op.Seats, w.op.User, changed, got.err, w.changed, w.err)
				}
				if got.err == nil && !got.result.Now.Equal(time.Now().Truncate(time.Millisecond)) {
					t.Errorf("%v of %v for %s took place at %v, want now", w.op.Kind, w.op.Seats, w.op.User, got.result.Now)
				}
			}
		}
		check(
			want{lockstore.Lock("ann", "A1"), nil, "A1"},
			want{lockstore.Lock("ben", "A2", "A1"), lockstore.SeatLocked, ""},
			want{lockstore.Lock("ann", "A1", "A3"), nil, "A3"},
			want{lockstore.Lock("ann", "A3", "A1"), nil, ""},
			want{lockstore.Lock("ann", "A4"), lockstore.OverSeatLimit, ""},
			want{lockstore.Lock("ben", "A4", "A2"), nil, "A4 A2"},
		)
		check(
			want{lockstore.Confirm("ann", "A1"), nil, "A1"},
			want{lockstore.Confirm("ann", "A1", "A3"), nil, "A3"},
			want{lockstore.Confirm("ben", "A2", "A3"), lockstore.LockNotHeld, ""},
			want{lockstore.Confirm("ann", "A3"), nil, ""},
		)
		check(
			want{lockstore.Release("ben", "A2"), nil, "A2"},
			want{lockstore.Release("ben", "A2", "A5", "A4"), nil, "A4"},
			want{lockstore.Release("ben", "A1"), nil, ""},
			want{lockstore.Release("ann", "A1", "A5"), lockstore.SeatBooked, ""},
		)
		if got, err := m.SortedSet(userKey(ev, "ann")); err != nil || len(got) != 2 || got["A1"] != bookedUntil || got["A3"] != bookedUntil {
			t.Errorf("ann, who booked A1 and A3, is counted with %v, %v", got, err)
		}
		if got := usersOf(m, ev); len(got) != 1 {
			t.Errorf("the users who are counted with anything are %q, want ann", got)
		}
		if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
			t.Errorf("Audit: %v, %v", differ, err)
		}
	})
}

// TestForeignKey checks that a key of another type, made by hand, fails the call
// that needs it and no other, and that the failed call takes nothing and says so.
func TestForeignKey(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		m.HSet(seatKey(ev, "A3"), "a", "b")
		got := together(t, s, ev, lockstore.Lock("ann", "A1"), lockstore.Lock("ben", "A2", "A3", "A4"), lockstore.Lock("cat", "A4"))
		if err := got[1].err; !errors.Is(err, lockstore.ErrUnavailable) || !strings.Contains(err.Error(), seatKey(ev, "A3")+" is not a string; delete it") {
			t.Errorf("the call of a seat whose key is a hash: %v, want ErrUnavailable and what to do", err)
		}
		if got[0].err != nil || got[2].err != nil {
			t.Errorf("the other calls: %v, %v", got[0].err, got[2].err)
		}
		snap, err := s.List(t.Context(), ev, "")
		if err != nil || len(snap.Seats) != 2 || snap.Seats[0].Position != 0 || snap.Seats[1].Position != 3 {
			t.Errorf("taken are %v, %v", snap.Seats, err)
		}
		if m.Exists(seatKey(ev, "A2")) {
			t.Error("a part of the group is locked")
		}
	})
}

// TestViewAtTheEndOfALock checks that in the millisecond at which a lock ends, a full list
// does not name the seat.
func TestViewAtTheEndOfALock(t *testing.T) {
	const now = 1700000000000
	var view []byte
	for _, until := range []uint64{now, now + 1, 0, bookedRecord, blockedRecord} {
		view = append(view, binary.BigEndian.AppendUint64(nil, until)[8-recordLen:]...)
	}
	want := []lockstore.ListedSeat{{Position: 1, Status: lockstore.Locked, Expires: now + 1}, {Position: 3, Status: lockstore.Booked}, {Position: 4, Status: lockstore.Blocked}}
	if seats := decodeView(string(view), 5, now); !slices.Equal(seats, want) {
		t.Errorf("the seats are %v, want %v", seats, want)
	}
}

// BenchmarkDecodeView measures what a full list costs apart from Redis: 50,000 seats, half
// of them taken and half of those booked, in no order.
func BenchmarkDecodeView(b *testing.B) {
	const seats, now = 50_000, 1700000000000
	var view []byte
	for range seats {
		until := []uint64{0, now, now + 60_000, bookedRecord}[rand.IntN(4)]
		view = append(view, binary.BigEndian.AppendUint64(nil, until)[8-recordLen:]...)
	}
	text := string(view)
	b.ReportAllocs()
	for b.Loop() {
		decodeView(text, seats, now)
	}
}

func TestVersionsOfOthers(t *testing.T) {
	for _, v := range []lockstore.Version{"", "1", "1-2", "1-2-", "01-2-x", "1-02-x", "-1-2-x", "1--x", "x-1-y", "18446744073709551616-0-x"} {
		if id, ok := parseEntryID(v); ok {
			t.Errorf("%q is taken for %v", v, id)
		}
	}
	if id, ok := parseEntryID("1700000000000-7-abc"); !ok || id != (entryID{1700000000000, 7, "abc"}) {
		t.Errorf("%v, %v", id, ok)
	}
}

// TestEmptyLogIsPolled checks that an empty log is read once every pollTime, not
// continuously.
func TestEmptyLogIsPolled(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, s *Store) {
		began := time.Now()
		for range 4 {
			if entry, err := s.nextEntry("empty", entryID{}); err != nil || entry != (entryID{}) {
				t.Fatalf("the newest entry is %v, %v", entry, err)
			}
		}
		if took := time.Since(began); took != 4*pollTime {
			t.Errorf("four reads took %v, want %v", took, 4*pollTime)
		}
	})
}
