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

	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// serve serves one event of 60 seats, with locks of a second, from the store.
func serve(t *testing.T, store lockstore.LockStore) string {
	t.Helper()
	m, err := venue.Grid(6, 10, venue.Defaults{LockTTL: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: store, Events: []venue.Event{m}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(api.Routes())
	t.Cleanup(s.Close)
	return s.URL
}

// stormOn runs the program and returns its report.
func stormOn(ctx context.Context, t *testing.T, url string, args ...string) (report, error) {
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
	r, err := stormOn(t.Context(), t, serve(t, new(lockstore.Memory)))
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

// faulty is Memory with some of its calls replaced.
type faulty struct {
	*lockstore.Memory
	lock    func(*faulty, context.Context, *lockstore.Event, []lockstore.SeatID, lockstore.UserID) (time.Time, error)
	confirm func(*faulty, context.Context, *lockstore.Event, []lockstore.SeatID, lockstore.UserID) error
	list    func(*faulty, context.Context, *lockstore.Event, lockstore.Version) (lockstore.Snapshot, error)
	calls   atomic.Int64
}

func (f *faulty) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	if f.lock != nil {
		return f.lock(f, ctx, ev, seats, user)
	}
	return f.Memory.Lock(ctx, ev, seats, user)
}

func (f *faulty) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	if f.confirm != nil {
		return f.confirm(f, ctx, ev, seats, user)
	}
	return f.Memory.Confirm(ctx, ev, seats, user)
}

func (f *faulty) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	if f.list != nil {
		return f.list(f, ctx, ev, since)
	}
	return f.Memory.List(ctx, ev, since)
}

// TestFaultyServers: each fault is found, and ends the program with an error.
func TestFaultyServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		store *faulty
		found func(*verdict) int
	}{
		"whoever pays gets it": {
			&faulty{
				lock: func(f *faulty, ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
					if expires, err := f.Memory.Lock(ctx, ev, seats, user); err == nil {
						return expires, nil
					}
					return time.Now().Add(ev.LockTTL), nil
				},
				confirm: func(f *faulty, ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
					_ = f.Memory.Confirm(ctx, ev, seats, user)
					return nil
				},
			}, func(v *verdict) int { return v.SoldTwice },
		},
		"two have it": {
			&faulty{lock: func(f *faulty, ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
				if expires, err := f.Memory.Lock(ctx, ev, seats, user); err == nil {
					return expires, nil
				}
				return time.Now().Add(ev.LockTTL), nil
			}}, func(v *verdict) int { return v.HeldByTwo },
		},
		"one booking of five is forgotten": {
			&faulty{confirm: func(f *faulty, ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
				if f.calls.Add(1)%5 == 0 {
					return nil
				}
				return f.Memory.Confirm(ctx, ev, seats, user)
			}}, func(v *verdict) int { return v.Lost },
		},
		"a refusal books": {
			&faulty{confirm: func(f *faulty, ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
				if err := f.Memory.Confirm(ctx, ev, seats, user); err != nil || f.calls.Add(1)%5 > 0 {
					return err
				}
				return &lockstore.ConflictError{Reason: lockstore.LockNotHeld, Seats: []lockstore.Seat{{ID: seats[0], Status: lockstore.Available}}}
			}}, func(v *verdict) int { return v.Stuck },
		},
		"bookings are no changes": {
			&faulty{list: func(f *faulty, ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
				snap, err := f.Memory.List(ctx, ev, since)
				if !snap.Full {
					snap.Seats = slices.DeleteFunc(snap.Seats, func(s lockstore.Seat) bool { return s.Status == lockstore.Booked })
				}
				return snap, err
			}}, func(v *verdict) int { return v.DeltasDiffer + v.Lost + v.Stuck },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.store.Memory = new(lockstore.Memory)
			r, err := stormOn(t.Context(), t, serve(t, c.store))
			if !errors.Is(err, errBroken) || r.Verdict.Kept || c.found(&r.Verdict) == 0 {
				t.Errorf("%v: the verdict is %+v", err, r.Verdict)
			}
		})
	}
}

// TestEverybodyWantsTheSame: one buyer gets it, and the others are told.
func TestEverybodyWantsTheSame(t *testing.T) {
	t.Parallel()
	r, err := stormOn(t.Context(), t, serve(t, new(lockstore.Memory)), "-same", "-most", "1", "-pay", "1")
	if err != nil {
		t.Fatal(err)
	}
	if r.Buyers[paid] != 1 || r.Verdict.Bookings != 1 {
		t.Errorf("the report is %+v", r)
	}
}

// TestInterrupted: what was seen until Ctrl-C is reported and judged.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(500*time.Millisecond, cancel).Stop()
	r, err := stormOn(ctx, t, serve(t, new(lockstore.Memory)), "-arrive", "1h")
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || r.Verdict.StuckJudged || !r.Verdict.Kept || r.Buyers[cameNever] == 0 {
		t.Errorf("the report is %+v", r)
	}
}

// TestReportForPeople: the report says all that the JSON does.
func TestReportForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"-url", serve(t, new(lockstore.Memory)), "-users", "50", "-arrive", "100ms", "-think", "100ms", "-hurry"}, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"50 buyers for 60 seats of default", "booked", "p99", "lock ", "confirm ", "0  sold twice", "was not judged", "The server kept what it told."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, out.String())
		}
	}
}

func TestBadCalls(t *testing.T) {
	t.Parallel()
	good := serve(t, new(lockstore.Memory))
	for _, c := range []struct {
		args  []string
		usage bool
		want  string
	}{
		{[]string{"-users", "0"}, true, "-users 0"},
		{[]string{"-most", "51"}, true, "-most 51"},
		{[]string{"-pay", "2"}, true, "-pay 2"},
		{[]string{"-think", "-1s"}, true, "less than nothing"},
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
