package redisstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
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
	ids := make([]lockstore.SeatID, seats)
	for i := range ids {
		ids[i] = lockstore.SeatID("A" + strconv.Itoa(i+1))
	}
	ev, err := lockstore.NewEvent("event", ids, time.Minute, limit)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// together has the calls go in one trip, and returns their errors.
func together(t *testing.T, s *Store, ev *lockstore.Event, op *script, calls []call) []error {
	t.Helper()
	var all []*call
	for i := range calls {
		c := &calls[i]
		at, err := ev.Positions(nil, c.seats, c.user)
		if err != nil {
			t.Fatal(err)
		}
		c.op, c.ev, c.at, c.done = op, ev, at, make(chan answer, 1)
		all = append(all, c)
	}
	if n := len(batches(all)); n != 1 {
		t.Fatalf("the calls make %d batches", n)
	}
	s.send(all)
	var errs []error
	for _, c := range all {
		errs = append(errs, (<-c.done).err)
	}
	return errs
}

func seatsOf(ids ...lockstore.SeatID) []lockstore.SeatID { return ids }

// TestCallsThatGoTogether take place one after the other, and each is all or
// nothing: what one did, the next one finds.
func TestCallsThatGoTogether(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 2)
		errs := together(t, s, ev, lockScript, []call{
			{user: "ann", seats: seatsOf("A1")},
			{user: "ben", seats: seatsOf("A2", "A1")},
			{user: "ann", seats: seatsOf("A1", "A3")},
			{user: "ann", seats: seatsOf("A4")},
			{user: "ben", seats: seatsOf("A2", "A4")},
		})
		for i, want := range []error{nil, lockstore.SeatLocked, nil, lockstore.OverSeatLimit, nil} {
			if !errors.Is(errs[i], want) {
				t.Errorf("lock %d: %v, want %v", i, errs[i], want)
			}
		}
		errs = together(t, s, ev, confirmScript, []call{
			{user: "ann", seats: seatsOf("A1")},
			{user: "ann", seats: seatsOf("A1", "A3")},
			{user: "ben", seats: seatsOf("A2", "A3")},
			{user: "ann", seats: seatsOf("A3")},
		})
		for i, want := range []error{nil, nil, lockstore.LockNotHeld, nil} {
			if !errors.Is(errs[i], want) {
				t.Errorf("confirm %d: %v, want %v", i, errs[i], want)
			}
		}
		errs = together(t, s, ev, releaseScript, []call{
			{user: "ben", seats: seatsOf("A2")},
			{user: "ben", seats: seatsOf("A2", "A4")},
			{user: "ann", seats: seatsOf("A1", "A5")},
		})
		for i, want := range []error{nil, nil, lockstore.SeatBooked} {
			if !errors.Is(errs[i], want) {
				t.Errorf("release %d: %v, want %v", i, errs[i], want)
			}
		}
		if got := m.HGet(usersKey(ev), "ann"); got != "2" {
			t.Errorf("ann, who booked two seats, is down for %q", got)
		}
		if keys, err := m.HKeys(usersKey(ev)); err != nil || len(keys) != 1 {
			t.Errorf("down for anything are %q, %v", keys, err)
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
		errs := together(t, s, ev, lockScript, []call{
			{user: "ann", seats: seatsOf("A1")},
			{user: "ben", seats: seatsOf("A2", "A3", "A4")},
			{user: "cat", seats: seatsOf("A4")},
		})
		if errs[0] != nil || errs[1] == nil || errs[2] != nil {
			t.Errorf("the calls failed with %v", errs)
		}
		snap, err := s.List(t.Context(), ev, "")
		if err != nil || len(snap.Seats) != 2 || snap.Seats[0].ID != "A1" || snap.Seats[1].ID != "A4" {
			t.Errorf("taken are %v, %v", snap.Seats, err)
		}
		if m.Exists(seatKey(ev, "A2")) {
			t.Error("a part of the group is locked")
		}
	})
}

// TestUsersAreForgotten: who locked and walked away leaves nothing behind, so
// that a million odd user ids do not fill the memory.
func TestUsersAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 20, 0)
		most := 0
		for i := range 600 {
			user := lockstore.UserID(fmt.Sprint("user", i))
			if _, err := s.Lock(t.Context(), ev, ev.Seats[i%20:i%20+1], user); err != nil {
				t.Fatal(err)
			}
			if i%50 == 0 {
				if err := s.Confirm(t.Context(), ev, ev.Seats[i%20:i%20+1], user); err != nil {
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
				t.Errorf("user%d, who booked, is down for %q", i*50, got)
			}
		}
	})
}

// TestOneEntryASeat: who locks a seat again and again is down for it once.
func TestOneEntryASeat(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 2, 0)
		for range 5 {
			if _, err := s.Lock(t.Context(), ev, ev.Seats, "ann"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute + time.Millisecond)
		}
		if text := m.HGet(usersKey(ev), "ann"); len(strings.Fields(text)) != 3 {
			t.Errorf("ann is down for %q", text)
		}
	})
}

// TestViewAtTheEndOfALock: at the very millisecond the seat is available, and
// a full list does not name it.
func TestViewAtTheEndOfALock(t *testing.T) {
	ev := eventOf(t, 4, 0)
	const now = 1700000000000
	var view []byte
	for _, until := range []uint64{now, now + 1, 0, bookedRecord} {
		view = append(view, binary.BigEndian.AppendUint64(nil, until)[8-recordLen:]...)
	}
	seats := decodeView(ev, string(view), now)
	if len(seats) != 2 || seats[0].ID != "A2" || seats[0].Status != lockstore.Locked || seats[1].ID != "A4" || seats[1].Status != lockstore.Booked {
		t.Errorf("%v", seats)
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

// TestACallThatWasNotSentIsTakenBack: a context that ends while a call waits
// for a trip ends it, and nothing was done.
func TestACallThatWasNotSentIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		q := newQueue(func(calls []*call) {
			<-hold
			for _, c := range calls {
				c.done <- answer{value: 1}
			}
		})
		ev := eventOf(t, 1, 0)
		newCall := func() *call {
			return &call{op: lockScript, ev: ev, began: time.Now(), done: make(chan answer, 1)}
		}
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, maxFlights+1)
		for range maxFlights {
			go func() { _, err := q.do(ctx, newCall()); results <- err }()
			synctest.Wait()
		}
		go func() { _, err := q.do(ctx, newCall()); results <- err }()
		synctest.Wait()
		cancel()
		open := 0
		for range maxFlights + 1 {
			switch err := <-results; {
			case errors.Is(err, lockstore.ErrOutcomeUnknown) && errors.Is(err, context.Canceled):
				open++
			case !errors.Is(err, context.Canceled):
				t.Errorf("a cancelled call: %v", err)
			}
		}
		if open != maxFlights {
			t.Errorf("%d calls are of unknown outcome, want the %d that were sent", open, maxFlights)
		}
		close(hold)
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
