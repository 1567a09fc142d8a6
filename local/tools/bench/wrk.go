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
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// overHTTP loads the server at the address for a round and returns how many
// requests a second it answered. The load is wrk's, on one thread, where wrk is
// installed, and else this program's own.
func overHTTP(ctx context.Context, addr string, r wrkRequest) (float64, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return load(ctx, addr, callers, round, r.request)
	}
	args := []string{"-t1", "-c" + strconv.Itoa(callers), "-d1s"} // the shortest that it takes
	if r.script != "" {
		dir, err := os.MkdirTemp("", "seatlock-wrk-")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "requests.lua")
		if err := os.WriteFile(file, []byte(r.script), 0o600); err != nil {
			return 0, err
		}
		args = append(args, "-s", file)
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, "http://"+addr+r.path)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if bytes.Contains(out, []byte("Non-2xx")) || bytes.Contains(out, []byte("Socket errors")) {
		return 0, fmt.Errorf("not all requests succeeded: %s", out)
	}
	_, text, found := strings.Cut(string(out), "Requests/sec:")
	fields := strings.Fields(text)
	if !found || len(fields) == 0 {
		return 0, errors.New("wrk printed no rate: " + string(out))
	}
	return strconv.ParseFloat(fields[0], 64)
}

// A wrkRequest is a request as wrk makes it and as this program does.
type wrkRequest struct {
	path    string
	script  string // in Lua, for what is no plain GET
	request request
}

var (
	listSeats = wrkRequest{path: "/seats", request: get("/seats")}

	// lockNext locks seat after seat, each for a user of its own.
	lockNext = wrkRequest{path: "/lock", request: post("/lock", seatBody), script: `
local seat = -1
function request()
  seat = seat + 1
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, '{"seatId":"' .. seat .. '","userId":"user' .. seat .. '"}')
end
`}
)

// bareLock answers a lock with a constant, once it has decoded the body as the
// program does. It is the least that a lock can cost.
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
