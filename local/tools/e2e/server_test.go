package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/lockstore/storetest/faults"
)

// build builds the program once for all tests.
var build = sync.OnceValues(func() (string, error) { return faults.Build(context.Background(), nil, "seatlock/local") })

// A server is the running program.
type server struct {
	t    *testing.T
	env  []string // name=value
	args []string
	*faults.Server
}

// serve starts the program on a free port.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	return serveWith(t, nil, args...)
}

// serveWith is [serve] with environment variables, which tests that run at the same time
// cannot set for themselves.
func serveWith(t *testing.T, env []string, args ...string) *server {
	t.Helper()
	s := &server{t: t, env: env, args: args}
	s.start("127.0.0.1:0")
	t.Cleanup(func() { s.Kill() })
	return s
}

func (s *server) start(addr string) {
	s.t.Helper()
	program, err := build()
	if err != nil {
		s.t.Fatal(err)
	}
	if s.Server, err = faults.Serve(s.t.Context(), "env", slices.Concat(s.env, []string{program, "-addr", addr}, s.args)...); err != nil {
		s.t.Fatal(err)
	}
}

// restart kills the program, calls between, and starts the program again at the
// same address.
func (s *server) restart(between func()) {
	s.t.Helper()
	s.Kill()
	between()
	s.start(strings.TrimPrefix(s.URL, "http://"))
}

// post makes a call on behalf of a user, without a browser, and returns the status.
func (s *server) post(call, user string, seats ...string) int {
	s.t.Helper()
	body := fmt.Sprintf(`{"userId":%s,"seatIds":["%s"]}`, quoted(user), strings.Join(seats, `","`))
	resp, err := http.Post(s.URL+"/"+call, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body) // only the status matters
	return resp.StatusCode
}

// must is like post but must succeed.
func (s *server) must(call, user string, seats ...string) {
	s.t.Helper()
	if status := s.post(call, user, seats...); status != 200 {
		s.t.Fatalf("%s %v by %s: status %d", call, seats, user, status)
	}
}

// fillTheatre books and locks some seats of the theatre.
func (s *server) fillTheatre() {
	s.t.Helper()
	for user, seats := range map[string][]string{
		"ada": {"S-A4", "S-A5", "S-A6"}, "bea": {"S-C9", "S-C10"}, "cid": {"S-D2", "S-D3", "S-D4", "S-D5"}, "dot": {"S-D9"},
		"eli": {"S-E5", "S-E6"}, "fay": {"S-F11", "S-F12"}, "gus": {"S-J7", "S-J8"}, "hal": {"B-A8", "B-A9"}, "ivy": {"B-B5", "B-B6", "B-B7"},
	} {
		s.must("lock", user, seats...)
		s.must("confirm", user, seats...)
	}
	s.must("lock", "joe", "S-B9", "S-B10")
	s.must("lock", "kim", "S-E11", "S-E12")
	s.must("lock", "lou", "B-A11")
}

// fillArena books and locks seats of the arena, more of them near the stage.
func (s *server) fillArena() {
	s.t.Helper()
	for section := 101; section <= 120; section++ {
		for ring, share := range []int{70, 35} {
			for row := 1; row <= 25; row++ {
				user := fmt.Sprintf("ann-%d-%d-%d", section, ring, row)
				seat := 1 + (section*7+row*3)%5
				for seat < 50 {
					n := 1 + (section*row+seat*13)%4
					var group []string
					for ; n > 0 && seat <= 50; n, seat = n-1, seat+1 {
						group = append(group, fmt.Sprintf("%d-%d-%d", section+100*ring, row, seat))
					}
					if (section*31+row*17+seat*7+section*section)%100 < share+section%7*6-row {
						s.must("lock", user+group[0], group...)
						if seat%17 != 0 {
							s.must("confirm", user+group[0], group...)
						}
					}
					seat += seat * section % 3
				}
			}
		}
	}
}

// waitSeat waits until a list has the seat with the status.
func (s *server) waitSeat(seat, status string) {
	s.t.Helper()
	want := fmt.Sprintf(`{"seatId":"%s","status":"%s"`, seat, status)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(s.URL + "/seats")
		if err != nil {
			s.t.Fatal(err)
		}
		list, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && bytes.Contains(list, []byte(want)) {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s does not become %s: %s", seat, status, list)
		}
	}
}

// eventFile writes an event file and returns its name.
func eventFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
