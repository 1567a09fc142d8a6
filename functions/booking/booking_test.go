package booking_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// The bubble's clock starts at midnight UTC on 1 January 2000.

func TestLockConfirmList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		lock := s.must("/lock", `{"seatId":"A1","userId":"user123"}`)
		if got, want := lock.Body.String(), `{"message":"Seat A1 locked.","eventId":"default","userId":"user123","seatIds":["A1"],"status":"locked","expiresAt":"2000-01-01T00:01:00.000Z","expiresInSeconds":60}`+"\n"; got != want {
			t.Errorf("lock answered\n%s want\n%s", got, want)
		}
		if got := lock.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type %q", got)
		}
		confirm := s.must("/confirm", `{"seatId":"A1","userId":"user123"}`)
		if got, want := confirm.Body.String(), `{"message":"Seat A1 booked.","eventId":"default","userId":"user123","seatIds":["A1"],"status":"booked"}`+"\n"; got != want {
			t.Errorf("confirm answered\n%s want\n%s", got, want)
		}
		time.Sleep(365 * 24 * time.Hour)
		s.list("").want(t, "A1 booked")
	})
}

func TestSeveralSeatsAllOrNone(t *testing.T) {
	s := open(t)
	lock := s.must("/lock", `{"seatIds":["A2","A3","B1"],"userId":"ann"}`)
	var a struct {
		Message          string
		EventID          string `json:"eventId"`
		UserID           string `json:"userId"`
		SeatIDs          []string
		Status           string
		ExpiresAt        string
		ExpiresInSeconds int
	}
	lock.into(&a)
	if a.Message != "Seats A2, A3 and B1 locked." || len(a.SeatIDs) != 3 || a.Status != "locked" {
		t.Errorf("lock answered %+v", a)
	}
	s.post("/lock", `{"seatIds":["A4","A3"],"userId":"ben"}`).wantProblem(409, "seat_locked")
	s.list("").want(t, "A2 locked", "A3 locked", "B1 locked")
	s.must("/confirm", `{"seatIds":["A3","A2"],"userId":"ann"}`)
	s.must("/release", `{"seatId":"B1","userId":"ann"}`)
	s.list("").want(t, "A2 booked", "A3 booked")
}

func TestRelockKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.must("/lock", `{"seatId":"A1","userId":"ann"}`)
		time.Sleep(20*time.Second + 100*time.Millisecond)
		again := s.must("/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
		var a struct {
			ExpiresAt        string
			ExpiresInSeconds int
		}
		if err := unmarshal(again, &a); err != nil {
			t.Fatal(err)
		}
		if a.ExpiresAt != "2000-01-01T00:01:00.000Z" || a.ExpiresInSeconds != 40 {
			t.Errorf("the second lock answered %+v, want the end of the first, rounded up to 40 s", a)
		}
	})
}

func TestEventsAreApart(t *testing.T) {
	s := open(t)
	s.must("/lock", `{"eventId":"matinee","seatId":"A1","userId":"ann"}`)
	s.must("/lock", `{"eventId":"default","seatId":"A1","userId":"ben"}`)
	s.list("?eventId=matinee").want(t, "A1 locked")
	s.post("/lock", `{"eventId":"matinee","seatId":"J10","userId":"ann"}`).wantProblem(404, "unknown_seat")
	s.must("/release", `{"seatId":"A1","userId":"ben"}`)
	s.list("").want(t)
	s.list("?eventId=matinee").want(t, "A1 locked")
}

func TestReleaseGivesBack(t *testing.T) {
	s := open(t)
	s.must("/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
	const release = `{"seatIds":["A1","A2"],"userId":"ann"}`
	if got, want := s.must("/release", release).Body.String(), `{"message":"Seats A1 and A2 released.","eventId":"default","userId":"ann","seatIds":["A1","A2"],"status":"available"}`+"\n"; got != want {
		t.Errorf("release answered\n%s want\n%s", got, want)
	}
	s.list("").want(t)
}

// TestReleaseSaysWhatItReleased checks that the answer names only seats that the
// user had locked, whatever the state of the others.
func TestReleaseSaysWhatItReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.must("/lock", `{"seatId":"A1","userId":"ben"}`)
		time.Sleep(2 * time.Minute) // until the lock has expired
		s.must("/lock", `{"seatIds":["B1","B2"],"userId":"ann"}`)
		s.must("/confirm", `{"seatId":"B1","userId":"ann"}`)
		s.must("/lock", `{"seatId":"C1","userId":"ben"}`)
		released := func(seats, want string) {
			t.Helper()
			got := s.must("/release", `{"seatIds":`+seats+`,"userId":"ben"}`).Body.String()
			if !strings.Contains(got, want) {
				t.Errorf("the release of %s answered\n%s want\n%s", seats, got, want)
			}
		}
		const none = `"message":"No seat was released: this user had a lock on none of them.","eventId":"default","userId":"ben","seatIds":[],`
		released(`["A1"]`, none)      // expired
		released(`["B1"]`, none)      // booked by another user
		released(`["B2"]`, none)      // locked by another user
		released(`["D1","D2"]`, none) // available
		released(`["B1","C1","D1"]`, `"message":"Seat C1 released.","eventId":"default","userId":"ben","seatIds":["C1"],`)
		released(`["C1"]`, none) // already released
		s.list("").want(t, "B1 booked", "B2 locked")
	})
}

