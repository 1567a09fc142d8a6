package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

var operatorKey, backendKey = strings.Repeat("o", 32), strings.Repeat("b", 32)

// serve serves an event of 60 seats, with locks of a second, from the store.
func serve(t *testing.T, store lockstore.LockStore) string {
	t.Helper()
	return serveTo(t, store, access.Policy{OperatorKeys: []string{operatorKey}})
}

func serveTo(t *testing.T, store lockstore.LockStore, p access.Policy) string {
	t.Helper()
	m, err := venue.Grid(6, 10, venue.Defaults{LockTTL: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: store, Events: []venue.Event{m}, Access: p, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(api.Routes())
	t.Cleanup(s.Close)
	return s.URL
}

// stampede runs the program and returns its report.
func stampede(ctx context.Context, t *testing.T, url string, args ...string) (report, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(ctx, append([]string{"-url", url, "-users", "150", "-arrive", "300ms", "-think", "300ms", "-json"}, args...), &out, io.Discard)
	var r report
	if jsonErr := json.Unmarshal(out.Bytes(), &r); jsonErr != nil {
		t.Fatalf("%v: the report is %q: %v", err, out.String(), jsonErr)
	}
	return r, err
}

func TestGoodServer(t *testing.T) {
	t.Parallel()
	r, err := stampede(t.Context(), t, serve(t, new(memstore.Store)))
	if err != nil {
		t.Fatalf("%v: %+v", err, r.Verdict)
	}
	if !r.Verdict.Kept || !r.Verdict.StuckJudged || r.Verdict.Bookings == 0 || r.Seats != 60 || r.Buyers[paid] == 0 {
		t.Errorf("the report is %+v", r)
	}
	n := 0
	for _, buyers := range r.Buyers {
		n += buyers
	}
	if n != 150 {
		t.Errorf("%d buyers came, want 150: %v", n, r.Buyers)
	}
	for _, c := range r.Calls {
		if c.Count == 0 || c.P50 <= 0 || c.P50 > c.P95 || c.P95 > c.P99 || c.P99 > c.Max+0.01 {
			t.Errorf("%+v", c)
		}
	}
}

// TestOperatorsAndCheats checks that bookings are cancelled during the sale, and that
// cheats are refused, both where the back end confirms and where buyers do.
func TestOperatorsAndCheats(t *testing.T) {
	t.Parallel()
	for confirmBy, args := range map[string][]string{
		"backend": {"-backend-key", backendKey},
		"buyer":   nil,
	} {
		policy := access.Policy{OperatorKeys: []string{operatorKey}}
		if confirmBy == "backend" {
			policy.BackendKeys, policy.ConfirmBy = []string{backendKey}, access.ConfirmByBackend
		}
		r, err := stampede(t.Context(), t, serveTo(t, new(memstore.Store), policy), append(args, "-confirm-by", confirmBy,
			"-operator-key", operatorKey, "-refund", "0.5", "-extend", "0.5", "-pay", "0.8", "-cheats", "3")...)
		if err != nil {
			t.Errorf("%s: %v: %+v", confirmBy, err, r)
		}
		if r.Buyers[refunded] == 0 || r.Cheats.Tried != 30 || r.Cheats.Refused+r.Cheats.Confirms != 30 || (r.Cheats.Confirms == 0) != (confirmBy == "backend") {
			t.Errorf("%s: the report is %+v", confirmBy, r)
		}
		if !slices.ContainsFunc(r.Calls, func(c callReport) bool { return c.Call == "extend" && c.Outcomes["ok"] > 0 }) {
			t.Errorf("%s: no lock was extended: %+v", confirmBy, r.Calls)
		}
	}
}

// TestCheatsThatSucceed checks that a server that lets buyers confirm, although it should
// not, breaks a promise.
func TestCheatsThatSucceed(t *testing.T) {
	t.Parallel()
	r, err := stampede(t.Context(), t, serve(t, new(memstore.Store)), "-confirm-by", "backend", "-hurry")
	if !errors.Is(err, errBroken) || r.Verdict.LetThrough != 10 {
		t.Errorf("%v: the verdict is %+v, want 10 confirms let through", err, r.Verdict)
	}
}

// A faulty store is a memory store with some of its calls replaced.
type faulty struct {
	memstore.Store
	do    func(*faulty, context.Context, *lockstore.Event, lockstore.Op) (lockstore.Result, error)
	list  func(*faulty, context.Context, *lockstore.Event, lockstore.Version) (lockstore.Snapshot, error)
	calls atomic.Int64
}

func (f *faulty) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	if f.do != nil {
		return f.do(f, ctx, ev, op)
	}
	return f.Store.Do(ctx, ev, op)
}

func (f *faulty) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	if f.list != nil {
		return f.list(f, ctx, ev, since)
	}
	return f.Store.List(ctx, ev, since)
}

// alwaysDone carries out op, and reports success for the given kinds even if there is a
// conflict.
func (f *faulty) alwaysDone(ctx context.Context, ev *lockstore.Event, op lockstore.Op, kinds ...lockstore.Kind) (lockstore.Result, error) {
	result, err := f.Store.Do(ctx, ev, op)
	if err != nil && slices.Contains(kinds, op.Kind) {
		return lockstore.Result{Expires: time.Now().Add(ev.LockTTL), Now: time.Now()}, nil
	}
	return result, err
}

