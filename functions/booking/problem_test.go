package booking_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

func unmarshal(a answer, v any) error { return json.Unmarshal(a.Body.Bytes(), v) }

// TestConflicts uses one state of the seats in all cases: ann has A1 locked and A2
// booked, ben has B1 locked, and cat's lock on C1 has expired. The live locks are
// 20 seconds old.
func TestConflicts(t *testing.T) {
	const free = "2000-01-01T00:02:00.000Z" // when the live locks end
	cases := []struct {
		name, path, body, code, detail string
		seats                          []seat
		retryAfter                     string
	}{
		{"locked", "/lock", `{"seatId":"B1","userId":"ann"}`, "seat_locked",
			"Seat B1 is locked by somebody else for up to 40 seconds more. Choose another, or try again then.",
			[]seat{{"B1", "locked", free}}, "40"},
		{"several locked", "/lock", `{"seatIds":["B1","J1","A1"],"userId":"dan"}`, "seat_locked",
			"Seats B1 and A1 are locked by somebody else for up to 40 seconds more. Choose another, or try again then.",
			[]seat{{"B1", "locked", free}, {"A1", "locked", free}}, "40"},
		{"booked", "/lock", `{"seatId":"A2","userId":"ann"}`, "seat_booked",
			"Seat A2 is booked.",
			[]seat{{"A2", "booked", ""}}, ""},
		{"booked and locked", "/lock", `{"seatIds":["B1","A2"],"userId":"dan"}`, "seat_booked",
			"Seat A2 is booked. Seat B1 is locked by somebody else.",
			[]seat{{"B1", "locked", free}, {"A2", "booked", ""}}, ""},
		{"too many", "/lock", `{"seatIds":["D1","D2","D3"],"userId":"ann"}`, "seat_limit",
			"One user may have 4 seats of this event, locked and booked together, and this one has 2 already. Release some, or lock fewer.",
			nil, ""},
		{"never locked", "/confirm", `{"seatId":"D1","userId":"dan"}`, "lock_not_held",
			"This user has no lock on seat D1. Seat D1 is available: lock again to go on.",
			[]seat{{"D1", "available", ""}}, ""},
		{"somebody else's", "/confirm", `{"seatIds":["A1","A2"],"userId":"dan"}`, "lock_not_held",
			"This user has no lock on seats A1 and A2. Seat A1 is locked by somebody else. Seat A2 is booked by somebody else.",
			[]seat{{"A1", "locked", free}, {"A2", "booked", ""}}, ""},
		{"time over", "/confirm", `{"seatId":"C1","userId":"cat"}`, "lock_expired",
			"The time to confirm seat C1 is over. Seat C1 is available: lock again to go on.",
			[]seat{{"C1", "available", ""}}, ""},
		{"releasing a booking", "/release", `{"seatIds":["A1","A2"],"userId":"ann"}`, "seat_booked",
			"Seat A2 is booked. A booking is for good: it is not released.",
			[]seat{{"A2", "booked", ""}}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				s.must("/lock", `{"seatId":"C1","userId":"cat"}`)
				time.Sleep(time.Minute)
				s.must("/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
				s.must("/confirm", `{"seatId":"A2","userId":"ann"}`)
				s.must("/lock", `{"seatId":"B1","userId":"ben"}`)
				time.Sleep(20 * time.Second)
				before := s.list("")

				got := s.post(c.path, c.body)
				p := got.wantProblem(409, c.code)
				if p.Detail != c.detail {
					t.Errorf("detail %q\nwant   %q", p.Detail, c.detail)
				}
				if !slices.Equal(p.Seats, c.seats) {
					t.Errorf("seats %v, want %v", p.Seats, c.seats)
				}
				if got := got.Header().Get("Retry-After"); got != c.retryAfter {
					t.Errorf("Retry-After %q, want %q", got, c.retryAfter)
				}
				if after := s.list(""); after.Version != before.Version {
					t.Errorf("the refused call changed seats: %q, before %q", after.taken(), before.taken())
				}
			})
		})
	}
}

