package booking_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/booking/apitest"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

var (
	operatorKey = strings.Repeat("o", 32)
	backendKey  = strings.Repeat("b", 32)
)

// An office is a server with an operator, a back end and buyers without sign-in.
type office struct{ *server }

func openOffice(t *testing.T) *office {
	t.Helper()
	hall, err := venue.Grid(10, 10, venue.Defaults{LockTTL: time.Minute, SeatLimit: 4})
	if err != nil {
		t.Fatal(err)
	}
	s := openWith(t, new(memstore.Store), hall)
	s.api, err = booking.New(booking.Config{Store: new(memstore.Store), Events: []venue.Event{hall}, Logger: slog.New(slog.NewTextHandler(s.log, nil)),
		Access: access.Policy{OperatorKeys: []string{operatorKey}, BackendKeys: []string{backendKey}, ConfirmBy: access.ConfirmByBuyer}})
	if err != nil {
		t.Fatal(err)
	}
	return &office{s}
}

func (o *office) as(key, method, target, body string) answer {
	o.t.Helper()
	return o.ask(method, target, body, "Content-Type", "application/json", "Authorization", "Bearer "+key)
}

// does makes a change that must succeed, and returns the answer.
func (o *office) does(key, target, body string) string {
	o.t.Helper()
	return o.as(key, "POST", target, body).want(200).Body.String()
}

// want checks that the answer has the text.
func (o *office) want(got, want string) {
	o.t.Helper()
	if !strings.Contains(got, want) {
		o.t.Errorf("the answer is\n%s want in it\n%s", got, want)
	}
}

// TestExtend checks that an extension moves the end of a lock, never back and never
// beyond what a lock may last, and that a repeat with the same end gains nothing.
func TestExtend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.must("/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
		time.Sleep(20 * time.Second)
		ends := func(body, message, end string, seconds int) {
			t.Helper()
			got := s.must("/extend", body).Body.String()
			want := fmt.Sprintf(`{"message":"%s","eventId":"default","userId":"ann","seatIds":["A1","A2"],"status":"locked","expiresAt":"2000-01-01T%sZ","expiresInSeconds":%d}`+"\n", message, end, seconds)
			if got != want {
				t.Errorf("the extension answered\n%s want\n%s", got, want)
			}
		}
		const longer, no = "Seats A1 and A2 locked for longer.", "No lock was extended: each lasts that long already, or as long as it may."
		const seats = `{"seatIds":["A1","A2"],"userId":"ann",`
		ends(seats+`"expiresAt":"2000-01-01T00:05:00Z"}`, longer, "00:05:00.000", 280)
		ends(seats+`"expiresAt":"2000-01-01T00:05:00Z"}`, no, "00:05:00.000", 280)
		ends(seats+`"expiresAt":"2000-01-01T00:04:00+00:00"}`, no, "00:05:00.000", 280)
		ends(seats+`"seconds":340.5}`, longer, "00:06:00.500", 341)
		ends(seats+`"expiresAt":"2001-01-01T00:00:00Z"}`, longer, "00:40:00.000", 2380)
		ends(seats+`"seconds":9000}`, no, "00:40:00.000", 2380)
		for body, detail := range map[string]string{
			`}`: "The new end is missing; give expiresAt, or seconds from now.",
			`"expiresAt":"2000-01-01T00:05:00Z","seconds":1}`: "Both expiresAt and seconds are given; give only one of them.",
			`"expiresAt":"tomorrow"}`:                         "The field expiresAt must be",
			`"expiresAt":"0001-01-01T00:00:00Z"}`:             "An extension needs an end.",
			`"expiresAt":"9999-01-01T00:00:00Z"}`:             "A time must be in the years 1970 to 2255",
			`"seconds":0}`:                                    "The field seconds must be from 0.001 to 2592000.",
			`"seconds":1e300}`:                                "The field seconds must be from 0.001 to 2592000.",
			`"seconds":"60"}`:                                 `The field "seconds" is of the wrong type: it must be a number.`,
			`"lockSeconds":60}`:                               `There is no field "lockSeconds"; there are seatId or seatIds, expiresAt, seconds, userId and eventId.`,
		} {
			if p := s.post("/extend", strings.TrimSuffix(seats, ",")+strings.TrimSuffix(","+body, ",}")+map[bool]string{true: "}"}[body == "}"]).wantProblem(400, "bad_request"); !strings.Contains(p.Detail, detail) {
				t.Errorf("%s is refused with %q, want %q", body, p.Detail, detail)
			}
		}
		time.Sleep(40 * time.Minute)
		s.post("/extend", seats+`"seconds":60}`).wantProblem(409, "lock_expired")
		s.list("").want(t)
	})
}

