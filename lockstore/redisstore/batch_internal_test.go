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
			PoolSize: 1000, // see onMiniredis
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

// answer is what a call came to.
type answer struct {
	result lockstore.Result
	err    error
}

// together carries out the operations, which are of one kind, in one trip. It
// needs a bubble.
func together(t *testing.T, s *Store, ev *lockstore.Event, ops ...lockstore.Op) []answer {
	t.Helper()
	options, ready := trips, make(chan struct{})
	options.Parallel = 1
	q := batch.New(options, func(calls []*call) {
		if calls[0].Work.ev == nil { // the call that the others wait behind
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
		at, err := ev.Positions(nil, op)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() { answers[i].result, answers[i].err = q.Do(t.Context(), work{ev, op, at}, len(at)) })
		synctest.Wait()
	}
	close(ready)
	all.Wait()
	return answers
}

// TestCallsThatGoTogether take place one after the other, and each is all or
// nothing: what one did, the next one finds.
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
		if got := m.HGet(usersKey(ev), "ann"); got != "2" {
			t.Errorf("ann, who booked two seats, is counted with %q", got)
		}
		if keys, err := m.HKeys(usersKey(ev)); err != nil || len(keys) != 1 {
			t.Errorf("counted with anything are %q, %v", keys, err)
		}
		if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
			t.Errorf("Audit: %v, %v", differ, err)
		}
	})
}

// TestForeignKey: where a key is of another type, made by hand, its call fails,
// takes nothing, and is alone in that.
func TestForeignKey(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		m.HSet(seatKey(ev, "A3"), "a", "b")
		got := together(t, s, ev, lockstore.Lock("ann", "A1"), lockstore.Lock("ben", "A2", "A3", "A4"), lockstore.Lock("cat", "A4"))
		if got[0].err != nil || got[1].err == nil || got[2].err != nil {
			t.Errorf("the calls came to %v", got)
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

// TestUsersAreForgotten checks that nothing is kept of a user whose locks have
// expired, so that a million odd user ids do not fill the memory.
func TestUsersAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 20, 0)
		most := 0
		for i := range 600 {
			user := lockstore.UserID(fmt.Sprint("user", i))
			if _, err := s.Do(t.Context(), ev, lockstore.Lock(user, ev.Seats[i%20:i%20+1]...)); err != nil {
				t.Fatal(err)
			}
			if i%50 == 0 {
				if _, err := s.Do(t.Context(), ev, lockstore.Confirm(user, ev.Seats[i%20:i%20+1]...)); err != nil {
					t.Fatal(err)
				}
				m.Del(seatKey(ev, ev.Seats[i%20])) // somebody makes it free again by hand
			}
			time.Sleep(6 * time.Second)
			users, err := m.HKeys(usersKey(ev))
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, len(users))
		}
		// A lock and what is remembered of it last eleven minutes: 110 of these.
		if most > 130 {
			t.Errorf("%d users were kept at a time", most)
		}
		list, err := m.List(forgetKey(ev))
		if err != nil || len(list) > 130 {
			t.Errorf("%d entries of users to forget, %v", len(list), err)
		}
		for i := range 12 {
			if got := m.HGet(usersKey(ev), fmt.Sprint("user", i*50)); got != "1" {
				t.Errorf("user%d, who booked, is counted with %q", i*50, got)
			}
		}
	})
}

// TestOneEntryASeat: who locks a seat again and again is counted with it once.
func TestOneEntryASeat(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 2, 0)
		for range 5 {
			if _, err := s.Do(t.Context(), ev, lockstore.Lock("ann", ev.Seats...)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute + time.Millisecond)
		}
		if text := m.HGet(usersKey(ev), "ann"); len(strings.Fields(text)) != 3 {
			t.Errorf("ann is counted with %q", text)
		}
	})
}

// TestViewAtTheEndOfALock: at the very millisecond the seat is available, and
// a full list does not name it.
func TestViewAtTheEndOfALock(t *testing.T) {
	const now = 1700000000000
	var view []byte
	for _, until := range []uint64{now, now + 1, 0, bookedRecord} {
		view = append(view, binary.BigEndian.AppendUint64(nil, until)[8-recordLen:]...)
	}
	want := []lockstore.ListedSeat{{Position: 1, Status: lockstore.Locked, Expires: now + 1}, {Position: 3, Status: lockstore.Booked}}
	if seats := decodeView(string(view), 4, now); !slices.Equal(seats, want) {
		t.Errorf("the seats are %v, want %v", seats, want)
	}
}

// BenchmarkDecodeView is what a full list costs besides Redis: 50,000 seats, half
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

// TestEmptyLogIsPolled checks that an empty log is read every pollTime, not
// without pause.
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

func TestJudge(t *testing.T) {
	if _, err := (Options{}).judge(map[string]string{"redis_version": "6.2.14"}); err == nil {
		t.Error("a Redis without what the scripts need is taken")
	}
	if _, err := (Options{}).judge(map[string]string{"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": "1"}); err != nil {
		t.Error(err)
	}
}