// TestFaultyServers checks that each fault is found, and that the program ends with
// an error.
func TestFaultyServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		store *faulty
		found func(*verdict) int
	}{
		"every payment succeeds": {
			&faulty{do: func(f *faulty, ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
				return f.alwaysDone(ctx, ev, op, lockstore.KindLock, lockstore.KindConfirm)
			}}, func(v *verdict) int { return v.SoldTwice },
		},
		"every lock succeeds": {
			&faulty{do: func(f *faulty, ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
				return f.alwaysDone(ctx, ev, op, lockstore.KindLock)
			}}, func(v *verdict) int { return v.HeldByTwo },
		},
		"one booking of five is forgotten": {
			&faulty{do: func(f *faulty, ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
				if op.Kind == lockstore.KindConfirm && f.calls.Add(1)%5 == 0 {
					return lockstore.Result{Now: time.Now()}, nil
				}
				return f.Store.Do(ctx, ev, op)
			}}, func(v *verdict) int { return v.Lost },
		},
		"a refusal books": {
			&faulty{do: func(f *faulty, ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
				result, err := f.Store.Do(ctx, ev, op)
				if op.Kind != lockstore.KindConfirm || err != nil || f.calls.Add(1)%5 > 0 {
					return result, err
				}
				return lockstore.Result{}, &lockstore.ConflictError{Reason: lockstore.LockNotHeld, Seats: []lockstore.Seat{{ID: op.Seats[0]}}}
			}}, func(v *verdict) int { return v.Stuck },
		},
		"bookings are no changes": {
			&faulty{list: func(f *faulty, ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
				snap, err := f.Store.List(ctx, ev, since)
				if !snap.Full {
					snap.Seats = slices.DeleteFunc(snap.Seats, func(s lockstore.ListedSeat) bool { return s.Status == lockstore.Booked })
				}
				return snap, err
			}}, func(v *verdict) int { return v.DeltasDiffer + v.Lost + v.Stuck },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := stampede(t.Context(), t, serve(t, c.store))
			if !errors.Is(err, errBroken) || r.Verdict.Kept || c.found(&r.Verdict) == 0 {
				t.Errorf("%v: the verdict is %+v", err, r.Verdict)
			}
		})
	}
}

// TestEverybodyWantsTheSame checks that one buyer gets the seat, and that the others
// are refused.
func TestEverybodyWantsTheSame(t *testing.T) {
	t.Parallel()
	r, err := stampede(t.Context(), t, serve(t, new(memstore.Store)), "-same", "-most", "1", "-pay", "1")
	if err != nil {
		t.Fatal(err)
	}
	if r.Buyers[paid] != 1 || r.Verdict.Bookings != 1 {
		t.Errorf("the report is %+v", r)
	}
}

// TestInterrupted checks that after Ctrl-C the program reports and checks what happened
// until then.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(500*time.Millisecond, cancel).Stop()
	r, err := stampede(ctx, t, serve(t, new(memstore.Store)), "-arrive", "1h")
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || r.Verdict.StuckJudged || !r.Verdict.Kept || r.Buyers[didNotCome] == 0 {
		t.Errorf("the report is %+v", r)
	}
}

// TestReportForPeople checks that the text report has everything that the JSON has.
func TestReportForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"-url", serve(t, new(memstore.Store)), "-users", "50", "-arrive", "100ms", "-think", "100ms", "-hurry"}, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"50 buyers for 60 seats of default", "booked", "p99", "lock ", "confirm ", "0  sold twice", "was not checked", "cheats   10 tried 100 calls that are not theirs: 90 refused, 0 let through, 0 unanswered; anybody may confirm here", "The server kept its promises."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, out.String())
		}
	}
}

func TestBadCalls(t *testing.T) {
	t.Parallel()
	good := serve(t, new(memstore.Store))
	for _, c := range []struct {
		args  []string
		usage bool
		want  string
	}{
		{[]string{"-users", "0"}, true, "-users 0"},
		{[]string{"-most", "201"}, true, "-most 201"},
		{[]string{"-extend", "2"}, true, "-extend"},
		{[]string{"-cheats", "-1"}, true, "-cheats and -hoarders"},
		{[]string{"-url", good, "-hoarders", "2"}, false, "made no guest"},
		{[]string{"-confirm-by", "anybody"}, true, "-confirm-by anybody"},
		{[]string{"-pay", "2"}, true, "-pay 2"},
		{[]string{"-think", "-1s"}, true, "must not be negative"},
		{[]string{"-nonsense"}, true, "nonsense"},
		{[]string{"word"}, true, `"word"`},
		{[]string{"-url", "nowhere"}, true, "nowhere"},
		{[]string{"-url", "http://127.0.0.1:1"}, false, "events"},
		{[]string{"-url", good, "-event", "other"}, false, `"other"`},
	} {
		err := run(t.Context(), c.args, io.Discard, io.Discard)
		if err == nil || errors.Is(err, errUsage) != c.usage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want usage %v and %q", c.args, err, c.usage, c.want)
		}
	}
}