// TestWhatOnlyTheBackEndMay checks that buyers are refused the fields of back ends.
func TestWhatOnlyTheBackEndMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t)
		ann := func(body string) string { return strings.Replace(body, "{", `{"userId":"ann",`, 1) }
		for target, body := range map[string]string{
			"/lock":    `{"seatId":"A1","lockSeconds":300}`,
			"/lock ":   `{"seatId":"A1","overLimit":true}`,
			"/confirm": `{"seatId":"A1","direct":true}`,
		} {
			r := httptest.NewRequest("POST", strings.TrimSpace(target), strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r = r.WithContext(access.WithToken(r.Context(), access.Token{Subject: "ann"}))
			w := httptest.NewRecorder()
			apitest.Checked(t, o.api.Routes()).ServeHTTP(w, r)
			if w.Code != 403 || !strings.Contains(w.Body.String(), "Only the shop's back end may do this.") {
				t.Errorf("%s by a buyer: %d %s, want 403", body, w.Code, w.Body)
			}
		}
		o.want(o.does(backendKey, "/lock", ann(`{"seatId":"A1","lockSeconds":300.5}`)), `"expiresAt":"2000-01-01T00:05:00.500Z","expiresInSeconds":301}`)
		o.as(backendKey, "POST", "/lock", ann(`{"seatIds":["A1","A2","A3","A4","A5"]}`)).wantProblem(409, "seat_limit")
		o.want(o.does(backendKey, "/lock", ann(`{"seatIds":["A1","A2","A3","A4","A5"],"overLimit":true}`)), `"status":"locked"`)
		o.want(o.does(backendKey, "/confirm", ann(`{"seatIds":["A5","B1"],"direct":true,"reference":"r-1"}`)), `"status":"booked","reference":"r-1"}`)
		o.as(backendKey, "POST", "/confirm", ann(`{"seatId":"C1","blocked":true}`)).wantProblem(400, "bad_request")
		o.does(operatorKey, "/block", `{"seatId":"C1"}`)
		o.as(backendKey, "POST", "/confirm", ann(`{"seatId":"C1","direct":true}`)).wantProblem(409, "seat_blocked")
		o.as(backendKey, "POST", "/confirm", ann(`{"seatId":"C1","direct":true,"blocked":true}`)).wantProblem(403, "forbidden")
		o.want(o.does(operatorKey, "/confirm", ann(`{"seatId":"C1","direct":true,"blocked":true}`)), "Seat C1 booked.")
		o.as(backendKey, "POST", "/lock", ann(`{"seatId":"D1","lockSeconds":0}`)).wantProblem(400, "bad_request")
		o.as(backendKey, "POST", "/lock", ann(`{"seatId":"D1","lockSeconds":2592001}`)).wantProblem(400, "bad_request")
	})
}