func TestEvents(t *testing.T) {
	s := open(t)
	var all struct {
		Events []struct {
			EventID        string
			Name           string
			LockSeconds    float64
			MaxLockSeconds float64
			SeatLimit      int
			SeatCount      int
			Sections       []struct {
				Name string
				Rows []struct {
					Name    string
					Seats   []string
					Numbers []string
				}
			}
		}
	}
	got := s.get("/events").want(200)
	etag := got.Header().Get("ETag")
	got.into(&all)
	if len(all.Events) != 2 {
		t.Fatalf("%d events are listed, want 2", len(all.Events))
	}
	hall := all.Events[0]
	if hall.EventID != "default" || hall.Name != "Default event" || hall.LockSeconds != 60 || hall.MaxLockSeconds != 2400 || hall.SeatLimit != 4 || hall.SeatCount != 100 {
		t.Errorf("the first event is %+v", hall)
	}
	rows := hall.Sections[0].Rows
	if len(rows) != 10 || rows[9].Name != "J" || rows[9].Seats[9] != "J10" || rows[9].Numbers[9] != "10" {
		t.Errorf("its rows are %+v", rows)
	}
	s.get("/events", "If-None-Match", etag).want(304)
	if body := s.ask("HEAD", "/events", "").want(200).Body.Len(); body != 0 {
		t.Errorf("the answer to HEAD has a body of %d bytes", body)
	}
	s.get("/events?x=1").wantProblem(400, "bad_request")
}

// TestSomeOfTheEvents checks that a client can ask for one event, and for events
// without their layouts.
func TestSomeOfTheEvents(t *testing.T) {
	s := open(t)
	const hall = `{"eventId":"default","name":"Default event","lockSeconds":60,"maxLockSeconds":2400,"seatLimit":4,"seatCount":100}`
	const matinee = `{"eventId":"matinee","name":"matinee","lockSeconds":60,"maxLockSeconds":2400,"seatLimit":0,"seatCount":3`
	const seats = `,"sections":[{"name":"","rows":[{"name":"","seats":["A1","A2","VIP:1"]}]}]}`
	tags := make(map[string]string)
	for query, want := range map[string]string{
		"?layout=none":                 hall + "," + matinee + "}",
		"?eventId=default&layout=none": hall,
		"?eventId=matinee":             matinee + seats,
		"?eventId=matinee&layout=none": matinee + "}",
	} {
		got := s.get("/events" + query).want(200)
		if body := got.Body.String(); body != `{"events":[`+want+"]}\n" {
			t.Errorf("GET /events%s answered %s", query, body)
		}
		etag := got.Header().Get("ETag")
		if tags[etag] != "" {
			t.Errorf("%s and %s are different and have the same ETag", query, tags[etag])
		}
		tags[etag] = query
		s.get("/events"+query, "If-None-Match", etag).want(304)
	}
	s.get("/events?eventId=opera").wantProblem(404, "unknown_event")
	s.get("/events?eventId=opera&layout=none").wantProblem(404, "unknown_event")
	s.get("/events?layout=all").wantProblem(400, "bad_request")
}

func TestNewRefusesBadConfigs(t *testing.T) {
	m := plainEvent(t, "one", "A1")
	for name, c := range map[string]booking.Config{
		"no store":             {Events: []venue.Event{m}},
		"no event":             {Store: new(memstore.Store)},
		"two events of one id": {Store: new(memstore.Store), Events: []venue.Event{m, m}},
	} {
		if _, err := booking.New(c); err == nil {
			t.Errorf("%s: New returned no error", name)
		}
	}
}

// ahead is a store whose clock is an hour fast.
type ahead struct{ lockstore.LockStore }

func (a ahead) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	result, err := a.LockStore.Do(ctx, ev, op)
	result.Expires, result.Now = result.Expires.Add(time.Hour), result.Now.Add(time.Hour)
	if e, ok := errors.AsType[*lockstore.ConflictError](err); ok {
		for i := range e.Seats {
			e.Seats[i].Expires = e.Seats[i].Expires.Add(time.Hour)
		}
	}
	return result, err
}

// TestSecondsAreNeverMoreThanALockLasts checks that a store's clock that is fast
// makes no waiting time longer than a lock.
func TestSecondsAreNeverMoreThanALockLasts(t *testing.T) {
	s := openOver(t, ahead{new(memstore.Store)})
	var a struct{ ExpiresInSeconds int }
	if err := unmarshal(s.must("/lock", `{"seatId":"A1","userId":"ann"}`), &a); err != nil || a.ExpiresInSeconds != 60 {
		t.Errorf("expiresInSeconds is %d (%v), and a lock lasts 60", a.ExpiresInSeconds, err)
	}
	if after := s.post("/lock", `{"seatId":"A1","userId":"ben"}`).Header().Get("Retry-After"); after != "60" {
		t.Errorf("Retry-After is %s, and a lock lasts 60", after)
	}
}