// TestBadRequests sends requests with mistakes. None may change a seat.
func TestBadRequests(t *testing.T) {
	const ok = `{"seatId":"A1","userId":"ann"}`
	long := strings.Repeat("x", 200)
	tooMany := `["X` + strings.Repeat(`","X`, lockstore.MaxSeats) + `"]`
	cases := []struct {
		name                        string
		method, target, media, body string
		status                      int
		code, detail                string // detail is a part of the answer's
	}{
		{"no such path", "GET", "/", "", "", 404, "not_found", "GET /openapi.yaml describes the calls"},
		{"a seat in the path", "POST", "/lock/A1", "application/json", ok, 404, "not_found", ""},
		{"a slash too many", "POST", "//lock", "application/json", ok, 404, "not_found", ""},
		{"live without a runner for it", "GET", "/seats/live", "", "", 404, "not_found", ""},
		{"GET for POST", "GET", "/lock", "", "", 405, "method_not_allowed", `This call takes POST, not "GET".`},
		{"POST for GET", "POST", "/seats", "application/json", ok, 405, "method_not_allowed", `This call takes GET, HEAD, not "POST".`},
		{"an odd method", "B\u00e4h", "/events", "", "", 405, "method_not_allowed", ""},
		{"no media type", "POST", "/lock", "", ok, 415, "unsupported_media_type", "Content-Type: application/json"},
		{"a form", "POST", "/lock", "application/x-www-form-urlencoded", "seatId=A1&userId=ann", 415, "unsupported_media_type", ""},
		{"another charset", "POST", "/lock", "application/json; charset=latin1", ok, 415, "unsupported_media_type", ""},
		{"a media type that is none", "POST", "/lock", "application/json;;=", ok, 415, "unsupported_media_type", ""},
		{"nothing", "POST", "/lock", "application/json", "", 400, "bad_request", "The body is empty"},
		{"not JSON", "POST", "/lock", "application/json", "seatId=A1", 400, "bad_request", "The body is not JSON"},
		{"a list", "POST", "/lock", "application/json", `[` + ok + `]`, 400, "bad_request", "The body must be one JSON object."},
		{"null", "POST", "/lock", "application/json", `null`, 400, "bad_request", ""},
		{"two objects", "POST", "/lock", "application/json", ok + ok, 400, "bad_request", ""},
		{"half an object", "POST", "/lock", "application/json", ok[:12], 400, "bad_request", ""},
		{"a field twice", "POST", "/lock", "application/json", `{"seatId":"A1","seatId":"A2","userId":"ann"}`, 400, "bad_request", `The field "seatId" is given twice.`},
		{"an unknown field", "POST", "/lock", "application/json", `{"seat":"A1","userId":"ann"}`, 400, "bad_request", `There is no field "seat"; there are seatId or seatIds, areas, count, category, section, apart, levels, userId and eventId.`},
		{"a field in other letters", "POST", "/lock", "application/json", `{"seatid":"A1","userId":"ann"}`, 400, "bad_request", `"seatid"`},
		{"a number for a seat", "POST", "/lock", "application/json", `{"seatId":1,"userId":"ann"}`, 400, "bad_request", `The field "seatId" is of the wrong type`},
		{"a string for the seats", "POST", "/lock", "application/json", `{"seatIds":"A1","userId":"ann"}`, 400, "bad_request", `The field "seatIds" is of the wrong type`},
		{"invalid UTF-8", "POST", "/lock", "application/json", "{\"seatId\":\"A1\",\"userId\":\"a\xff\"}", 400, "bad_request", ""},
		{"half a surrogate", "POST", "/lock", "application/json", `{"seatId":"A1","userId":"\ud800"}`, 400, "bad_request", ""},
		{"no seat", "POST", "/lock", "application/json", `{"userId":"ann"}`, 400, "bad_request", "No seat is named"},
		{"no seats", "POST", "/lock", "application/json", `{"seatIds":[],"userId":"ann"}`, 400, "bad_request", "No seat is named"},
		{"seat and seats", "POST", "/lock", "application/json", `{"seatId":"A1","seatIds":["A2"],"userId":"ann"}`, 400, "bad_request", "Both seatId and seatIds"},
		{"a seat twice", "POST", "/lock", "application/json", `{"seatIds":["A1","A2","A1"],"userId":"ann"}`, 400, "bad_request", "Seat A1 is named twice."},
		{"too many seats", "POST", "/lock", "application/json", `{"seatIds":` + tooMany + `,"userId":"ann"}`, 400, "bad_request", "201 seats are named; one call takes at most 200."},
		{"a seat id of other characters", "POST", "/lock", "application/json", `{"seatId":"A1}\u0000","userId":"ann"}`, 400, "bad_request", `not "A1}\x00".`},
		{"a seat id too long", "POST", "/lock", "application/json", `{"seatId":"` + long + `","userId":"ann"}`, 400, "bad_request", "(200 bytes)"},
		{"no user", "POST", "/lock", "application/json", `{"seatId":"A1"}`, 400, "bad_request", "userId is missing."},
		{"a user with a line break", "POST", "/lock", "application/json", `{"seatId":"A1","userId":"a\nb"}`, 400, "bad_request", "A user id is 1 to 128 bytes"},
		{"a user id too long", "POST", "/lock", "application/json", `{"seatId":"A1","userId":"` + long + `"}`, 400, "bad_request", "A user id is 1 to 128 bytes"},
		{"an event id of other characters", "POST", "/lock", "application/json", `{"eventId":"{x}","seatId":"A1","userId":"ann"}`, 400, "bad_request", "An event id is"},
		{"an unknown event", "POST", "/lock", "application/json", `{"eventId":"gala","seatId":"A1","userId":"ann"}`, 404, "unknown_event", "There is no event gala here."},
		{"unknown seats", "POST", "/lock", "application/json", `{"seatIds":["A1","Z1","Z2"],"userId":"ann"}`, 404, "unknown_seat", "Event default has no seats Z1 and Z2."},
		{"a large body", "POST", "/lock", "application/json", `{"userId":"` + strings.Repeat("a", 65536) + `"}`, 413, "too_large", "65536 bytes"},
		{"an unknown parameter", "GET", "/seats?event=default", "", "", 400, "bad_request", `There is no parameter "event"; there are eventId, since, status.`},
		{"a parameter twice", "GET", "/seats?status=locked&status=booked", "", "", 400, "bad_request", "given 2 times"},
		{"a query that is none", "GET", "/seats?status=%zz", "", "", 400, "bad_request", "The query cannot be read"},
		{"an unknown status", "GET", "/seats?status=held", "", "", 400, "bad_request", `There is no status "held"`},
		{"since and status", "GET", "/seats?since=x&status=locked", "", "", 400, "bad_request", "since and status do not go together"},
		{"a version of other characters", "GET", "/seats?since=%22%0a", "", "", 400, "bad_request", "A version is"},
		{"an unknown event's list", "GET", "/seats?eventId=gala", "", "", 404, "unknown_event", ""},
		{"a bad event's list", "GET", "/seats?eventId=%00", "", "", 400, "bad_request", ""},
	}
	s := open(t)
	before := s.list("").Version
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			if c.media != "" {
				headers = []string{"Content-Type", c.media}
			}
			a := (&server{t, s.api, s.log}).ask(c.method, c.target, c.body, headers...)
			p := a.wantProblem(c.status, c.code)
			if !strings.Contains(p.Detail, c.detail) {
				t.Errorf("detail %q, want %q in it", p.Detail, c.detail)
			}
			if len(p.Detail) > 400 {
				t.Errorf("the detail is %d bytes long", len(p.Detail))
			}
			if (c.status == 405) != (a.Header().Get("Allow") != "") {
				t.Errorf("Allow %q with status %d", a.Header().Get("Allow"), c.status)
			}
		})
	}
	s.post("/lock", ok).want(200) // the same request without a mistake
	s.must("/release", ok)
	if l := s.list("?since=" + before); len(l.Seats) != 1 {
		t.Errorf("a bad request changed a seat: %+v", l.Seats)
	}
	gzip := s.ask("POST", "/lock", ok, "Content-Type", "application/json", "Content-Encoding", "gzip")
	gzip.wantProblem(415, "unsupported_media_type")
	s.ask("POST", "/lock", ok, "Content-Type", "Application/JSON; charset=UTF-8").want(200)
	if s.log.Len() > 0 {
		t.Errorf("bad requests were logged as failures of the server:\n%s", s.log)
	}
}