// TestReference checks that a booking keeps its reference.
func TestReference(t *testing.T) {
	s := open(t)
	s.must("/lock", `{"seatId":"A1","userId":"ann"}`)
	s.must("/confirm", `{"seatId":"A1","userId":"ann","reference":"order-1"}`)
	s.must("/confirm", `{"seatId":"A1","userId":"ann","reference":"order-1"}`)
	s.must("/confirm", `{"seatId":"A1","userId":"ann"}`)
	s.must("/confirm", `{"seatId":"A1","userId":"ann","reference":""}`)
	p := s.post("/confirm", `{"seatId":"A1","userId":"ann","reference":"order-2"}`).wantProblem(409, "seat_booked")
	if want := "Seat A1 is booked. This user's booking has another reference."; p.Detail != want {
		t.Errorf("the detail is %q, want %q", p.Detail, want)
	}
	s.post("/confirm", `{"seatId":"A1","userId":"ann","reference":"a b"}`).wantProblem(400, "bad_request")
}

// TestCancel checks that the bookings of the given seats, user and reference end, and
// no others.
func TestCancel(t *testing.T) {
	o := openOffice(t)
	book := func(user, ref, seats string) {
		o.does(backendKey, "/confirm", fmt.Sprintf(`{"userId":%q,"reference":%q,"seatIds":%s,"direct":true}`, user, ref, seats))
	}
	book("ann", "r1", `["A1","A2","A3"]`)
	book("ann", "r2", `["B1"]`)
	book("ben", "r1", `["C1"]`)
	const none = `"message":"No booking was cancelled: there is none of that user and reference."`
	o.want(o.does(operatorKey, "/cancel", `{"seatIds":["A1","B1","J1"],"reference":"r1"}`), `"message":"Seat A1 given back.","eventId":"default","seatIds":["A1"],"status":"available","reference":"r1"}`)
	o.want(o.does(operatorKey, "/cancel", `{"seatIds":["A1","B1","J1"],"reference":"r1"}`), none)
	o.want(o.does(operatorKey, "/cancel", `{"seatIds":["A2","C1"],"userId":"ben","reference":"r1"}`), `"seatIds":["C1"]`)
	o.want(o.does(operatorKey, "/cancel", `{"reference":"r1","userId":"ben"}`), none)
	o.want(o.does(operatorKey, "/cancel", `{"reference":"r1"}`), `"message":"Seats A2 and A3 given back."`)
	o.list("").want(t, "B1 booked")
	for body, detail := range map[string]string{
		`{"seatId":"B1"}`:                       "Whose booking is it?",
		`{"userId":"ann"}`:                      "No seat is named",
		`{"userId":"ann","reference":""}`:       "No seat is named",
		`{"seatIds":[],"reference":"r2"}`:       "No seat is named",
		`{"reference":"r 2"}`:                   "A reference is up to 64 letters",
		`{"seatId":"B1","reason":"x"}`:          `There is no field "reason"; there are seatId or seatIds, reference, userId and eventId.`,
		`{"reference":"r2","userId":"a\u0000"}`: "A user id is",
	} {
		if p := o.as(operatorKey, "POST", "/cancel", body).wantProblem(400, "bad_request"); !strings.Contains(p.Detail, detail) {
			t.Errorf("%s is refused with %q, want %q", body, p.Detail, detail)
		}
	}
	o.list("").want(t, "B1 booked")
}

