package seatlist_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"seatlock/functions/seatlist"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
)

// A list is a List as a client reads it.
type list struct {
	EventID    string
	Version    lockstore.Version
	Full       bool
	ServerTime string
	Counts     seatlist.Counts
	Seats      []seat
}

type seat struct{ SeatID, Status, ExpiresAt string }

// decoded returns the list as a client reads it. It may run in any goroutine.
func decoded(t *testing.T, l *seatlist.List, err error) (d list) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return d
	}
	var b bytes.Buffer
	if n, err := l.WriteTo(&b); err != nil || int(n) != l.Len() || b.Len() != l.Len() {
		t.Errorf("WriteTo wrote %d bytes and returned %d, %v; Len is %d", b.Len(), n, err, l.Len())
	}
	if err := json.Unmarshal(b.Bytes(), &d); err != nil {
		t.Errorf("%v in %s", err, b.Bytes())
	}
	if d.Version != l.Version || d.Full != l.Full {
		t.Errorf("the list has version %s, full %v; its JSON %s, %v", l.Version, l.Full, d.Version, d.Full)
	}
	return d
}

// TestReader checks that a Reader has the bytes that WriteTo writes, however they are
// read: of a long list, of a short one, and of one without seats.
func TestReader(t *testing.T) {
	store, ev := new(memstore.Store), event(t, 2000)
	feed := seatlist.New(store, ev, seatlist.NewPlan(ev.Layout, seatlist.Parts{}))
	lock(t, store, ev, "ann", ev.Seats[700])
	snap, err := feed.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*seatlist.List{snap.Since(""), snap.WithStatus(lockstore.Locked), snap.WithStatus(lockstore.Booked)} {
		var want bytes.Buffer
		l.WriteTo(struct{ io.Writer }{&want}) // in pieces
		if got, err := io.ReadAll(iotest.HalfReader(l.Reader())); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("the Reader reads %d bytes, %v; WriteTo writes %d", len(got), err, want.Len())
		}
		var got []byte
		var pieces [3][]byte
		r := l.Reader()
		for n := r.Next(pieces[:]); n > 0; n = r.Next(pieces[:]) {
			got = append(got, bytes.Join(pieces[:n], nil)...)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("the pieces have %d bytes; WriteTo writes %d", len(got), want.Len())
		}
	}
}

// get asks the feed for the changes since the version.
func get(t *testing.T, f *seatlist.Feed, since lockstore.Version) list {
	t.Helper()
	l, err := f.List(t.Context(), since)
	return decoded(t, l, err)
}

// taken lists the seats that are not available as "A1 locked".
func (l list) taken() []string {
	var taken []string
	for _, s := range l.Seats {
		if s.Status != "available" {
			taken = append(taken, s.SeatID+" "+s.Status)
		}
	}
	return taken
}

func (l list) want(t *testing.T, taken ...string) {
	t.Helper()
	if got := l.taken(); !slices.Equal(got, taken) {
		t.Errorf("the list has %q taken, want %q", got, taken)
	}
}

// event returns an event with seats S0, S1 and so on, whose locks last a minute.
func event(t *testing.T, n int) *lockstore.Event {
	t.Helper()
	ids := make([]lockstore.SeatID, n)
	for i := range ids {
		ids[i] = lockstore.SeatID(fmt.Sprintf("S%d", i))
	}
	return storetest.Event(t, "large", time.Minute, 0, ids...)
}

// feedOf returns a Feed of an event without areas and categories.
func feedOf(store lockstore.LockStore, ev *lockstore.Event) *seatlist.Feed {
	return seatlist.New(store, ev, seatlist.NewPlan(ev.Layout, seatlist.Parts{}))
}

func lock(t *testing.T, store lockstore.LockStore, ev *lockstore.Event, user lockstore.UserID, seats ...lockstore.SeatID) {
	t.Helper()
	if _, err := store.Do(t.Context(), ev, lockstore.Lock(user, seats...)); err != nil {
		t.Error(err)
	}
}

// TestLargeListAgrees changes an event of many blocks at random and compares
// every kind of list with the store's own.
func TestLargeListAgrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ev := new(memstore.Store), event(t, 1000)
		ids, feed := ev.Seats, feedOf(store, ev)
		ctx, random := t.Context(), rand.New(rand.NewPCG(1, 2))
		folded := make(map[string]seat)
		var version lockstore.Version
		for step := range 150 {
			for range random.IntN(20) {
				seats := ids[random.IntN(995):][:1+random.IntN(5)]
				user := lockstore.UserID(fmt.Sprint("user", random.IntN(5)))
				op := lockstore.Lock(user, seats...)
				switch random.IntN(4) {
				case 0:
					op = lockstore.Confirm(user, seats[0])
				case 1:
					op = lockstore.Release(user, seats...)
				}
				_, _ = store.Do(ctx, ev, op) // some fail
			}
			time.Sleep(time.Duration(random.IntN(20)) * time.Second)

			snap, err := store.List(ctx, ev, "")
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, s := range snap.Seats {
				want = append(want, string(ids[s.Position])+" "+s.Status.String())
			}
			if l := get(t, feed, ""); !slices.Equal(l.taken(), want) || len(l.Seats) != 1000 || l.Version != snap.Version {
				t.Fatalf("step %d: the list has\n%v\nthe store has\n%v", step, l.taken(), want)
			}
			s, err := feed.Refresh(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if l := decoded(t, s.WithStatus(lockstore.Locked), nil); l.Counts.Locked != len(l.Seats) || l.Counts != s.Counts() {
				t.Fatalf("step %d: the counts are %+v, and %d locked seats are listed", step, l.Counts, len(l.Seats))
			}

			l := get(t, feed, version)
			version = l.Version
			for _, s := range l.Seats {
				folded[s.SeatID] = s
			}
			var got []string
			for _, id := range ids {
				// A client that applies changes also has to compare ends with the
				// clock.
				if f := folded[string(id)]; f.Status == "booked" || f.Status == "locked" && f.ExpiresAt > l.ServerTime {
					got = append(got, f.SeatID+" "+f.Status)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("step %d: folding the changes gives\n%v\nthe store has\n%v", step, got, want)
			}
		}
	})
}

