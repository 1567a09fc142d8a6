package telemetry

import (
	"context"
	"errors"
	"time"

	"seatlock/lockstore"
)

// StoreUse is what a store was asked on behalf of one request.
type StoreUse struct {
	Calls    int
	Failures int           // of them, those that were [Failure]s
	Took     time.Duration // all together
}

// A StoreReport is told of each call of a store: the operation is one of
// Operations, the result one of Results. It is called by many at once.
type StoreReport func(operation, result string, took time.Duration)

// Operations are the calls of a [lockstore.LockStore].
var Operations = []string{"lock", "confirm", "release", "list", "wait"}

// Results are what may come of one. A conflict is an answer as good as ok:
// somebody else has the seat. Refused is an error in what was asked, canceled
// one whose caller has left.
var Results = []string{"ok", "conflict", "refused", "canceled", "unavailable", "outcome_unknown", "failed"}

// Failure tells whether a result is the fault of the store.
func Failure(result string) bool {
	return result == "unavailable" || result == "outcome_unknown" || result == "failed"
}

// Store returns a store that does what s does, and tells of it: in the Outcome
// of the request that is answered with it, and in the report, unless that is
// nil.
func Store(s lockstore.LockStore, report StoreReport) lockstore.LockStore {
	return &store{s, report}
}

type store struct {
	lockstore.LockStore
	report StoreReport
}

var _ lockstore.LockStore = (*store)(nil)

func (s *store) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	began := time.Now()
	expires, err := s.LockStore.Lock(ctx, ev, seats, user)
	s.tell(ctx, "lock", err, began)
	return expires, err
}

func (s *store) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	began := time.Now()
	err := s.LockStore.Confirm(ctx, ev, seats, user)
	s.tell(ctx, "confirm", err, began)
	return err
}

func (s *store) Release(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	began := time.Now()
	err := s.LockStore.Release(ctx, ev, seats, user)
	s.tell(ctx, "release", err, began)
	return err
}

func (s *store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	began := time.Now()
	snap, err := s.LockStore.List(ctx, ev, since)
	s.tell(ctx, "list", err, began)
	return snap, err
}

func (s *store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	began := time.Now()
	err := s.LockStore.Wait(ctx, ev, since)
	s.tell(ctx, "wait", err, began)
	return err
}

func (s *store) tell(ctx context.Context, operation string, err error, began time.Time) {
	took, result := time.Since(began), result(err)
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		r.used(took, Failure(result))
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

// result is what an error of a store means.
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