// TestCancelOfManySeats checks that a booking of more seats than one call may name is
// cancelled as a whole.
func TestCancelOfManySeats(t *testing.T) {
	hall, err := venue.Grid(10, 50, venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	store := new(memstore.Store)
	for n := 0; n < 450; n += 150 {
		if _, err := store.Do(t.Context(), hall.Event, lockstore.Book("ann", "class", hall.Seats[n:n+150]...)); err != nil {
			t.Fatal(err)
		}
	}
	api, err := booking.New(booking.Config{Store: store, Events: []venue.Event{hall}, Access: access.Policy{OperatorKeys: []string{operatorKey}}})
	if err != nil {
		t.Fatal(err)
	}
	o := &office{&server{t, api, nil}}
	if got := strings.Count(o.does(operatorKey, "/cancel", `{"reference":"class"}`), `"`); got < 2*450 {
		t.Errorf("the answer has %d quotation marks, want those of 450 seats", got)
	}
	o.list("").want(t)
}

// TestMove checks that a booking moves with its user and reference, once.
func TestMove(t *testing.T) {
	o := openOffice(t)
	o.does(backendKey, "/confirm", `{"userId":"ann","reference":"r1","seatIds":["A1","A2"],"direct":true}`)
	o.does(backendKey, "/confirm", `{"userId":"ben","reference":"r2","seatId":"C1","direct":true}`)
	const body = `{"seatIds":["A1","A2"],"toSeatIds":["B1","B2"],"reference":"r1"}`
	const want = `{"message":"Seats A1 and A2 moved to seats B1 and B2.","eventId":"default","seatIds":["A1","A2"],"toSeatIds":["B1","B2"],"status":"booked","reference":"r1"}` + "\n"
	for range 2 {
		if got := o.does(operatorKey, "/move", body); got != want {
			t.Errorf("the move answered\n%s want\n%s", got, want)
		}
	}
	p := o.as(operatorKey, "POST", "/move", `{"seatIds":["B1","C1"],"toSeatIds":["D1","D2"],"reference":"r1"}`).wantProblem(409, "not_booked")
	if len(p.Seats) != 1 || p.Seats[0].SeatID != "C1" || p.Detail != "Seat C1 is not booked by that user and with that reference." {
		t.Errorf("the problem is %+v", p)
	}
	p = o.as(operatorKey, "POST", "/move", `{"seatId":"B1","toSeatIds":["C1"],"userId":"ann"}`).wantProblem(409, "seat_booked")
	if len(p.Seats) != 1 || p.Seats[0].SeatID != "C1" {
		t.Errorf("the problem is %+v", p)
	}
	for _, bad := range []string{`{"seatId":"B1","toSeatIds":["D1"]}`, `{"seatId":"B1","reference":"r1"}`, `{"seatId":"B1","toSeatIds":["D1","D2"],"reference":"r1"}`, `{"seatId":"B1","toSeatIds":["B1"],"reference":"r1"}`, `{"seatId":"B1","toSeatIds":["'"],"reference":"r1"}`} {
		o.as(operatorKey, "POST", "/move", bad).wantProblem(400, "bad_request")
	}
	o.as(operatorKey, "POST", "/move", `{"seatIds":["B1","Z1"],"toSeatIds":["D1","Z2"],"reference":"r1"}`).wantProblem(404, "unknown_seat")
	o.list("").want(t, "B1 booked", "B2 booked", "C1 booked")
}

// TestBlock checks that blocking leaves locks and bookings alone unless it evicts, and
// that unblocking and evicting report what they did.
func TestBlock(t *testing.T) {
	o := openOffice(t)
	o.does(backendKey, "/lock", `{"userId":"ann","seatIds":["A1","A2"]}`)
	o.does(backendKey, "/lock", `{"userId":"ben","seatId":"B1"}`)
	o.does(backendKey, "/confirm", `{"userId":"ann","seatId":"A2"}`)
	p := o.as(operatorKey, "POST", "/block", `{"seatIds":["C1","A1","A2","B1"]}`).wantProblem(409, "seat_booked")
	if len(p.Seats) != 3 || !strings.HasSuffix(p.Detail, "Cancel or move the bookings first.") {
		t.Errorf("the problem is %+v, want A1, A2 and B1", p)
	}
	p = o.as(operatorKey, "POST", "/block", `{"seatIds":["C1","A1","B1"]}`).wantProblem(409, "seat_locked")
	if len(p.Seats) != 2 || !strings.HasSuffix(p.Detail, "To end the locks in the same step, set evict.") {
		t.Errorf("the problem is %+v, want A1 and B1", p)
	}
	o.want(o.does(operatorKey, "/evict", `{"seatIds":["A1","A2","B1"],"userId":"ben"}`), `"message":"Seat B1 freed from locks.","eventId":"default","userId":"ben","seatIds":["B1"],"status":"available"}`)
	o.want(o.does(operatorKey, "/block", `{"seatIds":["C1","A1"],"reason":"camera","evict":true}`), `"message":"Seats C1 and A1 blocked.","eventId":"default","seatIds":["C1","A1"],"status":"blocked","reason":"camera"}`)
	o.want(o.does(operatorKey, "/block", `{"seatIds":["C1","B1"],"reason":"sound"}`), `"seatIds":["B1"]`)
	o.as(backendKey, "POST", "/confirm", `{"userId":"ann","seatId":"A1"}`).wantProblem(409, "lock_not_held")
	o.want(o.does(operatorKey, "/unblock", `{"seatIds":["C1","A2","D1"]}`), `"message":"Seat C1 put back on sale."`)
	o.want(o.does(operatorKey, "/unblock", `{"seatIds":["C1","A2","D1"]}`), `"seatIds":[]`)
	o.as(operatorKey, "POST", "/block", `{"seatId":"C1","userId":"ann"}`).wantProblem(400, "bad_request")
	o.list("").want(t, "A1 blocked", "A2 booked", "B1 blocked")
}

// TestMine checks that users see only what they have.
func TestMine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.must("/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
		s.must("/lock", `{"seatId":"B1","userId":"ben"}`)
		s.must("/confirm", `{"seatId":"A2","userId":"ann","reference":"r1"}`)
		time.Sleep(1500 * time.Millisecond)
		got := s.get("/mine?userId=ann").want(200)
		const want = `{"eventId":"default","userId":"ann","serverTime":"2000-01-01T00:00:01.500Z","seats":[` +
			`{"seatId":"A1","status":"locked","since":"2000-01-01T00:00:00.000Z","expiresAt":"2000-01-01T00:01:00.000Z"},` +
			`{"seatId":"A2","status":"booked","reference":"r1","since":"2000-01-01T00:00:00.000Z"}]}` + "\n"
		if got.Body.String() != want {
			t.Errorf("ann has\n%s want\n%s", got.Body, want)
		}
		if cc := got.Header().Get("Cache-Control"); cc != "no-store" {
			t.Errorf("Cache-Control is %q, want no-store", cc)
		}
		s.get("/mine?userId=cat").want(200)
		s.get("/mine").wantProblem(400, "bad_request")
		s.get("/mine?userId=a%00").wantProblem(400, "bad_request")
		s.get("/mine?userId=ann&eventId=gala").wantProblem(404, "unknown_event")
		if n := s.ask("HEAD", "/mine?userId=ann", "").want(200).Body.Len(); n > 0 {
			t.Errorf("HEAD has a body of %d bytes", n)
		}
	})
}

// TestOperatorsOnly checks that only operators may make their calls, whatever the
// method.
func TestOperatorsOnly(t *testing.T) {
	o := openOffice(t)
	o.does(backendKey, "/confirm", `{"userId":"ann","reference":"r1","seatId":"A1","direct":true}`)
	for target, body := range map[string]string{
		"POST /cancel": `{"reference":"r1"}`, "POST /move": `{"seatId":"A1","toSeatIds":["A2"],"reference":"r1"}`, "POST /block": `{"seatId":"B1"}`,
		"POST /unblock": `{"seatId":"B1"}`, "POST /evict": `{"seatId":"B1"}`, "GET /bookings": "", "GET /journal": "", "HEAD /bookings": "", "HEAD /journal": "",
	} {
		method, path, _ := strings.Cut(target, " ")
		if a := o.as(backendKey, method, path, body); a.Code != 403 {
			t.Errorf("%s by the back end: %d %s, want 403", target, a.Code, a.Body)
		}
		if a := o.ask(method, path, body, "Content-Type", "application/json"); a.Code != 401 {
			t.Errorf("%s by a stranger: %d %s, want 401", target, a.Code, a.Body)
		}
	}
	o.list("").want(t, "A1 booked")
}
