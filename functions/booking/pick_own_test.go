package booking_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/venue"
	"seatlock/lockstore/memstore"
)

// TestPickIsNotOfOwnSeats checks that a user who locked seats by name a moment ago picks
// others, although the list that the pick is made from does not show them yet, and that
// nothing else is locked.
func TestPickIsNotOfOwnSeats(t *testing.T) {
	const hall = `{"events":[{"id":"hall","sections":[
		{"name":"Hall","rows":[{"row":"A-C","seats":"1-10"}]}, {"name":"Box","pattern":"{row}{seat}","rows":[{"row":"X","seats":"1-2"}]}]}]}`
	const pair = `{"count":2,"section":"Hall","userId":"ann"}`
	synctest.Test(t, func(t *testing.T) {
		begin := func() *server {
			events, err := venue.ReadEvents("hall", strings.NewReader(hall), venue.Defaults{LockTTL: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			s := openWith(t, new(memstore.Store), events...)
			s.must("/lock", `{"count":1,"section":"Box","userId":"eve"}`) // from a list of this moment
			return s
		}
		own := begin().must("/lock", pair).picked().SeatIDs
		for named := 1; named <= len(own); named++ {
			s := begin()
			s.must("/lock", fmt.Sprintf(`{"seatIds":["%s"],"userId":"ann"}`, strings.Join(own[:named], `","`)))
			got := s.must("/lock", pair).picked().SeatIDs
			if len(got) != 2 || slices.ContainsFunc(own[:named], func(seat string) bool { return slices.Contains(got, seat) }) {
				t.Errorf("after a lock of %v the pick is of %v", own[:named], got)
			}
			if l := s.list("?status=locked"); l.Counts.Locked != 1+named+2 {
				t.Errorf("after a lock of %v and a pick of %v, %d seats are locked, want %d", own[:named], got, l.Counts.Locked, 1+named+2)
			}
		}
	})
}
