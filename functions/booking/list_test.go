package booking_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/venue"
	"seatlock/lockstore/memstore"
)

// TestListCountsParts checks that each list has the counts of every category and area, and
// that they follow an event file in which seats have another category.
func TestListCountsParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openClub(t, new(memstore.Store))
		s.must("/lock", `{"seatIds":["A2","C1"],"areas":[{"section":"Floor","count":3}],"userId":"ann"}`)
		s.must("/confirm", `{"seatIds":["C1","Floor#1"],"userId":"ann"}`)
		want := func(query string, categories ...part) {
			t.Helper()
			areas := []part{{Section: "Floor", Available: 17, Locked: 2, Booked: 1}, {Section: "Bar", Available: 5}}
			if l := s.list(query); !slices.Equal(l.Categories, categories) || !slices.Equal(l.Areas, areas) {
				t.Errorf("%s: the categories are %+v, want %+v; the areas are %+v, want %+v", query, l.Categories, categories, l.Areas, areas)
			}
		}
		standing := part{Category: "standing", Available: 22, Locked: 2, Booked: 1}
		for _, query := range []string{"", "?status=booked", "?since=" + s.list("").Version} {
			want(query, part{Category: "first", Available: 11, Locked: 1}, part{Category: "second", Available: 8, Booked: 1}, standing)
		}
		events, err := venue.ReadEvents("club", strings.NewReader(strings.Replace(club, `"seats": "1-6", "category": "second"`, `"seats": "1-6"`, 1)), venue.Defaults{LockTTL: time.Minute})
		if err := errors.Join(err, s.api.SetEvents(events)); err != nil {
			t.Fatal(err)
		}
		want("", part{Category: "first", Available: 16, Locked: 1, Booked: 1}, part{Category: "second", Available: 3}, standing)
	})
}

func TestListIsEverySeatInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openWith(t, new(memstore.Store), plainEvent(t, "small", "B1", "A1", "A2"))
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
		if length := got.Header().Get("Content-Length"); length != fmt.Sprint(len(want)) {
			t.Errorf("the length is %s, want %d", length, len(want))
		}
		// A HEAD does not render the list, not even to compute its length.
		head := s.ask("HEAD", "/seats", "").want(200)
		if h := head.Header(); head.Body.Len() != 0 || h.Get("Content-Length") != "" || h.Get("ETag") != got.Header().Get("ETag") {
			t.Errorf("HEAD: %v %q", h, head.Body)
		}
	})
}

func TestListByStatus(t *testing.T) {
	s := openWith(t, new(memstore.Store), plainEvent(t, "small", "A1", "A2", "A3"))
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

// TestUnchangedListIsNotSentTwice includes a lock that expires: the list has then
// changed without any call.
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
