package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/telemetry"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
)

// TestContract: a measured store keeps the contract.
func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) lockstore.LockStore {
		return telemetry.Store(new(memstore.Store), func(string, string, time.Duration) {})
	})
}

// failing is a store whose every call takes a second and ends with err.
type failing struct {
	lockstore.LockStore
	err error
}

func (f failing) Confirm(context.Context, *lockstore.Event, []lockstore.SeatID, lockstore.UserID) error {
	time.Sleep(time.Second)
	return f.err
}

func TestResults(t *testing.T) {
	cause := errors.New("some cause")
	for want, err := range map[string]error{
		"ok":              nil,
		"conflict":        fmt.Errorf("x: %w", &lockstore.ConflictError{Reason: lockstore.LockExpired}),
		"refused":         &lockstore.InvalidError{Problem: "none"},
		"canceled":        fmt.Errorf("x: %w", context.Canceled),
		"unavailable":     fmt.Errorf("%w: %w", lockstore.ErrUnavailable, cause),
		"outcome_unknown": fmt.Errorf("%w: %w", lockstore.ErrOutcomeUnknown, context.DeadlineExceeded),
		"failed":          cause,
	} {
		if !slices.Contains(telemetry.Results, want) {
			t.Errorf("%s is no result", want)
		}
		synctest.Test(t, func(t *testing.T) {
			var reported []string
			s := telemetry.Store(failing{err: err}, func(operation, result string, took time.Duration) {
				reported = append(reported, fmt.Sprint(operation, " ", result, " ", took))
			})
			var got error
			o, _ := seen(t, plain(func(_ http.ResponseWriter, r *http.Request) {
				for range 2 {
					got = s.Confirm(r.Context(), nil, nil, "")
				}
			}))
			if got != err {
				t.Errorf("%v becomes %v", err, got)
			}
			if line := "confirm " + want + " 1s"; !slices.Equal(reported, []string{line, line}) {
				t.Errorf("%v is reported as %q, want %s", err, reported, want)
			}
			use := telemetry.StoreUse{Calls: 2, Took: 2 * time.Second}
			if telemetry.Failure(want) {
				use.Failures = 2
			}
			if o.Store != use {
				t.Errorf("%v: the request has %+v, want %+v", err, o.Store, use)
			}
		})
	}
}

// TestEveryCallIsReported once, by its name.
func TestEveryCallIsReported(t *testing.T) {
	ev, err := lockstore.NewEvent("gala", []lockstore.SeatID{"A1"}, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	var reported []string
	s := telemetry.Store(new(memstore.Store), func(operation, result string, _ time.Duration) { reported = append(reported, operation+" "+result) })
	ctx, seats := t.Context(), []lockstore.SeatID{"A1"}
	_, lock := s.Lock(ctx, ev, seats, "ann")
	_, list := s.List(ctx, ev, "")
	if err := errors.Join(lock, list, s.Confirm(ctx, ev, seats, "ann"), s.Wait(ctx, ev, "")); err != nil {
		t.Fatal(err)
	}
	if s.Release(ctx, ev, seats, "ann") == nil {
		t.Error("a booking is released")
	}
	if want := []string{"lock ok", "list ok", "confirm ok", "wait ok", "release conflict"}; !slices.Equal(reported, want) {
		t.Errorf("the reports are %q, want %q", reported, want)
	}
}
