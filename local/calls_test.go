package main

import (
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"seatlock/functions/booking/apitest"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/redisstore/redistest"
)

// everyCall is a sale with every call, in this order, and a part of each answer.
var everyCall = []struct{ call, body, want string }{
	{"POST /lock", `{"seatIds":["A1","A2","A3"],"userId":"ann"}`, `200 "seatIds":["A1","A2","A3"],"status":"locked"`},
	{"POST /extend", `{"seatIds":["A1","A2"],"userId":"ann","seconds":90}`, `200 "status":"locked"`},
	{"POST /extend", `{"seatIds":["A1","A4"],"userId":"ann","seconds":90}`, `409 "code":"lock_not_held"`},
	{"GET /mine?userId=ann", "", `200 {"seatId":"A1","status":"locked"`},
	{"POST /confirm", `{"seatIds":["A1","A2"],"userId":"ann","reference":"order-1"}`, `200 "status":"booked","reference":"order-1"`},
	{"POST /confirm", `{"seatId":"A1","userId":"ann","reference":"order-2"}`, `409 "code":"seat_booked"`},
	{"POST /release", `{"seatIds":["A3","A4"],"userId":"ann"}`, `200 "seatIds":["A3"]`},
	{"POST /confirm", `{"seatId":"B1","userId":"ben","direct":true,"reference":"order-3"}`, `200 "status":"booked"`},
	{"GET /bookings?reference=order-1", "", `200 {"seatId":"A1","status":"booked","userId":"ann"`},
	{"GET /bookings?format=csv", "", `200 B1,,B,1,,booked,ben`},
	{"POST /move", `{"seatIds":["A1","A2"],"toSeatIds":["C1","C2"],"reference":"order-1"}`, `200 "toSeatIds":["C1","C2"]`},
	{"POST /move", `{"seatIds":["A1","A2"],"toSeatIds":["C1","C2"],"reference":"order-1"}`, `200 "toSeatIds":["C1","C2"]`}, // repeated
	{"POST /move", `{"seatIds":["C1"],"toSeatIds":["B1"],"reference":"order-1"}`, `409 "code":"seat_booked"`},
	{"POST /cancel", `{"seatId":"C2","userId":"ben"}`, `200 "seatIds":[]`}, // it is ann's
	{"POST /cancel", `{"reference":"order-1"}`, `200 "seatIds":["C1","C2"]`},
	{"POST /block", `{"seatIds":["D1","D2"],"reason":"camera"}`, `200 "seatIds":["D1","D2"],"status":"blocked"`},
	{"POST /lock", `{"seatIds":["D1","D3"],"userId":"ann"}`, `409 "code":"seat_blocked"`},
	{"POST /lock", `{"seatId":"D3","userId":"ann","lockSeconds":300}`, `200 "expiresInSeconds":300`},
	{"POST /block", `{"seatId":"D3"}`, `409 "code":"seat_locked"`},
	{"POST /block", `{"seatId":"D3","evict":true}`, `200 "seatIds":["D3"]`},
	{"POST /confirm", `{"seatId":"D3","userId":"ann"}`, `409 "code":"lock_not_held"`},
	{"POST /confirm", `{"seatId":"D1","userId":"cat","direct":true}`, `409 "code":"seat_blocked"`},
	{"POST /confirm", `{"seatId":"D1","userId":"cat","direct":true,"blocked":true}`, `200 "status":"booked"`},
	{"POST /unblock", `{"seatIds":["D1","D2","D3"]}`, `200 "seatIds":["D2","D3"]`},
	{"POST /lock", `{"seatId":"D2","userId":"ann"}`, `200 "status":"locked"`},
	{"POST /evict", `{"seatIds":["D2","D3"],"userId":"ann"}`, `200 "seatIds":["D2"]`},
	{"GET /mine?userId=ann", "", `200 "seats":[]`},
	{"GET /seats?status=booked", "", `200 "counts":{"available":98,"locked":0,"booked":2}`},
	{"GET /journal", "", `200 "kind":"confirm","seatIds":["A1","A2"],"userId":"ann","reference":"order-1"`},
	{"GET /journal?limit=1", "", `200 "entries":[{`},
	{"GET /journal?after=of.another-life", "", `410 "code":"journal_reset"`},
}

// TestSaleOnEveryStore makes every call over HTTP, on a server with each store, and compares
// every answer with openapi.yaml. The journal must be the same on all of them.
func TestSaleOnEveryStore(t *testing.T) {
	t.Parallel()
	apitest.Load()
	journals := make(map[string]string)
	for name, args := range map[string][]string{
		"memory":     nil,
		"file":       {"-data", filepath.Join(t.TempDir(), "theatre.seats")},
		"Redis":      {"-redis", "redis://" + redistest.New(t).Addr},
		"PostgreSQL": {"-postgres", pgtest.New(t, pgtest.Unsafe...).URL("postgres")},
	} {
		t.Run(name, func(t *testing.T) {
			url, _, _ := servingWith(t, variables{"OPERATOR_KEY": operatorKey}, args...)
			ask := func(call, body string) (*http.Response, string) {
				t.Helper()
				method, target, _ := strings.Cut(call, " ")
				r, err := http.NewRequestWithContext(t.Context(), method, url+target, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer "+operatorKey)
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				apitest.Exchange{Request: r, Sent: []byte(body), Status: resp.StatusCode, Header: resp.Header, Body: text}.Check(t)
				return resp, string(text)
			}
			for _, s := range everyCall {
				status, want, _ := strings.Cut(s.want, " ")
				if resp, got := ask(s.call, s.body); !strings.HasPrefix(resp.Status, status) || !strings.Contains(got, want) {
					t.Errorf("%s %s: %s %s, want %s", s.call, s.body, resp.Status, got, s.want)
				}
			}
			_, journal := ask("GET /journal", "")
			journals[name] = regexp.MustCompile(`"(id|seq|time|after)":"[^"]*"`).ReplaceAllString(journal, "")
		})
	}
	for name, journal := range journals {
		if journal != journals["memory"] {
			t.Errorf("the journal of %s is\n%s\nand that of memory\n%s", name, journal, journals["memory"])
		}
	}
}
