package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/functions/booking/apitest"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// call posts the seat and the user to the url, checks the answer against
// openapi.yaml, and returns it.
func call(t *testing.T, url, seat, user string) (status int, retryAfter, body string) {
	t.Helper()
	return post(t, url, fmt.Sprintf(`{"seatId":%q,"userId":%q}`, seat, user))
}

// callIn is call in an event.
func callIn(t *testing.T, url, event, seat, user string) (status int, retryAfter, body string) {
	t.Helper()
	return post(t, url, fmt.Sprintf(`{"eventId":%q,"seatId":%q,"userId":%q}`, event, seat, user))
}

// post sends a body to a call and compares the exchange with openapi.yaml.
func post(t *testing.T, url, sent string) (status int, retryAfter, body string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(sent))
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	apitest.Exchange{Request: resp.Request, Sent: []byte(sent), Status: resp.StatusCode, Header: resp.Header, Body: answer}.Check(t)
	return resp.StatusCode, resp.Header.Get("Retry-After"), string(answer)
}

// roundRobin starts a load balancer in front of the urls and returns its URL.
func roundRobin(t *testing.T, urls ...string) string {
	t.Helper()
	var proxies []http.Handler
	for _, u := range urls {
		target, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		proxies = append(proxies, httputil.NewSingleHostReverseProxy(target))
	}
	var next atomic.Uint64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxies[next.Add(1)%uint64(len(proxies))].ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// sellOut has many users compete at the url for two rows of seats of the given width.
// Every seat must be sold, and none twice.
func sellOut(t *testing.T, url string, width int) {
	t.Helper()
	var mu sync.Mutex
	sold := make(map[string]string) // the buyer by seat
	var all sync.WaitGroup
	for i := range 4 * width {
		user := fmt.Sprint("user", i)
		all.Go(func() {
			for n := range 2 * width {
				seat := string("AB"[(n+i)/width%2]) + fmt.Sprint((n+i)%width+1)
				if status, _ := callAgain(t, url+"/lock", seat, user); status != 200 {
					continue
				}
				// Behind the load balancer this call goes to the other runner.
				if status, body := callAgain(t, url+"/confirm", seat, user); status != 200 {
					t.Errorf("%s locked %s, and the confirm is answered with %s", user, seat, body)
					continue
				}
				mu.Lock()
				if first, twice := sold[seat]; twice {
					t.Errorf("seat %s is sold to %s and to %s", seat, first, user)
				}
				sold[seat] = user
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(sold) != 2*width {
		t.Errorf("%d seats are sold, want %d", len(sold), 2*width)
	}
}

// callAgain is like call, but repeats the call while the store is unavailable, since
// it may be slow on a busy machine.
func callAgain(t *testing.T, url, seat, user string) (status int, body string) {
	t.Helper()
	for range 50 {
		status, _, body = call(t, url, seat, user)
		if status != http.StatusServiceUnavailable {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return status, body
}

// TestTwoRunnersSellTheSameSeats has two runners behind a load balancer sell the
// same seats to many users at once.
func TestTwoRunnersSellTheSameSeats(t *testing.T) {
	t.Parallel()
	redisURL := "redis://" + redistest.New(t).Addr
	one, _, _ := serving(t, "-redis", redisURL, "-seats", "2x10")
	two, _, _ := serving(t, "-redis", redisURL, "-seats", "2x10")
	sellOut(t, roundRobin(t, one, two), 10)
	for _, u := range []string{one, two} {
		if body := get(t, u+"/seats"); !strings.Contains(body, `"counts":{"available":0,"locked":0,"booked":20}`) {
			t.Errorf("%s lists %s", u, body)
		}
	}
}

// TestRedisFails checks that callers get the right error while Redis is
// unavailable, and that calls succeed again once it answers.
func TestRedisFails(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	_, port, _ := strings.Cut(server.Addr, ":")
	url, _, _ := serving(t, "-redis", "redis://"+server.Addr)
	if status, _, body := call(t, url+"/lock", "A1", "ann"); status != 200 {
		t.Fatal(body)
	}
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	status, retry, body := call(t, url+"/confirm", "A1", "ann")
	if status != 503 || retry == "" || !strings.Contains(body, `"code":"outcome_unknown"`) {
		t.Errorf("with a frozen Redis: %d, Retry-After %q, %s", status, retry, body)
	}
	server.Kill()
	status, retry, body = call(t, url+"/lock", "A2", "ann")
	if status != 503 || retry == "" || !strings.Contains(body, `"code":"store_unavailable"`) {
		t.Errorf("without a Redis: %d, Retry-After %q, %s", status, retry, body)
	}
	redistest.New(t, "--port", port)
	for {
		if status, _, _ := call(t, url+"/lock", "A1", "ben"); status == 200 {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("calls do not succeed again")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestRedisIsAwayAtTheStart checks that the runner waits for Redis, and uses it once it
// is available or else ends with an error that does not show the password.
func TestRedisIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	port := faults.FreePort()
	var out bytes.Buffer
	cmd := program(t, []string{"REDIS_URL=redis://user:hunter2@127.0.0.1:" + port}, "-redis-start", "300ms")
	cmd.Stderr = &out
	_ = cmd.Run() // its status is checked below
	if got := cmd.ProcessState.ExitCode(); got != 1 || !strings.Contains(out.String(), "cannot use Redis (tried for 300ms") || strings.Contains(out.String(), "hunter2") {
		t.Errorf("status %d: %s", got, out.String())
	}

	await, late, stop := starting(t, nil, "-redis", "redis://127.0.0.1:"+port, "-redis-start", "1m")
	redistest.New(t, "--port", port)
	await()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(late.String(), "appendonly is no") || !strings.Contains(late.String(), "redis: seats are shared") {
		t.Errorf("the log: %s", late)
	}
}

// TestRefusedStarts checks that the program refuses to start, before it writes anything,
// if it could sell a seat twice.
func TestRefusedStarts(t *testing.T) {
	server := redistest.New(t)
	ctl := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer ctl.Close()
	redisURL := "redis://" + server.Addr
	url, _, _ := serving(t, "-redis", redisURL, "-seats", "2x2")
	if status, _, body := call(t, url+"/lock", "A1", "ann"); status != 200 {
		t.Fatal(body)
	}
	dump := func() string {
		var all []string
		keys, err := ctl.Keys(t.Context(), "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(keys) // Redis has no order
		for _, k := range keys {
			all = append(all, k, ctl.Dump(t.Context(), k).Val())
		}
		return strings.Join(all, " ")
	}
	before := dump()
	refused(t, "event default: lockstore: the store has this event with other seats", "-redis", redisURL, "-seats", "2x3")
	if dump() != before {
		t.Error("the second runner, with other seats, wrote something")
	}
	serving(t, "-redis", redisURL, "-seats", "2x2", "-lock-ttl", "9s") // the same seats

	if err := ctl.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	refused(t, "-redis-allow-eviction", "-redis", redisURL, "-seats", "2x2")
	_, out, _ := serving(t, "-redis", redisURL, "-seats", "2x2", "-redis-allow-eviction")
	if !strings.Contains(out.String(), "allkeys-lru") {
		t.Errorf("the log: %s", out)
	}
}

// TestAuditAndRebuild checks -redis-audit and -redis-rebuild.
func TestAuditAndRebuild(t *testing.T) {
	server := redistest.New(t)
	ctl := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer ctl.Close()
	inspect := func(flag string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), []string{"-redis", "redis://" + server.Addr, flag}, variables{}.get, &out, io.Discard)
		return out.String(), err
	}
	if out, err := inspect("-redis-audit"); out != "no difference\n" || err != nil {
		t.Errorf("the audit printed %q, %v", out, err)
	}
	if err := ctl.Do(t.Context(), "SET", "{default}:seat:A1", "manual", "NX", "PX", 60000).Err(); err != nil {
		t.Fatal(err)
	}
	if out, err := inspect("-redis-audit"); !strings.HasPrefix(out, "event default: seat A1 is locked until 2") || err == nil || !strings.Contains(err.Error(), "differences found: 1") {
		t.Errorf("the audit after a change by hand printed %q, %v", out, err)
	}
	if out, err := inspect("-redis-rebuild"); !strings.HasSuffix(out, "differences fixed: 1\n") || err != nil {
		t.Errorf("the rebuild printed %q, %v", out, err)
	}
	if out, err := inspect("-redis-audit"); out != "no difference\n" || err != nil {
		t.Errorf("the audit after the rebuild printed %q, %v", out, err)
	}
}