// broken is a store whose calls return or panic as fail does.
type broken struct {
	lockstore.LockStore
	fail func() error
}

func (b broken) Do(context.Context, *lockstore.Event, lockstore.Op) (lockstore.Result, error) {
	return lockstore.Result{}, b.fail()
}

// List changes nothing, so its outcome is never unknown.
func (b broken) List(context.Context, *lockstore.Event, lockstore.Version) (lockstore.Snapshot, error) {
	err := b.fail()
	if errors.Is(err, lockstore.ErrOutcomeUnknown) {
		err = fmt.Errorf("%w: %v", lockstore.ErrUnavailable, err)
	}
	return lockstore.Snapshot{}, err
}

func TestStoreFailures(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.7:6379: password hunter2")
	cases := []struct {
		name   string
		fail   func() error
		code   string
		status int
	}{
		{"out of reach", func() error { return fmt.Errorf("%w: %w", lockstore.ErrUnavailable, secret) }, "store_unavailable", 503},
		{"in doubt", func() error {
			return fmt.Errorf("%w: %w", lockstore.ErrOutcomeUnknown, errors.Join(secret, context.DeadlineExceeded))
		}, "outcome_unknown", 503},
		{"too slow", func() error { return fmt.Errorf("%w: %w", context.DeadlineExceeded, secret) }, "store_unavailable", 503},
		{"given up", func() error { return context.Canceled }, "store_unavailable", 503},
		{"another layout", func() error { return fmt.Errorf("%w: %w", lockstore.ErrOtherSeats, secret) }, "seat_map_changed", 503},
		{"anything else", func() error { return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, secret) }, "internal", 500},
		{"a panic", func() error { panic(secret) }, "internal", 500},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := openOver(t, broken{fail: c.fail})
			for range 2 { // the first failure must not affect the second request
				for i, a := range []answer{s.post("/lock", `{"seatId":"A1","userId":"ann"}`), s.get("/seats"), s.get("/seats?since=x")} {
					code := c.code
					if i > 0 && code == "outcome_unknown" {
						code = "store_unavailable"
					}
					if strings.Contains(a.Body.String(), "hunter2") {
						t.Errorf("the answer has the cause, which is for the log: %s", a.Body)
					}
					if (a.Header().Get("Retry-After") != "") != (c.status == 503) {
						t.Errorf("Retry-After %q with status %d", a.Header().Get("Retry-After"), a.Code)
					}
					a.wantProblem(c.status, code)
				}
			}
			if logged := strings.Contains(s.log.String(), "hunter2"); logged != (c.name != "given up") {
				t.Errorf("the cause is logged: %v: %s", logged, s.log)
			}
		})
	}
}

// TestUsersAreNotShown checks that no answer to others contains a user's id.
func TestUsersAreNotShown(t *testing.T) {
	s := open(t)
	s.must("/lock", `{"seatIds":["A1","A2"],"userId":"Hildegard"}`)
	s.must("/confirm", `{"seatId":"A2","userId":"Hildegard"}`)
	for _, a := range []answer{
		s.get("/seats"), s.get("/seats?status=locked"), s.get("/events"), s.get("/seats?since=0"),
		s.post("/lock", `{"seatIds":["A1","A2"],"userId":"ben"}`),
		s.post("/confirm", `{"seatIds":["A1","A2"],"userId":"ben"}`),
		s.post("/release", `{"seatIds":["A1","A2"],"userId":"ben"}`),
	} {
		if strings.Contains(a.Body.String(), "Hildegard") || strings.Contains(fmt.Sprint(a.Header()), "Hildegard") {
			t.Errorf("another user's id is in the answer: %v %s", a.Header(), a.Body)
		}
	}
}
