package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"seatlock/functions/booking/apitest"
	"seatlock/lockstore/redisstore/redistest"
)

// A hostile request is bytes to send, and the answer that they must get.
type hostile struct {
	name   string
	bytes  string
	status int
	code   string // of the problem; empty if net/http answers instead, in plain text
}

// head returns a request without a body. Its lines end as HTTP requires.
func head(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

// lockRequest returns a POST /lock with the body.
func lockRequest(body string, header ...string) string {
	lines := append([]string{"POST /lock HTTP/1.1", "Host: localhost", fmt.Sprintf("Content-Length: %d", len(body))}, header...)
	if len(header) == 0 {
		lines = append(lines, "Content-Type: application/json")
	}
	return head(lines...) + body
}

// postRequest returns a POST of the body to the path.
func postRequest(path, body string, header ...string) string {
	lines := []string{"POST " + path + " HTTP/1.1", "Host: localhost", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))}
	return head(append(lines, header...)...) + body
}

// getRequest returns a GET of the path.
func getRequest(path string, header ...string) string {
	return head(append([]string{"GET " + path + " HTTP/1.1", "Host: localhost"}, header...)...)
}

// handshake turns a request into a WebSocket handshake.
const handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2VhdGxvY2sgc2VhdHMhIQ=="

// hostiles are malformed and hostile requests. None of them may change a seat.
var hostiles = slices.Concat([]hostile{
	{"an unknown method", head("BREW /lock HTTP/1.1", "Host: localhost"), 405, "method_not_allowed"},
	{"a method in small letters", head("post /lock HTTP/1.1", "Host: localhost"), 405, "method_not_allowed"},
	{"a method that is overridden", head("GET /lock HTTP/1.1", "Host: localhost", "X-HTTP-Method-Override: POST"), 405, "method_not_allowed"},
	{"a list that is posted", head("POST /seats HTTP/1.1", "Host: localhost", "Content-Length: 0"), 405, "method_not_allowed"},
	{"a tunnel", head("CONNECT evil.example:443 HTTP/1.1", "Host: evil.example"), 421, "wrong_host"},
	{"a name that resolves to this machine", head("GET /seats HTTP/1.1", "Host: evil.example"), 421, "wrong_host"},
	{"a lock by such a name", head("POST /lock HTTP/1.1", "Host: evil.example:8080", "Content-Type: application/json", fmt.Sprint("Content-Length: ", len(good))) + good, 421, "wrong_host"},
	{"a WebSocket by such a name", head("GET /seats/live HTTP/1.1", "Host: localhost.evil.example", handshake), 421, "wrong_host"},
	{"a host that is forwarded", head("GET /seats HTTP/1.1", "Host: evil.example", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost"), 421, "wrong_host"},
	{"a trace", head("TRACE /seats HTTP/1.1", "Host: localhost"), 405, "method_not_allowed"},
	{"a method of an injected line", head("GET\t/lock HTTP/1.1", "Host: localhost"), 400, ""},
	{"no version", head("GET /seats"), 400, ""},
	{"another version", head("GET /seats HTTP/3.0", "Host: localhost"), 505, ""},
	{"no host", head("GET /seats HTTP/1.1"), 400, ""},
	{"two hosts", head("GET /seats HTTP/1.1", "Host: localhost", "Host: y"), 400, ""},
	{"rubbish", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, ""},
	{"a header without a name", head("GET /seats HTTP/1.1", "Host: localhost", ": y"), 400, ""},
	{"a header with a NUL", head("GET /seats HTTP/1.1", "Host: localhost", "A: \x00"), 400, ""},
	{"a space before the colon", head("POST /lock HTTP/1.1", "Host: localhost", "Content-Length : 5"), 400, ""},
	{"a huge header", head("GET /seats HTTP/1.1", "Host: localhost", "A: "+strings.Repeat("a", 32<<10)), 431, ""},
	{"a huge path", getRequest("/" + strings.Repeat("a", 32<<10)), 431, ""},

	{"a path above the root", getRequest("/../../etc/passwd"), 404, "not_found"},
	{"a path with dots", getRequest("/events/../lock"), 404, "not_found"},
	{"a path with two slashes", getRequest("//lock"), 404, "not_found"},
	{"a path with a NUL", getRequest("/lock%00"), 404, "not_found"},
	{"a path with a line", getRequest("/lock%0d%0aSet-Cookie:x"), 404, "not_found"},
	{"a path that cannot be decoded", getRequest("/%zz"), 400, ""},
	{"a path in another form", getRequest("/seats;a=b"), 404, "not_found"},

	{"an event that cannot be", getRequest("/seats?eventId=%00"), 400, "bad_request"},
	{"an event of a key", getRequest("/seats?eventId=%7Bdefault%7D:seat"), 400, "bad_request"},
	{"an unknown event", getRequest("/seats?eventId=..."), 404, "unknown_event"},
	{"an event given twice", getRequest("/seats?eventId=default&eventId=other"), 400, "bad_request"},
	{"a long version", getRequest("/seats?since=" + strings.Repeat("9", 4096)), 400, "bad_request"},
	{"a version with a line", getRequest("/seats?since=1%0a2"), 400, "bad_request"},
	{"an unknown status", getRequest("/seats?status=sold"), 400, "bad_request"},
	{"an unknown parameter", getRequest("/seats?callback=alert(1)"), 400, "bad_request"},
	{"a query that cannot be decoded", getRequest("/seats?a=%zz"), 400, "bad_request"},
	{"a query with semicolons", getRequest("/seats?status=booked;eventId=default"), 400, "bad_request"},
	{"an ETag without an end", getRequest("/seats", `If-None-Match: "`+strings.Repeat(`,W/"`, 1000)), 200, ""},
	{"a range of a list", getRequest("/seats", "Range: bytes=0-1"), 200, ""},

	{"a WebSocket of a page elsewhere", getRequest("/seats/live", handshake, "Origin: https://evil.example"), 403, "forbidden"},
	{"a WebSocket of an old version", getRequest("/seats/live", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 7"), 426, "upgrade_required"},
	{"a WebSocket of an unknown event", getRequest("/seats/live?eventId=...", handshake), 404, "unknown_event"},
	{"a WebSocket of lies", getRequest("/seats/live?since=%00", handshake), 400, "bad_request"},
	{"a WebSocket elsewhere", getRequest("/lock", handshake), 405, "method_not_allowed"},
	{"no WebSocket", getRequest("/seats/live"), 426, "upgrade_required"},

	{"two lengths", "POST /lock HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400, ""},
	{"a length below nothing", head("POST /lock HTTP/1.1", "Host: localhost", "Content-Length: -1"), 400, ""},
	{"a length with a sign", head("POST /lock HTTP/1.1", "Host: localhost", "Content-Length: +1") + "{", 400, ""},
	{"an unknown transfer encoding", head("POST /lock HTTP/1.1", "Host: localhost", "Transfer-Encoding: xchunked"), 501, ""},
	{"a chunk that is none", head("POST /lock HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Transfer-Encoding: chunked") + "zz\r\n", 400, "bad_request"},
	{"a chunk beyond all numbers", head("POST /lock HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Transfer-Encoding: chunked") + "fffffffffffffffff\r\n", 400, "bad_request"},
	{"a chunked body and a length", head("POST /lock HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Content-Length: 4", "Transfer-Encoding: chunked") + "0\r\n\r\n", 400, "bad_request"},
	{"an unknown expectation", lockRequest(good, "Content-Type: application/json", "Expect: miracles"), 417, ""},

	{"no type", lockRequest(good, "A: b"), 415, "unsupported_media_type"},
	{"text", lockRequest(good, "Content-Type: text/plain"), 415, "unsupported_media_type"},
	{"a form", lockRequest("seatId=A1&userId=eve", "Content-Type: application/x-www-form-urlencoded"), 415, "unsupported_media_type"},
	{"a form of a page elsewhere", lockRequest(good, "Content-Type: text/plain;application/json"), 415, "unsupported_media_type"},
	{"another character set", lockRequest(good, "Content-Type: application/json; charset=utf-7"), 415, "unsupported_media_type"},
	{"a compressed body", lockRequest(good, "Content-Type: application/json", "Content-Encoding: gzip"), 415, "unsupported_media_type"},
	{"a cancel without a key", postRequest("/cancel", `{"reference":"order-1"}`), 401, "unauthenticated"},
	{"a cancel with a guessed key", postRequest("/cancel", `{"reference":"order-1"}`, "Authorization: Bearer operator"), 401, "unauthenticated"},
	{"a cancel with a key in the query", postRequest("/cancel?key=operator", `{"reference":"order-1"}`), 401, "unauthenticated"},
	{"a move without a key", postRequest("/move", `{"seatId":"A1","toSeatIds":["A2"],"userId":"eve"}`), 401, "unauthenticated"},
	{"a block without a key", postRequest("/block", `{"seatId":"A1","reason":"eve"}`), 401, "unauthenticated"},
	{"an unblock without a key", postRequest("/unblock", `{"seatId":"A1"}`), 401, "unauthenticated"},
	{"an eviction without a key", postRequest("/evict", `{"seatId":"A1"}`), 401, "unauthenticated"},
	{"the bookings without a key", getRequest("/bookings"), 401, "unauthenticated"},
	{"the bookings as a table without a key", getRequest("/bookings?format=csv"), 401, "unauthenticated"},
	{"the journal without a key", getRequest("/journal"), 401, "unauthenticated"},
	{"a block that a page fetches", getRequest("/block?seatId=A1"), 405, "method_not_allowed"},
	{"a direct booking without a key", postRequest("/confirm", `{"seatId":"A1","userId":"eve","direct":true}`), 401, "unauthenticated"},
	{"a long lock without a key", postRequest("/lock", `{"seatId":"A1","userId":"eve","lockSeconds":86400}`), 401, "unauthenticated"},
	{"a lock over the limit without a key", postRequest("/lock", `{"seatId":"A1","userId":"eve","overLimit":true}`), 401, "unauthenticated"},
	{"an extension of nothing", postRequest("/extend", `{"seatId":"A1","userId":"eve","seconds":60}`), 409, "lock_not_held"},
	{"an extension until always", postRequest("/extend", `{"seatId":"A1","userId":"eve","expiresAt":"9999-12-31T23:59:59Z"}`), 400, "bad_request"},
	{"an extension by infinity", postRequest("/extend", `{"seatId":"A1","userId":"eve","seconds":1e999}`), 400, "bad_request"},
	{"an extension by less than nothing", postRequest("/extend", `{"seatId":"A1","userId":"eve","seconds":-60}`), 400, "bad_request"},
	{"an extension by text", postRequest("/extend", `{"seatId":"A1","userId":"eve","seconds":"60"}`), 400, "bad_request"},
	{"a reference of a formula", postRequest("/confirm", `{"seatId":"A1","userId":"eve","reference":"=1+1"}`), 400, "bad_request"},
	{"a reference with a line", postRequest("/confirm", `{"seatId":"A1","userId":"eve","reference":"a\nb"}`), 400, "bad_request"},
	{"a field of another call", postRequest("/lock", `{"seatId":"A1","userId":"eve","toSeatIds":["A2"]}`), 400, "bad_request"},
	{"the seats of nobody", getRequest("/mine"), 400, "bad_request"},
	{"the seats of a user with a NUL", getRequest("/mine?userId=eve%00"), 400, "bad_request"},
	{"the seats of two users", getRequest("/mine?userId=eve&userId=ann"), 400, "bad_request"},

	{"a body too large", lockRequest(`{"seatId":"` + strings.Repeat("A", 70<<10) + `"}`), 413, "too_large"},
}, bodies())

// good is a body that locks A1 if its request is accepted.
const good = `{"seatId":"A1","userId":"eve"}`

// bodies are well-formed requests with wrong contents.
func bodies() []hostile {
	var list []hostile
	for name, body := range map[string]string{
		"nothing":                      ``,
		"an open object":               `{"seatId":"A1"`,
		"a number":                     `7`,
		"null":                         `null`,
		"a list":                       `[` + good + `]`,
		"two objects":                  good + good,
		"a field twice":                `{"seatId":"A1","seatId":"A2","userId":"eve"}`,
		"a field in another case":      `{"SeatID":"A1","userId":"eve"}`,
		"an unknown field":             `{"seatId":"A1","userId":"eve","admin":true}`,
		"__proto__":                    `{"__proto__":{"userId":"eve"},"seatId":"A1"}`,
		"a seat of objects":            `{"seatId":{"$ne":null},"userId":"eve"}`,
		"a user that is a number":      `{"seatId":"A1","userId":1}`,
		"both forms of seats":          `{"seatId":"A1","seatIds":["A2"],"userId":"eve"}`,
		"no seats":                     `{"seatIds":[],"userId":"eve"}`,
		"a seat twice":                 `{"seatIds":["A1","A1"],"userId":"eve"}`,
		"more seats than may be":       `{"seatIds":["` + strings.Repeat(`A1","`, 200) + `A1"],"userId":"eve"}`,
		"no user":                      `{"seatId":"A1"}`,
		"an empty user":                `{"seatId":"A1","userId":""}`,
		"a long user":                  `{"seatId":"A1","userId":"` + strings.Repeat("e", 129) + `"}`,
		"a user with a line":           `{"seatId":"A1","userId":"eve\nlevel=ERROR msg=forged"}`,
		"a user with a NUL":            `{"seatId":"A1","userId":"eve\u0000"}`,
		"a user with an escape":        `{"seatId":"A1","userId":"\u001b[31meve"}`,
		"a user in wrong UTF-8":        "{\"seatId\":\"A1\",\"userId\":\"e\xffve\"}",
		"half a surrogate":             `{"seatId":"A1","userId":"\ud800"}`,
		"a byte order mark":            "\ufeff" + good,
		"a seat with a line":           `{"seatId":"A1\r\nDEL A2","userId":"eve"}`,
		"an event of a key":            `{"eventId":"{default}","seatId":"A1","userId":"eve"}`,
		"a thousand brackets":          strings.Repeat("[", 20000),
		"a number beyond all numbers":  `{"seatId":1e999999,"userId":"eve"}`,
		"a string without its end":     `{"seatId":"A1`,
		"a comment":                    `{"seatId":"A1",/* */"userId":"eve"}`,
		"a comma too many":             `{"seatId":"A1","userId":"eve",}`,
		"quotes of the wrong kind":     `{'seatId':'A1','userId':'eve'}`,
		"something that can be nested": `{"seatIds":[["A1"]],"userId":"eve"}`,
	} {
		list = append(list, hostile{"a body of " + name, lockRequest(body), 400, "bad_request"})
	}
	return append(list,
		hostile{"a seat of a key", lockRequest(`{"seatId":"A1} x {default}:seat:A2","userId":"eve"}`), 404, "unknown_seat"},
		hostile{"a seat that is a path", lockRequest(`{"seatId":"../A1","userId":"eve"}`), 404, "unknown_seat"},
		hostile{"a seat in another script", lockRequest(`{"seatId":"Α1","userId":"eve"}`), 404, "unknown_seat"},
		hostile{"a seat that there is not", lockRequest(`{"seatId":"Z99","userId":"eve"}`), 404, "unknown_seat"},
		hostile{"a seat of another kind of key", lockRequest(`{"seatId":"view","userId":"eve"}`), 404, "unknown_seat"},
		hostile{"an event that there is not", lockRequest(`{"eventId":"other","seatId":"A1","userId":"eve"}`), 404, "unknown_event"},
		hostile{"one seat of many that there is not", lockRequest(`{"seatIds":["A1","Z99"],"userId":"eve"}`), 404, "unknown_seat"},
	)
}

// TestHostile checks that each hostile request gets the right refusal, that no seat
// changes, that no answer shows internals, and that no log line can be forged.
func TestHostile(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"memory", "redis"} {
		t.Run(store, func(t *testing.T) {
			var args []string
			if store == "redis" {
				args = []string{"-redis", "redis://" + redistest.New(t).Addr}
			}
			url, out, stop := serving(t, args...)
			for _, h := range hostiles {
				t.Run(h.name, func(t *testing.T) { attack(t, url, h) })
			}
			t.Run("early ends", func(t *testing.T) { leaveEarly(t, url) })
			t.Run("smuggled", func(t *testing.T) { smuggle(t, url) })
			if body := get(t, url+"/seats"); !strings.Contains(body, `"counts":{"available":100,"locked":0,"booked":0}`) {
				t.Errorf("a hostile request changed a seat: %s", body)
			}
			if err := stop(); err != nil {
				t.Errorf("the runner ended with %v", err)
			}
			for line := range strings.Lines(out.String()) {
				if !strings.HasPrefix(line, "time=") || strings.Contains(line, "level=ERROR") || strings.Contains(line, "goroutine ") {
					t.Errorf("the log has the line %s", line)
				}
			}
		})
	}
}

// send writes the bytes to a new connection to the runner. The connection is closed
// at the end of the test, and may take a minute.
func send(t *testing.T, url, bytes string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, bytes) // the server may refuse them before all are written
	return c
}

// attack sends the request and checks the answer.
func attack(t *testing.T, url string, h hostile) {
	resp, err := http.ReadResponse(bufio.NewReader(send(t, url, h.bytes)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // the connection is reset if the request was not read to its end
		t.Fatal(err)
	}
	if resp.StatusCode != h.status {
		t.Errorf("the answer is %s %s, want %d", resp.Status, body, h.status)
	}
	for _, internal := range []string{"goroutine", ".go:", "runtime", "redis", "Redis", "/root", "panic"} {
		if bytes.Contains(body, []byte(internal)) {
			t.Errorf("the answer has %q in it: %s", internal, body)
		}
	}
	if h.code == "" {
		return
	}
	if r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(h.bytes))); err == nil {
		apitest.Exchange{Request: r, Status: resp.StatusCode, Header: resp.Header, Body: body}.Check(t)
	}
	var problem struct {
		Status       int
		Code, Detail string
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if media := resp.Header.Get("Content-Type"); media != "application/problem+json" {
		t.Errorf("the Content-Type is %s", media)
	}
	if problem.Code != h.code || problem.Status != h.status || problem.Detail == "" {
		t.Errorf("the problem is %s, want the code %s and a detail", body, h.code)
	}
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("X-Content-Type-Options is not nosniff: %v", resp.Header)
	}
}

// leaveEarly disconnects after every byte of a request that would lock a seat.
func leaveEarly(t *testing.T, url string) {
	whole := lockRequest(good)
	for end := range len(whole) {
		send(t, url, whole[:end]).Close()
	}
}

// smuggle sends a request with two lengths. After its end by the one length follows a
// second request, which is part of the first by the other length. The second request must
// not be answered.
func smuggle(t *testing.T, url string) {
	for _, first := range []string{"POST /lock", "GET /seats", "GET /healthz"} {
		hidden := lockRequest(good)
		c := send(t, url, head(first+" HTTP/1.1", "Host: localhost", "Content-Type: application/json",
			fmt.Sprint("Content-Length: ", len("0\r\n\r\n")+len(hidden)), "Transfer-Encoding: chunked")+"0\r\n\r\n"+hidden)
		answers, err := io.ReadAll(c)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		if n := bytes.Count(answers, []byte("HTTP/1.1 ")); n != 1 || !bytes.Contains(answers, []byte("\r\nConnection: close\r\n")) {
			t.Errorf("%s is answered %d times, want once and the connection closed:\n%s", first, n, answers)
		}
	}
}
