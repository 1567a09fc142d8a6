package booking_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

func TestListIsEverySeatInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openWith(t, new(lockstore.Memory), plainEvent(t, "small", "B1", "A1", "A2"))
		s.must("/lock", `{"seatId":"A1","userId":"ann"}`)
		time.Sleep(1500 * time.Millisecond)
		got := s.get("/seats").want(200)
		version := strings.TrimSuffix(strings.TrimPrefix(got.Header().Get("ETag"), `W/"`), `.1"`)
		want := `{"eventId":"small","version":"` + version + `","full":true,"serverTime":"2000-01-01T00:00:01.500Z",` +
			`"counts":{"available":2,"locked":1,"booked":0},"seats":[{"seatId":"B1","status":"available"},` +
			`{"seatId":"A1","status":"locked","expiresAt":"2000-01-01T00:01:00.000Z"},{"seatId":"A2","status":"available"}]}` + "\n"
		if got.Body.String() != want {
			t.Errorf("got\n%s want\n%s", got.Body, want)
		}
		if head := s.ask("HEAD", "/seats", "").want(200); head.Body.Len() != 0 || head.Header().Get("Content-Length") != fmt.Sprint(len(want)) {
			t.Errorf("HEAD: %v %q", head.Header(), head.Body)
		}
	})
}

func TestListByStatus(t *testing.T) {
	s := openWith(t, new(lockstore.Memory), plainEvent(t, "small", "A1", "A2", "A3"))
	s.must("/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
	s.must("/confirm", `{"seatId":"A1","userId":"ann"}`)
	for status, want := range map[string]string{"booked": "A1", "locked": "A2", "available": "A3"} {
		l := s.list("?status=" + status)
		if len(l.Seats) != 1 || l.Seats[0].SeatID != want || l.Seats[0].Status != status {
			t.Errorf("%s: %+v, want %s alone", status, l.Seats, want)
		}
		if l.Counts.Available != 1 || l.Counts.Locked != 1 || l.Counts.Booked != 1 {
			t.Errorf("%s: counts %+v are not of the whole event", status, l.Counts)
		}
	}
}

func TestListSinceIsWhatChanged(t *testing.T) {
	s := open(t)
	s.must("/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
	v := s.list("").Version
	if l := s.list("?since=" + v); l.Full || len(l.Seats) != 0 || l.Version != v {
		t.Errorf("nothing changed, and the list is %+v", l)
	}
	s.must("/lock", `{"seatId":"J10","userId":"ben"}`)
	s.must("/confirm", `{"seatId":"A2","userId":"ann"}`)
	s.must("/release", `{"seatId":"A1","userId":"ann"}`)
	l := s.list("?since=" + v)
	if l.Full || len(l.Seats) != 3 || l.Seats[0].SeatID != "A1" || l.Seats[0].Status != "available" || l.Seats[1].Status != "booked" || l.Seats[2].SeatID != "J10" {
		t.Errorf("changes %+v", l)
	}
	if l.Counts.Booked != 1 || l.Counts.Locked != 1 {
		t.Errorf("counts %+v", l.Counts)
	}
	if l := s.list("?since=of-another-life"); !l.Full || len(l.Seats) != 100 {
		t.Errorf("a version that the store does not know: full is %v, with %d seats", l.Full, len(l.Seats))
	}
}

// TestUnchangedListIsNotSentTwice is also about time: a lock that runs out
// changes the list, though nothing was asked of the store.
func TestUnchangedListIsNotSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.must("/lock", `{"seatId":"A1","userId":"ann"}`)
		time.Sleep(10 * time.Second)
		s.must("/lock", `{"seatId":"A2","userId":"ann"}`)
		etag := s.get("/seats").Header().Get("ETag")
		for _, header := range []string{etag, "*", `"x", ` + etag, strings.TrimPrefix(etag, "W/")} {
			if a := s.get("/seats", "If-None-Match", header).want(304); a.Body.Len() != 0 || a.Header().Get("ETag") != etag {
				t.Errorf("If-None-Match %s: %v %q", header, a.Header(), a.Body)
			}
		}
		s.get("/seats", "If-None-Match", `"x"`).want(200)

		time.Sleep(50*time.Second + time.Millisecond)
		first := s.get("/seats", "If-None-Match", etag).want(200)
		s.list("").want(t, "A2 locked")
		time.Sleep(10 * time.Second)
		second := s.get("/seats", "If-None-Match", first.Header().Get("ETag")).want(200)
		s.list("").want(t)
		s.must("/lock", `{"seatId":"A1","userId":"ben"}`)
		s.get("/seats", "If-None-Match", second.Header().Get("ETag")).want(200)
	})
}

