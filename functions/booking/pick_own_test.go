package booking_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// openHall returns a server of a hall that has just read its list of seats.
func openHall(t *testing.T, store lockstore.LockStore) *server {
	t.Helper()
	const hall = `{"events":[{"id":"hall","sections":[
		{"name":"Hall","rows":[{"row":"A-C","seats":"1-10"}]}, {"name":"Box","pattern":"{row}{seat}","rows":[{"row":"X","seats":"1-2"}]}]}]}`
	events, err := venue.ReadEvents("hall", strings.NewReader(hall), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	s := openWith(t, store, events...)
	s.must("/lock", `{"count":1,"section":"Box","userId":"eve"}`)
	return s
}

// hallPair asks for two seats of the hall.
const hallPair = `{"count":2,"section":"Hall","userId":"ann"}`

// TestPickIsNotOfOwnSeats checks that a user who has just locked seats by name picks
// others, although the list behind the pick does not show those locks yet, and that
// nothing else is locked.
func TestPickIsNotOfOwnSeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := openHall(t, new(memstore.Store)).must("/lock", hallPair).picked().SeatIDs
		for named := 1; named <= len(own); named++ {
			s := openHall(t, new(memstore.Store))
			s.must("/lock", fmt.Sprintf(`{"seatIds":["%s"],"userId":"ann"}`, strings.Join(own[:named], `","`)))
			got := s.must("/lock", hallPair).picked().SeatIDs
			if len(got) != 2 || slices.ContainsFunc(own[:named], func(seat string) bool { return slices.Contains(got, seat) }) {
				t.Errorf("after a lock of %v the pick is of %v", own[:named], got)
			}
			if l := s.list("?status=locked"); l.Counts.Locked != 1+named+2 {
				t.Errorf("after a lock of %v and a pick of %v, %d seats are locked, want %d", own[:named], got, l.Counts.Locked, 1+named+2)
			}
		}
	})
}

// A slow store answers locks after a while, even if the caller has stopped waiting.
type slow struct {
	lockstore.LockStore
	by time.Duration
}

func (s *slow) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	result, err := s.LockStore.Do(ctx, ev, op)
	if err == nil && op.Kind == lockstore.KindLock {
		time.Sleep(s.by)
	}
	return result, err
}

// TestPickGivesBackLate checks that a pick gives back what it does not want even after
// its time is over.
func TestPickGivesBackLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := openHall(t, new(memstore.Store)).must("/lock", hallPair).picked().SeatIDs
		store := &slow{LockStore: new(memstore.Store)}
		s := openHall(t, store)
		s.must("/lock", fmt.Sprintf(`{"seatId":"%s","userId":"ann"}`, own[0]))
		store.by = 4 * time.Second
		s.post("/lock", hallPair).wantProblem(503, "store_unavailable") // nothing was changed
		if l := s.list("?status=locked"); l.Counts.Locked != 2 {
			t.Errorf("%d seats are locked, want that of eve and the one that ann had", l.Counts.Locked)
		}
	})
}
