package booking_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestBookings checks the roster, its filters and its table.
func TestBookings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t)
		o.does(backendKey, "/confirm", `{"userId":"ann","reference":"r1","seatIds":["A1","A2"],"direct":true}`)
		o.does(backendKey, "/confirm", `{"userId":"=1+1","reference":"r2","seatId":"B1","direct":true}`)
		o.does(backendKey, "/lock", `{"userId":"ann","seatId":"C1"}`)
		o.does(operatorKey, "/block", `{"seatId":"D1","reason":"camera"}`)
		const since = `"since":"2000-01-01T00:00:00.000Z"`
		a1, a2 := `{"seatId":"A1","status":"booked","userId":"ann","reference":"r1",`+since+`}`, `{"seatId":"A2","status":"booked","userId":"ann","reference":"r1",`+since+`}`
		b1 := `{"seatId":"B1","status":"booked","userId":"=1+1","reference":"r2",` + since + `}`
		c1 := `{"seatId":"C1","status":"locked","userId":"ann",` + since + `,"expiresAt":"2000-01-01T00:01:00.000Z"}`
		d1 := `{"seatId":"D1","status":"blocked","reason":"camera",` + since + `}`
		for query, want := range map[string][]string{
			"":                                 {a1, a2, b1, c1, d1},
			"?userId=ann":                      {a1, a2, c1},
			"?userId=ann&status=booked":        {a1, a2},
			"?userId=nobody":                   {},
			"?seatId=D1":                       {d1},
			"?seatId=A1&seatId=C1&seatId=J1":   {a1, c1},
			"?seatId=A1&seatId=B1&userId=ann":  {a1},
			"?reference=r2":                    {b1},
			"?reference=r1&userId=ann":         {a1, a2},
			"?status=blocked&format=json":      {d1},
			"?eventId=default&reference=other": {},
		} {
			got := o.as(operatorKey, "GET", "/bookings"+query, "").want(200)
			if body, tail := got.Body.String(), `,"seats":[`+strings.Join(want, ",")+"]}\n"; !strings.HasSuffix(body, tail) {
				t.Errorf("%s answers\n%s want at its end\n%s", query, body, tail)
			}
			if cc := got.Header().Get("Cache-Control"); cc != "no-store" {
				t.Errorf("Cache-Control is %q, want no-store", cc)
			}
		}
		table := o.as(operatorKey, "GET", "/bookings?format=csv", "").want(200)
		const want = `seat,section,row,number,category,status,user,reference,since,expires,name,email
A1,,A,1,,booked,ann,r1,2000-01-01T00:00:00.000Z,,,
A2,,A,2,,booked,ann,r1,2000-01-01T00:00:00.000Z,,,
B1,,B,1,,booked,'=1+1,r2,2000-01-01T00:00:00.000Z,,,
C1,,C,1,,locked,ann,,2000-01-01T00:00:00.000Z,2000-01-01T00:01:00.000Z,,
D1,,D,1,,blocked,,camera,2000-01-01T00:00:00.000Z,,,
`
		if table.Body.String() != want || table.Header().Get("Content-Disposition") != `attachment; filename="bookings-default.csv"` {
			t.Errorf("the table is %v\n%s want\n%s", table.Header(), table.Body, want)
		}
		for query, detail := range map[string]string{
			"?status=available":    "There is no status",
			"?format=xls":          "There is no format",
			"?reference=%20":       "A reference is up to",
			"?userId=":             "A user id is",
			"?userId=a&userId=b":   "given 2 times",
			"?seatId=A1&seatId=A1": "named twice",
			"?seatId=":             "A seat id is",
		} {
			if a := o.as(operatorKey, "GET", "/bookings"+query, ""); a.Code != 400 && a.Code != 404 || !strings.Contains(a.Body.String(), detail) && detail != "A seat id is" {
				t.Errorf("%s answers %d %s, want %q", query, a.Code, a.Body, detail)
			}
		}
		o.as(operatorKey, "GET", "/bookings?seatId=Z9", "").wantProblem(404, "unknown_seat")
		o.as(operatorKey, "GET", "/bookings?eventId=gala", "").wantProblem(404, "unknown_event")
	})
}