// TestLargeListAgrees changes an event of many blocks at random and compares
// every kind of list with the store's own.
func TestLargeListAgrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []lockstore.SeatID
		for i := range 1000 {
			ids = append(ids, lockstore.SeatID(fmt.Sprintf("S%d", i)))
		}
		store, m := new(lockstore.Memory), plainEvent(t, "large", ids...)
		s := openWith(t, store, m)
		ctx, random := t.Context(), rand.New(rand.NewPCG(1, 2))
		folded := make(map[string]seat)
		var version string
		for step := range 150 {
			for range random.IntN(20) {
				seats := ids[random.IntN(995):][:1+random.IntN(5)]
				user := lockstore.UserID(fmt.Sprint("user", random.IntN(5)))
				switch random.IntN(4) {
				case 0:
					_ = store.Confirm(ctx, m.Event, seats[:1], user) // refusals are part of the game
				case 1:
					_ = store.Release(ctx, m.Event, seats, user)
				default:
					_, _ = store.Lock(ctx, m.Event, seats, user)
				}
			}
			time.Sleep(time.Duration(random.IntN(20)) * time.Second)

			snap, err := store.List(ctx, m.Event, "")
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, s := range snap.Seats {
				want = append(want, string(s.ID)+" "+string(s.Status))
			}
			if l := s.list(""); !slices.Equal(l.taken(), want) || len(l.Seats) != 1000 || l.Version != string(snap.Version) {
				t.Fatalf("step %d: the list says\n%v\nthe store says\n%v", step, l.taken(), want)
			}
			if l := s.list("?status=locked"); l.Counts.Locked != len(l.Seats) {
				t.Fatalf("step %d: %d locked are counted and %d listed", step, l.Counts.Locked, len(l.Seats))
			}

			query := ""
			if version != "" {
				query = "?since=" + version
			}
			l := s.list(query)
			version = l.Version
			for _, s := range l.Seats {
				folded[s.SeatID] = s
			}
			var got []string
			for _, id := range ids {
				// Who folds changes applies the clock.
				if f := folded[string(id)]; f.Status == "booked" || f.Status == "locked" && f.ExpiresAt > l.ServerTime {
					got = append(got, f.SeatID+" "+f.Status)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("step %d: folding the changes gives\n%v\nthe store says\n%v", step, got, want)
			}
		}
	})
}

// TestListSeesWhatWasAcknowledged has many listing while others lock: each
// locker must find its seat in the list as soon as it has its answer.
func TestListSeesWhatWasAcknowledged(t *testing.T) {
	var ids []lockstore.SeatID
	for i := range 600 {
		ids = append(ids, lockstore.SeatID(fmt.Sprintf("S%d", i)))
	}
	s := openWith(t, new(lockstore.Memory), plainEvent(t, "large", ids...))
	var all sync.WaitGroup
	for user := range 10 {
		all.Go(func() {
			version := s.list("").Version
			for i := range 10 {
				id := fmt.Sprintf("S%d", user*60+i*6)
				s.must("/lock", fmt.Sprintf(`{"seatId":%q,"userId":"user%d"}`, id, user))
				for _, query := range []string{"", "?status=locked", "?since=" + version} {
					if !slices.Contains(s.list(query).taken(), id+" locked") {
						t.Errorf("GET /seats%s does not see seat %s, whose lock was acknowledged before", query, id)
					}
				}
			}
		})
	}
	all.Wait()
}

// slowList is a store whose answer to List takes until it is let go.
type slowList struct {
	lockstore.LockStore
	begun, letGo chan struct{}
}

func (s slowList) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	snap, err := s.LockStore.List(ctx, ev, since)
	s.begun <- struct{}{}
	select {
	case <-s.letGo:
		return snap, err
	case <-ctx.Done():
		return lockstore.Snapshot{}, ctx.Err()
	}
}

// TestListsShareTheStore: who comes while the store is being asked waits for
// the next answer, since the one under way may miss what was acknowledged
// meanwhile; and all who wait share that one.
func TestListsShareTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := slowList{new(lockstore.Memory), make(chan struct{}), make(chan struct{})}
		s := openOver(t, store)
		var all sync.WaitGroup
		all.Go(func() { s.list("").want(t) })
		<-store.begun
		for range 50 {
			all.Go(func() { s.list("").want(t, "A1 locked") })
		}
		synctest.Wait()
		s.must("/lock", `{"seatId":"A1","userId":"ann"}`)
		store.letGo <- struct{}{}
		<-store.begun
		store.letGo <- struct{}{}
		all.Wait() // a third question to the store would wait for ever
	})
}

// TestWhoLeavesFailsNobody: of those who share one question to the store, one
// asks it. That this one goes away must not be the others' failure.
func TestWhoLeavesFailsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := slowList{new(lockstore.Memory), make(chan struct{}), make(chan struct{})}
		s := openOver(t, store)
		leaving, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { s.list("") })
		<-store.begun
		for range 50 {
			all.Go(func() {
				r := httptest.NewRequestWithContext(leaving, "GET", "/seats", nil)
				s.api.List.ServeHTTP(httptest.NewRecorder(), r)
			})
		}
		synctest.Wait()
		all.Go(func() { s.list("") })
		synctest.Wait()
		store.letGo <- struct{}{}
		<-store.begun
		leave()
		synctest.Wait()
		store.letGo <- struct{}{}
		all.Wait()
	})
}

// TestListAfterTheStoreBeganAnew: a store that lost everything, as one in
// another process may, gives a full list of nothing.
func TestListAfterTheStoreBeganAnew(t *testing.T) {
	store := &struct{ lockstore.LockStore }{new(lockstore.Memory)}
	s := openOver(t, store)
	s.must("/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
	before := s.list("")
	before.want(t, "A1 locked", "A2 locked")
	store.LockStore = new(lockstore.Memory)
	s.must("/lock", `{"seatId":"A2","userId":"ben"}`)
	s.list("").want(t, "A2 locked")
	if l := s.list("?since=" + before.Version); !l.Full {
		t.Error("the store does not know that version, and the list is not full")
	}
}
