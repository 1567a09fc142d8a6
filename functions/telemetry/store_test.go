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

// TestContract checks that a measured store keeps the contract.
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

func (f failing) Do(context.Context, *lockstore.Event, lockstore.Op) (lockstore.Result, error) {
	time.Sleep(time.Second)
	return lockstore.Result{}, f.err
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
			t.Errorf("%s is not in Results", want)
		}
		synctest.Test(t, func(t *testing.T) {
			var reported []string
			s := telemetry.Store(failing{err: err}, func(operation, result string, took time.Duration) {
				reported = append(reported, fmt.Sprint(operation, " ", result, " ", took))
			})
			var got error
			o, _ := seen(t, plain(func(_ http.ResponseWriter, r *http.Request) {
				for range 2 {
					_, got = s.Do(r.Context(), nil, lockstore.Confirm("ann"))
				}
			}))
			if got != err {
				t.Errorf("the store returned %v, want %v", got, err)
			}
			if line := "confirm " + want + " 1s"; !slices.Equal(reported, []string{line, line}) {
				t.Errorf("%v is reported as %q, want %s", err, reported, want)
			}
			use := telemetry.StoreUse{Calls: 2, Took: 2 * time.Second}
			if slices.Contains([]string{"unavailable", "outcome_unknown", "failed"}, want) {
				use.Failures = 2
			}
			if o.Store != use {
				t.Errorf("%v: the request's StoreUse is %+v, want %+v", err, o.Store, use)
			}
		})
	}
}

// TestEveryCallIsReported checks that each call is reported once, by its name.
func TestEveryCallIsReported(t *testing.T) {
	ev := storetest.Event(t, "gala", time.Minute, 0, "A1")
	var reported []string
	s := telemetry.Store(new(memstore.Store), func(operation, result string, _ time.Duration) { reported = append(reported, operation+" "+result) })
	ctx := t.Context()
	_, lock := s.Do(ctx, ev, lockstore.Lock("ann", "A1"))
	_, list := s.List(ctx, ev, "")
	_, confirm := s.Do(ctx, ev, lockstore.Confirm("ann", "A1"))
	if err := errors.Join(lock, list, confirm, s.Wait(ctx, ev, "")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(ctx, ev, lockstore.Release("ann", "A1")); err == nil {
		t.Error("a booking was released")
	}
	if want := []string{"lock ok", "list ok", "confirm ok", "wait ok", "release conflict"}; !slices.Equal(reported, want) {
		t.Errorf("the reports are %q, want %q", reported, want)
	}
}