// large returns a server of an event of 50,000 seats, all booked.
func large(t *testing.T, over func(lockstore.LockStore) lockstore.LockStore) *httptest.Server {
	t.Helper()
	var seats []lockstore.SeatID
	for n := range 50_000 {
		seats = append(seats, lockstore.SeatID(fmt.Sprint("S", n)))
	}
	arena := plainEvent(t, "arena", seats...)
	store := new(memstore.Store)
	for n := 0; n < len(seats); n += 200 {
		if _, err := store.Do(t.Context(), arena.Event, lockstore.Book(lockstore.UserID(fmt.Sprint("user ", n)), "order-1", seats[n:n+200]...)); err != nil {
			t.Fatal(err)
		}
	}
	api, err := booking.New(booking.Config{Store: over(store), Events: []venue.Event{arena}, Access: access.Policy{OperatorKeys: []string{operatorKey}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.Routes())
	t.Cleanup(server.Close)
	return server
}

func askRoster(t *testing.T, server *httptest.Server, query, coding string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/bookings"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+operatorKey)
	r.Header.Set("Accept-Encoding", coding)
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// TestBookingsOfAnArena checks that each form has all 50,000 seats.
func TestBookingsOfAnArena(t *testing.T) {
	server := large(t, func(s lockstore.LockStore) lockstore.LockStore { return s })
	var roster struct{ Seats []struct{ SeatID string } }
	if err := json.NewDecoder(askRoster(t, server, "", "identity").Body).Decode(&roster); err != nil || len(roster.Seats) != 50_000 || roster.Seats[49_999].SeatID != "S49999" {
		t.Errorf("the list has %d seats, %v", len(roster.Seats), err)
	}
	compressed := askRoster(t, server, "?format=csv", "gzip")
	plain, err := gzip.NewReader(compressed.Body)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(plain).ReadAll()
	if err != nil || len(rows) != 50_001 {
		t.Errorf("the table has %d rows, %v, want a head and 50,000", len(rows), err)
	}
}

// A stuck is the ResponseWriter of a client that reads nothing.
type stuck struct {
	*httptest.ResponseRecorder
	began   func()
	release <-chan struct{}
}

func (s stuck) Write(p []byte) (int, error) {
	s.began()
	<-s.release
	return 0, io.ErrClosedPipe
}

// TestBookingsTakeLittleMemory checks that a long answer which nobody reads is not
// buffered, and that it ends when the client has gone.
func TestBookingsTakeLittleMemory(t *testing.T) {
	server := large(t, func(s lockstore.LockStore) lockstore.LockStore { return s })
	used := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for _, query := range []string{"", "?format=csv"} {
		const readers = 8
		before := used()
		var began, ended sync.WaitGroup
		release := make(chan struct{})
		for range readers {
			began.Add(1)
			ended.Go(func() {
				r := httptest.NewRequest("GET", "/bookings"+query, nil)
				r.Header.Set("Authorization", "Bearer "+operatorKey)
				server.Config.Handler.ServeHTTP(stuck{httptest.NewRecorder(), sync.OnceFunc(began.Done), release}, r)
			})
		}
		began.Wait()
		if each := (used() - before) / readers; each > 1<<20 {
			t.Errorf("%s: an answer of 5 MB takes %d bytes of memory, want at most 1 MiB", query, each)
		}
		close(release)
		ended.Wait()
	}
}

// breaking is a store whose roster fails after some seats.
type breaking struct {
	lockstore.LockStore
	after int
}

var errBroken = errors.New("the store broke")

func (b breaking) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	seq, seats := b.LockStore.Roster(ctx, ev, f)
	return seq, func(yield func(lockstore.Holding, error) bool) {
		n := 0
		for h, err := range seats {
			if n++; n > b.after {
				yield(lockstore.Holding{}, errBroken)
				return
			}
			if !yield(h, err) {
				return
			}
		}
	}
}

// TestBookingsThatBreak checks that a list which fails in the middle cannot be mistaken
// for a whole one, and that an early failure is a problem.
func TestBookingsThatBreak(t *testing.T) {
	for _, query := range []string{"", "?format=csv"} {
		server := large(t, func(s lockstore.LockStore) lockstore.LockStore { return breaking{s, 30_000} })
		resp := askRoster(t, server, query, "identity")
		if body, err := io.ReadAll(resp.Body); err == nil || resp.StatusCode != 200 {
			t.Errorf("the list that breaks is answered with %d, and its %d bytes end without an error", resp.StatusCode, len(body))
		}
		server = large(t, func(s lockstore.LockStore) lockstore.LockStore { return breaking{s, 10} })
		resp = askRoster(t, server, query, "identity")
		if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 500 || !bytes.Contains(body, []byte(`"code":"internal"`)) || resp.Header.Get("Content-Disposition") != "" {
			t.Errorf("the list that breaks at once is answered with %d %v %.200s, %v", resp.StatusCode, resp.Header, body, err)
		}
	}
}

// TestJournal checks the entries of the journal, their callers, and the pages.
func TestJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t)
		type page struct {
			EventID string `json:"eventId"`
			Entries []struct {
				ID, Seq, Time, Kind   string
				SeatIDs, ToSeatIDs    []string
				UserID                string
				Reference, Reason, By string
			}
			After string
		}
		read := func(query string) (p page) {
			t.Helper()
			if err := unmarshal(o.as(operatorKey, "GET", "/journal"+query, "").want(200), &p); err != nil {
				t.Fatal(err)
			}
			return p
		}
		if p := read(""); len(p.Entries) != 0 || p.After != "" {
			t.Errorf("the journal is %+v, want nothing", p)
		}
		o.does(backendKey, "/lock", `{"userId":"ann","seatIds":["A1","A2"]}`)
		o.does(backendKey, "/extend", `{"userId":"ann","seatIds":["A1","A2"],"seconds":90}`)
		o.does(backendKey, "/confirm", `{"userId":"ann","seatIds":["A1","A2"],"reference":"r1"}`)
		time.Sleep(time.Second)
		o.does(operatorKey, "/move", `{"seatId":"A1","toSeatIds":["B1"],"reference":"r1"}`)
		o.does(operatorKey, "/cancel", `{"reference":"r1"}`)
		o.does(operatorKey, "/block", `{"seatId":"A1","reason":"camera"}`)
		o.does(operatorKey, "/block", `{"seatId":"A1"}`) // changes nothing
		var got []string
		after := ""
		for {
			p := read("?limit=2" + after)
			if len(p.Entries) == 0 {
				break
			}
			for _, e := range p.Entries {
				got = append(got, fmt.Sprint(e.Time[11:19], " ", e.Kind, e.SeatIDs, e.ToSeatIDs, " ", e.UserID, " ", e.Reference, e.Reason, " by ", e.By))
			}
			next := "&after=" + p.After
			if next == after {
				t.Fatal("the next page begins where this one does")
			}
			after = next
		}
		want := []string{
			"00:00:00 extend[A1 A2] [] ann  by backend", "00:00:00 confirm[A1 A2] [] ann r1 by backend",
			"00:00:01 move[A1] [B1]  r1 by operator", "00:00:01 cancel[A2 B1] []  r1 by operator", "00:00:01 block[A1] []  camera by operator",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("the journal is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x", "?after=%22", "?since=1"} {
			o.as(operatorKey, "GET", "/journal"+query, "").wantProblem(400, "bad_request")
		}
		o.as(operatorKey, "GET", "/journal?after=of.another-life", "").wantProblem(410, "journal_reset")
	})
}
