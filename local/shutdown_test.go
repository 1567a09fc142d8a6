package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/functions/settings"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// TestReadinessFailsFirst checks that during -drain-delay /readyz fails while
// requests and new connections are still served.
func TestReadinessFailsFirst(t *testing.T) {
	t.Parallel()
	url, out, stop := serving(t, "-drain-delay", "2s")
	ready := func() int {
		t.Helper()
		fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := fresh.Get(url + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := ready(); got != 200 {
		t.Fatalf("/readyz is %d before the stop", got)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	for ready() != 503 {
		if t.Context().Err() != nil {
			t.Fatal("/readyz does not become 503")
		}
	}
	if status, _, body := call(t, url+"/lock", "A1", "ann"); status != 200 {
		t.Errorf("a lock during -drain-delay: %d %s", status, body)
	}
	if strings.Contains(out.String(), "stopping:") {
		t.Errorf("the runner stopped during -drain-delay: %s", out)
	}
	if err := <-ended; err != nil {
		t.Errorf("the runner ended with %v", err)
	}
	if _, err := http.Get(url + "/healthz"); err == nil {
		t.Error("the runner answers after it has ended")
	}
}

// TestEndInOrder checks the order of a shutdown: not ready, no new connections,
// sockets closed, all within -drain.
func TestEndInOrder(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var steps []string
	step := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, what)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := settings.Server{Drain: 20 * time.Second, Connections: 10}
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		step("asked")
		cancel()
		time.Sleep(50 * time.Millisecond)
		step("answered")
	})
	ended := make(chan error, 1)
	go func() {
		err := serve(ctx, s, l, h, ending{
			unready: func() { step("not ready") },
			sockets: func(ctx context.Context) {
				if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
					c.Close()
					t.Error("a connection is accepted while sockets are closed")
				}
				if end, ok := ctx.Deadline(); !ok || time.Until(end) > s.Drain {
					t.Errorf("the sockets have until %v", end)
				}
				time.Sleep(200 * time.Millisecond)
				step("sockets gone")
			},
		}, slog.New(slog.DiscardHandler))
		step("ended")
		ended <- err
	}()
	if resp, err := http.Get("http://" + l.Addr().String()); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"asked", "not ready", "answered", "sockets gone", "ended"}; !slices.Equal(steps, want) {
		t.Errorf("the steps are %q, want %q", steps, want)
	}
}

// TestEndIsBounded checks that a request that does not end is abandoned after
// -drain.
func TestEndIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := settings.Server{Drain: 50 * time.Millisecond, Connections: 10}
	stuck := make(chan struct{})
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel(); <-stuck })
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, s, l, h, ending{unready: func() {}, sockets: func(ctx context.Context) { <-ctx.Done() }}, slog.New(slog.DiscardHandler))
	}()
	go func() {
		if resp, err := http.Get("http://" + l.Addr().String()); err == nil {
			resp.Body.Close()
			t.Error("a request that does not end is answered")
		}
	}()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "still under way") {
		t.Errorf("serve returned %v", err)
	}
	close(stuck)
}

// A sale is the outcome of one lock or confirm.
type sale struct {
	seat             string
	answered, booked bool // there was an answer; the seat is booked
}

// sell locks and confirms the seats of a row, one after the other, until the
// program does not answer. Each call has a connection of its own, so a call without
// an answer was never accepted.
func sell(client *http.Client, url, row string, sold *atomic.Int64) (sales []sale, problem error) {
	post := func(path, seat string) (string, error) {
		resp, err := client.Post(url+path, "application/json", strings.NewReader(fmt.Sprintf(`{"seatId":%q,"userId":"caller"}`, seat)))
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return "", fmt.Errorf("an answer is cut off: %w", err)
		}
		var answer struct{ Status any }
		if err := json.Unmarshal(body, &answer); err != nil {
			return "", fmt.Errorf("an answer is cut off: %s", body)
		}
		return fmt.Sprint(answer.Status), nil
	}
	for n := 1; n <= 1000; n++ {
		seat := fmt.Sprint(row, n)
		for _, c := range []struct{ path, want string }{{"/lock", "locked"}, {"/confirm", "booked"}} {
			got, err := post(c.path, seat)
			s := sale{seat, err == nil, err == nil && c.want == "booked"}
			if err != nil {
				if strings.Contains(err.Error(), "cut off") {
					problem = err
				}
				return append(sales, s), problem
			}
			if got != c.want {
				return sales, fmt.Errorf("%s of %s is answered with the status %s", c.path, seat, got)
			}
			sales = append(sales, s)
		}
		sold.Add(1)
	}
	return sales, fmt.Errorf("row %s is sold out: the program was not stopped", row)
}

// TestSigtermUnderLoad stops the program while many users buy seats. Acknowledged calls
// must be in the store, and calls without an answer must not.
func TestSigtermUnderLoad(t *testing.T) {
	server := redistest.New(t)
	log := new(faults.Log)
	cmd := program(t, nil, "-addr", "127.0.0.1:0", "-seats", "16x1000", "-lock-ttl", "10m", "-redis", "redis://"+server.Addr)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url, err := log.URL(ctx)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var sold atomic.Int64
	all := make([][]sale, 16)
	var callers sync.WaitGroup
	for i := range all {
		callers.Go(func() {
			var err error
			if all[i], err = sell(client, url, string(rune('A'+i)), &sold); err != nil {
				t.Error(err)
			}
		})
	}
	for sold.Load() < 200 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()); err != nil {
		t.Errorf("the runner ended with %v: %s", err, log)
	}
	callers.Wait()

	store := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer store.Close()
	acknowledged, unanswered := 0, 0
	for _, sales := range all {
		state := make(map[string]string)
		var last sale
		for _, s := range sales {
			if last = s; !s.answered {
				unanswered++
				break
			}
			acknowledged++
			state[s.seat] = "l"
			if s.booked {
				state[s.seat] = "b"
			}
		}
		if !last.answered && state[last.seat] == "" {
			state[last.seat] = "" // its lock must not be in the store
		}
		for seat, want := range state {
			got, err := store.Get(t.Context(), "{default}:seat:"+seat).Result()
			if err != nil && err != redis.Nil {
				t.Fatal(err)
			}
			if want == "" && got != "" || want != "" && !strings.HasPrefix(got, want) {
				t.Errorf("%s is %q in the store, and %q by the answers (the last call is %v)", seat, got, want, last)
			}
		}
	}
	t.Logf("%d calls were acknowledged, %d not answered", acknowledged, unanswered)
	if unanswered != len(all) {
		t.Errorf("%d of %d callers had a call without an answer, want all", unanswered, len(all))
	}
}
