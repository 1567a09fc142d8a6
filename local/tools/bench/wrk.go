package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// answered counts the answers of a server in a round.
type answered struct{ requests, perSecond float64 }

// overHTTP loads the server at the address for a round: with one thread of wrk if it is
// installed, and otherwise from this program.
func overHTTP(ctx context.Context, addr string, r wrkRequest) (answered, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		began := time.Now()
		perSecond, err := load(ctx, addr, callers, round, r.request)
		return answered{perSecond * time.Since(began).Seconds(), perSecond}, err
	}
	args := []string{"-t1", "-c" + strconv.Itoa(callers), "-d1s"} // the shortest duration that wrk accepts
	if r.script != "" {
		dir, err := os.MkdirTemp("", "seatlock-wrk-")
		if err != nil {
			return answered{}, err
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "requests.lua")
		if err := os.WriteFile(file, []byte(r.script), 0o600); err != nil {
			return answered{}, err
		}
		args = append(args, "-s", file)
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, "http://"+addr+r.path)...).CombinedOutput()
	if err != nil {
		return answered{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if bytes.Contains(out, []byte("Non-2xx")) || bytes.Contains(out, []byte("Socket errors")) {
		return answered{}, fmt.Errorf("not all requests succeeded: %s", out)
	}
	found := wrkReport.FindSubmatch(out)
	if found == nil {
		return answered{}, fmt.Errorf("wrk printed no rate: %s", out)
	}
	requests, err1 := strconv.ParseFloat(string(found[1]), 64)
	perSecond, err2 := strconv.ParseFloat(string(found[2]), 64)
	return answered{requests, perSecond}, errors.Join(err1, err2)
}

var wrkReport = regexp.MustCompile(`(?s)(\d+) requests in .*Requests/sec:\s*([\d.]+)`)

// A wrkRequest is a request as wrk makes it and as this program does.
type wrkRequest struct {
	path    string
	script  string // in Lua; empty for a plain GET
	request request
}

var (
	listSeats = wrkRequest{path: "/seats", request: get("/seats")}

	// lockNext locks seat after seat of an event of this program, each for a user of its
	// own.
	lockNext = wrkRequest{path: "/lock", request: post("/lock", seatBody), script: `
local seat = -1
function request()
  seat = seat + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, '{"seatId":"' .. seat .. '","userId":"user' .. seat .. '"}')
end
`}

	// lockNextSeat does so in a row named A.
	lockNextSeat = lockForUsers(1 << 30)
)

// lockForUsers locks seat after seat of a row named A, for this many users in turn.
func lockForUsers(users int) wrkRequest {
	return wrkRequest{
		path: "/lock",
		script: fmt.Sprintf(`
local seat = 0
function request()
  seat = seat + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, '{"seatId":"A' .. seat .. '","userId":"user' .. seat %% %d .. '"}')
end
`, users),
		request: post("/lock", func(b []byte, turn int) []byte {
			return fmt.Appendf(b, `{"seatId":"A%d","userId":"user%d"}`, turn+1, (turn+1)%users)
		}),
	}
}

// lockForGuests locks seat after seat of a row named A, for the users with these cookies in
// turn.
func lockForGuests(cookies []string) wrkRequest {
	return wrkRequest{
		path: "/lock",
		script: fmt.Sprintf(`
local guests = {"%s"}
local seat = 0
function request()
  seat = seat + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json", ["Cookie"] = guests[seat %% #guests + 1]}, '{"seatId":"A' .. seat .. '"}')
end
`, strings.Join(cookies, `", "`)),
		request: func(b []byte, turn int) []byte {
			body := fmt.Sprintf(`{"seatId":"A%d"}`, turn+1)
			return fmt.Appendf(b, "POST /lock HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nCookie: %s\r\nContent-Length: %d\r\n\r\n%s",
				cookies[turn%len(cookies)], len(body), body)
		},
	}
}

// bareLock decodes the body as the program does, and answers with a constant. It is the
// least that a lock can cost.
func bareLock(w http.ResponseWriter, r *http.Request) {
	var body struct {
		EventID string   `json:"eventId"`
		SeatID  string   `json:"seatId"`
		SeatIDs []string `json:"seatIds"`
		UserID  string   `json:"userId"`
	}
	if err := json.UnmarshalRead(r.Body, &body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(lockAnswer)
}

var lockAnswer = []byte(`{"message":"Seat 12345 locked.","eventId":"bench","userId":"user12345","seatIds":["12345"],"status":"locked","expiresAt":"2027-01-01T20:00:00.000Z","expiresInSeconds":60}` + "\n")