// TestListSeesWhatWasAcknowledged lets many users lock and list at the same time. Each
// must find its seat in the list as soon as its lock is acknowledged.
func TestListSeesWhatWasAcknowledged(t *testing.T) {
	store, ev := new(memstore.Store), event(t, 600)
	feed := feedOf(store, ev)
	var all sync.WaitGroup
	for user := range 10 {
		all.Go(func() {
			version := get(t, feed, "").Version
			for i := range 10 {
				id := fmt.Sprintf("S%d", user*60+i*6)
				lock(t, store, ev, lockstore.UserID(fmt.Sprintf("user%d", user)), lockstore.SeatID(id))
				for _, since := range []lockstore.Version{"", version} {
					if !slices.Contains(get(t, feed, since).taken(), id+" locked") {
						t.Errorf("the list since %q does not have seat %s, whose lock was acknowledged before", since, id)
					}
				}
				s, err := feed.Refresh(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if !slices.Contains(decoded(t, s.WithStatus(lockstore.Locked), nil).taken(), id+" locked") {
					t.Errorf("the list of locked seats does not have seat %s, whose lock was acknowledged before", id)
				}
			}
		})
	}
	all.Wait()
}

// slowList is a store whose List waits, after it has read the seats, until it
// may answer.
type slowList struct {
	lockstore.LockStore
	begun, answer chan struct{}
}

func (s slowList) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	snap, err := s.LockStore.List(ctx, ev, since)
	s.begun <- struct{}{}
	select {
	case <-s.answer:
		return snap, err
	case <-ctx.Done():
		return lockstore.Snapshot{}, ctx.Err()
	}
}

// TestListsShareTheStore checks that requests during a refresh wait for the next one,
// which all of them share, since the current one may miss changes that were
// acknowledged after it began.
func TestListsShareTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ev := slowList{new(memstore.Store), make(chan struct{}), make(chan struct{})}, event(t, 10)
		feed := feedOf(store, ev)
		var all sync.WaitGroup
		all.Go(func() { get(t, feed, "").want(t) })
		<-store.begun
		for range 50 {
			all.Go(func() { get(t, feed, "").want(t, "S1 locked") })
		}
		synctest.Wait()
		lock(t, store, ev, "ann", "S1")
		store.answer <- struct{}{}
		<-store.begun
		store.answer <- struct{}{}
		all.Wait() // a third call of the store would block
	})
}

// TestOneCallerLeaves checks that callers that share a call of the store get their
// answer even if the caller that made it leaves.
func TestOneCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ev := slowList{new(memstore.Store), make(chan struct{}), make(chan struct{})}, event(t, 10)
		feed := feedOf(store, ev)
		leaving, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { get(t, feed, "") })
		<-store.begun
		for range 50 {
			all.Go(func() { _, _ = feed.Refresh(leaving) })
		}
		synctest.Wait()
		all.Go(func() { get(t, feed, "") })
		synctest.Wait()
		store.answer <- struct{}{}
		<-store.begun
		leave()
		synctest.Wait()
		store.answer <- struct{}{}
		all.Wait()
	})
}

// TestListAfterTheStoreBeganAnew checks that the list is full after the store has lost
// everything, as can happen to one in another process.
func TestListAfterTheStoreBeganAnew(t *testing.T) {
	store, ev := &struct{ lockstore.LockStore }{new(memstore.Store)}, event(t, 10)
	feed := feedOf(store, ev)
	lock(t, store, ev, "ann", "S1", "S2")
	before := get(t, feed, "")
	before.want(t, "S1 locked", "S2 locked")
	store.LockStore = new(memstore.Store)
	lock(t, store, ev, "ben", "S2")
	get(t, feed, "").want(t, "S2 locked")
	if l := get(t, feed, before.Version); !l.Full {
		t.Error("the store does not know that version, and the list is not full")
	}
}

// TestMoment checks that a later list has a higher moment, even after the store has
// lost everything, and that lists of the same state have the same moment.
func TestMoment(t *testing.T) {
	store, ev := &struct{ lockstore.LockStore }{new(memstore.Store)}, event(t, 10)
	feed := feedOf(store, ev)
	moment := func() uint64 {
		t.Helper()
		l, err := feed.List(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return l.Moment
	}
	first := moment()
	if again := moment(); again != first {
		t.Errorf("nothing changed, and moment %d became %d", first, again)
	}
	lock(t, store, ev, "ann", "S1")
	second := moment()
	store.LockStore = new(memstore.Store)
	lock(t, store, ev, "ben", "S2")
	if third := moment(); first >= second || second >= third {
		t.Errorf("the moments are %d, %d, %d", first, second, third)
	}
}
