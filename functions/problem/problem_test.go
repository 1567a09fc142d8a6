package problem_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/functions/problem"
)

// TestReadmeHasEveryCode compares the README's table of codes with this
// package's.
func TestReadmeHasEveryCode(t *testing.T) {
	readme, err := os.ReadFile("../booking/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "| `code` | status |")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*`) \\| (\\d+) \\|").FindAllStringSubmatch(table, -1) {
		for code := range strings.SplitSeq(row[1], ", ") {
			listed[strings.Trim(code, "`")+" "+row[2]] = true
		}
	}
	for _, code := range problem.Codes() {
		key := fmt.Sprintf("%s %d", code, problem.Kind(code).Status())
		if !listed[key] {
			t.Errorf("the README does not have %s", key)
		}
		delete(listed, key)
	}
	for key := range listed {
		t.Errorf("the README has %s, which is no code", key)
	}
}

// TestWrite checks the answers to refusals of each form.
func TestWrite(t *testing.T) {
	for name, c := range map[string]struct {
		refusal *problem.Refusal
		body    string
		header  http.Header
	}{
		"the kind's own detail": {
			&problem.Refusal{Kind: problem.OutcomeUnknown, Err: errors.New("password hunter2")},
			`{"title":"Outcome unknown","status":503,"code":"outcome_unknown","detail":"The store did not answer in time, and it is not known whether this took effect. Send the same request again: that is safe."}`,
			http.Header{"Retry-After": {"1"}},
		},
		"seats in the way": {
			&problem.Refusal{Kind: problem.SeatLocked, Detail: "Taken.", Wait: 39001 * time.Millisecond, Seats: []problem.Seat{{"A1", "locked", "2027-01-01T20:00:00.000Z"}, {SeatID: "A2"}}},
			`{"title":"Seat locked","status":409,"code":"seat_locked","detail":"Taken.","seats":[{"seatId":"A1","status":"locked","expiresAt":"2027-01-01T20:00:00.000Z"},{"seatId":"A2"}]}`,
			http.Header{"Retry-After": {"40"}},
		},
		"a challenge": {
			&problem.Refusal{Kind: problem.Unauthenticated, Detail: "Who?", Challenge: "Bearer"},
			`{"title":"Not signed in","status":401,"code":"unauthenticated","detail":"Who?"}`,
			http.Header{"Www-Authenticate": {"Bearer"}},
		},
		"bytes that are not text": {
			problem.Refuse(problem.BadRequest, "No \xff."),
			`{"title":"Bad request","status":400,"code":"bad_request","detail":"No �."}`,
			http.Header{},
		},
	} {
		w := httptest.NewRecorder()
		c.refusal.Write(w)
		c.header.Set("Cache-Control", "no-store")
		c.header.Set("Content-Type", "application/problem+json")
		if w.Body.String() != c.body+"\n" || !maps.EqualFunc(w.Header(), c.header, slices.Equal) || w.Code != c.refusal.Kind.Status() {
			t.Errorf("%s: %d %v %s\nwant %v %s", name, w.Code, w.Header(), w.Body, c.header, c.body)
		}
	}
}
