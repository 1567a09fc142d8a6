package telemetry

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"seatlock/lockstore"
)

// A StoreUse sums up the store calls of one request.
type StoreUse struct {
	Calls    int
	Failures int           // the calls that failed: unavailable, outcome_unknown or failed
	Took     time.Duration // of all calls together
}

// A StoreReport is called once for each call of a store. The operation is one of
// [Operations], the result one of [Results]. It must be safe for concurrent use.
type StoreReport func(operation, result string, took time.Duration)

// Operations returns the names of a [lockstore.LockStore]'s operations: the kinds of
// operations, list, wait, roster and journal.
func Operations() []string {
	var names []string
	for _, k := range lockstore.Kinds() {
		names = append(names, k.String())
	}
	return append(names, "list", "wait", "roster", "journal")
}

// Results are the results of store calls: conflict if seats prevent it, refused if its
// arguments are wrong, canceled if its context ends.
var Results = []string{"ok", "conflict", "refused", "canceled", "unavailable", "outcome_unknown", "failed"}

// failures are the results that are the store's fault.
var failures = []string{"unavailable", "outcome_unknown", "failed"}

// Store returns a store that does what s does and measures it: for the Outcome of the
// request that calls it, and for the report, which may be nil.
func Store(s lockstore.LockStore, report StoreReport) lockstore.LockStore {
	return &store{s, report}
}

type store struct {
	lockstore.LockStore
	report StoreReport
}

var _ lockstore.LockStore = (*store)(nil)

func (s *store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	began := time.Now()
	done, err := s.LockStore.Do(ctx, ev, op)
	s.measure(ctx, op.Kind.String(), err, began)
	return done, err
}

func (s *store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	began := time.Now()
	snap, err := s.LockStore.List(ctx, ev, since)
	s.measure(ctx, "list", err, began)
	return snap, err
}

func (s *store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	began := time.Now()
	err := s.LockStore.Wait(ctx, ev, since)
	s.measure(ctx, "wait", err, began)
	return err
}

// Roster measures the time until the iteration ends, without the time that its caller
// takes.
func (s *store) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	began := time.Now()
	seq, holdings := s.LockStore.Roster(ctx, ev, f)
	before := time.Since(began)
	return seq, func(yield func(lockstore.Holding, error) bool) {
		began := time.Now().Add(-before)
		var failure error
		for h, err := range holdings {
			failure = err
			yielded := time.Now()
			more := yield(h, err)
			began = began.Add(time.Since(yielded))
			if !more {
				break
			}
		}
		s.measure(ctx, "roster", failure, began)
	}
}

func (s *store) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	began := time.Now()
	entries, err := s.LockStore.Journal(ctx, ev, after, limit)
	s.measure(ctx, "journal", err, began)
	return entries, err
}

func (s *store) measure(ctx context.Context, operation string, err error, began time.Time) {
	took, result := time.Since(began), result(err)
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.used(took, slices.Contains(failures, result))
	}
	if s.report != nil {
		s.report(operation, result, took)
	}
}

func (r *request) used(took time.Duration, failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store.Calls++
	r.store.Took += took
	if failed {
		r.store.Failures++
	}
}

// result returns the result of a call that returned err.
func result(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, lockstore.ErrOutcomeUnknown):
		return "outcome_unknown"
	case errors.Is(err, lockstore.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return "unavailable"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, lockstore.ErrInvalid), errors.Is(err, lockstore.ErrUnknownSeats):
		return "refused"
	}
	if _, ok := errors.AsType[*lockstore.ConflictError](err); ok {
		return "conflict"
	}
	return "failed"
}
