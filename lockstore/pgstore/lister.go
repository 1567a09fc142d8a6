package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
)

// A lister lets callers that want the same list share one trip to the database, and
// bounds how many connections lists may use: the others are for sales.
type lister struct {
	conns chan struct{} // as many elements as trips that are under way

	mu      sync.Mutex
	waiting map[listKey]*listTrip // those that have not begun yet
}

// A listKey is what two lists must have in common to share a trip.
type listKey struct {
	event       lockstore.EventID
	fingerprint string
	revision    int
	since       mark
}

// A listTrip is one query for all callers that asked for the list before it began. It
// sees every change that was acknowledged before any of them called.
type listTrip struct {
	callers int // fixed once it has begun
	done    chan struct{}
	snap    lockstore.Snapshot // once done, like err
	err     error
}

func newLister(pool *pgxpool.Pool) *lister {
	return &lister{
		conns:   make(chan struct{}, max(1, pool.Config().MaxConns/4)),
		waiting: make(map[listKey]*listTrip),
	}
}

// errListsQueue is returned for a list that did not begin within patience.
var errListsQueue = fmt.Errorf("%w: PostgreSQL is not keeping up with lists", lockstore.ErrUnavailable)

// list returns what read returns, which runs at least once after the call began. The
// caller owns the slices of the snapshot. If the context of one caller ends, the trip
// goes on for the others.
func (l *lister) list(ctx context.Context, key listKey, read func(context.Context) (lockstore.Snapshot, error)) (lockstore.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return lockstore.Snapshot{}, err
	}
	l.mu.Lock()
	t := l.waiting[key]
	if t == nil {
		t = &listTrip{done: make(chan struct{})}
		l.waiting[key] = t
		go l.travel(context.WithoutCancel(ctx), key, t, read)
	}
	t.callers++
	l.mu.Unlock()
	select {
	case <-t.done:
	case <-ctx.Done():
		return lockstore.Snapshot{}, ctx.Err()
	}
	snap := t.snap
	if t.callers > 1 {
		snap.Seats = slices.Clone(snap.Seats)
	}
	return snap, t.err
}

// travel makes a trip once there is a connection for it.
func (l *lister) travel(ctx context.Context, key listKey, t *listTrip, read func(context.Context) (lockstore.Snapshot, error)) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	defer close(t.done)
	begins := l.begins()
	l.mu.Lock()
	delete(l.waiting, key)
	l.mu.Unlock()
	if !begins {
		t.err = errListsQueue
		return
	}
	defer func() { <-l.conns }()
	t.snap, t.err = read(ctx)
	if errors.Is(t.err, context.DeadlineExceeded) && !errors.Is(t.err, lockstore.ErrUnavailable) {
		t.err = fmt.Errorf("%w: %w", lockstore.ErrUnavailable, t.err) // of the trip's context, not the callers'
	}
}

// begins waits until a trip may begin, and reports whether it may.
func (l *lister) begins() bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case l.conns <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}
