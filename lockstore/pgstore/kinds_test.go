package pgstore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest"
)

// randomOp returns an operation of any kind on few seats of the event.
func randomOp(ev *lockstore.Event) lockstore.Op {
	user := lockstore.UserID(fmt.Sprint("user", rand.IntN(4)))
	ref := lockstore.Ref(fmt.Sprint("r", rand.IntN(2)))
	seats := make([]lockstore.SeatID, 1+rand.IntN(3))
	to := make([]lockstore.SeatID, len(seats))
	for i, place := range rand.Perm(len(ev.Seats))[:2*len(seats)] {
		if i < len(seats) {
			seats[i] = ev.Seats[place]
		} else {
			to[i-len(seats)] = ev.Seats[place]
		}
	}
	op := lockstore.Op{Kind: lockstore.Kinds()[rand.IntN(len(lockstore.Kinds()))], Seats: seats}
	switch op.Kind {
	case lockstore.KindLock, lockstore.KindRelease, lockstore.KindEvict:
		op.User = user
	case lockstore.KindExtend:
		op.User, op.Until = user, time.Now().Add(time.Second)
	case lockstore.KindConfirm, lockstore.KindBook:
		op.User, op.Ref = user, ref
	case lockstore.KindCancel:
		op.User = user
	case lockstore.KindMove:
		op.User, op.To = user, to
	case lockstore.KindBlock:
		op.Ref, op.Blocked = ref, rand.IntN(2) == 0
	}
	if rand.IntN(4) == 0 {
		op.NotAfter = time.Now().Add(time.Duration(rand.IntN(40)) * time.Millisecond)
	}
	return op
}

// TestAllKindsOfManyProcesses has the callers of three processes carry out operations of
// all kinds at random. There is no deadlock, and the journal agrees with the roster about
// who has booked what and which seats are blocked.
func TestAllKindsOfManyProcesses(t *testing.T) {
	srv := pgtest.New(t, append(pgtest.Unsafe, "deadlock_timeout=20ms")...)
	url := srv.URL("postgres")
	var stores []*pgstore.Store
	for range 3 {
		stores = append(stores, migrated(t, url))
	}
	ev := storetest.Event(t, "event", 300*time.Millisecond, 0, storetest.Seats(12)...)
	var made, changed, refused, unsure atomic.Int64
	var callers sync.WaitGroup
	for n := range 15 {
		callers.Go(func() {
			for made.Add(1) <= 3000 {
				result, err := stores[n%3].Do(t.Context(), ev, randomOp(ev))
				switch {
				case err == nil && len(result.Changed) > 0:
					changed.Add(1)
				case err == nil:
				case errors.As(err, new(*lockstore.ConflictError)), errors.Is(err, lockstore.ErrTooLate):
					refused.Add(1)
				case errors.Is(err, lockstore.ErrUnavailable), errors.Is(err, lockstore.ErrOutcomeUnknown):
					unsure.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()

	type holder struct {
		status lockstore.Status
		user   lockstore.UserID
		ref    lockstore.Ref
	}
	told := make(map[lockstore.SeatID]holder)
	for seq := lockstore.Seq(""); ; {
		var entries []lockstore.Entry
		entries, seq = mustJournal(t, stores[0], ev, seq)
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			for i, seat := range e.Seats {
				switch e.Kind {
				case lockstore.KindConfirm, lockstore.KindBook:
					told[seat] = holder{lockstore.Booked, e.User, e.Ref}
				case lockstore.KindBlock:
					told[seat] = holder{lockstore.Blocked, "", e.Ref}
				case lockstore.KindMove:
					told[e.To[i]] = told[seat]
					delete(told, seat)
				case lockstore.KindCancel, lockstore.KindUnblock:
					delete(told, seat)
				}
			}
		}
	}
	for _, h := range mustRoster(t, stores[1], ev, lockstore.Filter{}) {
		if h.Status == lockstore.Locked {
			continue
		}
		if got := (holder{h.Status, h.User, h.Ref}); got != told[h.Seat] {
			t.Errorf("the roster has %s as %+v, and the journal as %+v", h.Seat, got, told[h.Seat])
		}
		delete(told, h.Seat)
	}
	if len(told) > 0 {
		t.Errorf("the journal has seats that the roster has not: %v", told)
	}
	var deadlocks int
	if err := admin(t, url).QueryRow(t.Context(), "SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'").Scan(&deadlocks); err != nil || deadlocks > 0 {
		t.Errorf("%d deadlocks, %v", deadlocks, err)
	}
	t.Logf("%d operations changed seats, %d were refused, and of %d the outcome is not known", changed.Load(), refused.Load(), unsure.Load())
}
