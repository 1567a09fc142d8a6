package pgstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
)

// soon bounds how long a pool may stay with a server that its name no longer refers to,
// on a busy machine.
const soon = 10 * time.Second

// A pair is a server and its synchronous standby, behind one name.
type pair struct {
	primary, standby *pgtest.Server
	name             *faults.Proxy
	url              string // of a database, with the name
}

func newPair(t *testing.T, standbySettings ...string) *pair {
	t.Helper()
	primary := pgtest.New(t, pgtest.Unsafe...)
	migrated(t, primary.URL("postgres"))
	standby := pgtest.NewStandby(t, primary, append(standbySettings, pgtest.Unsafe...)...)
	if err := primary.Synchronize(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := faults.NewProxy(t, primary.Addr)
	return &pair{primary, standby, name, strings.Replace(primary.URL("postgres"), primary.Addr, name.Addr, 1)}
}

// crowd makes as many calls at once as a pool has connections, each for a seat of its
// own, and returns all errors.
func crowd(t *testing.T, s *pgstore.Store, ev *lockstore.Event, user lockstore.UserID) error {
	t.Helper()
	var all sync.WaitGroup
	failed := make([]error, 32)
	for i := range failed {
		all.Go(func() {
			_, err := s.List(t.Context(), ev, "")
			failed[i] = errors.Join(err, do(t, s, ev, lockstore.Lock(user, ev.Seats[i])))
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// within repeats a crowd until all of it succeeds.
func within(t *testing.T, bound time.Duration, s *pgstore.Store, ev *lockstore.Event) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := crowd(t, s, ev, ann)
		if err == nil {
			break
		}
		if time.Since(began) > bound {
			t.Fatalf("still after %v: %v", bound, err)
		}
	}
	for range 5 {
		if err := crowd(t, s, ev, ann); err != nil {
			t.Errorf("a call fails although others succeeded before: %v", err)
		}
	}
}

// TestSwitchOverBehindOneName checks that a pool does not stay with a server that
// became a standby, although its name referred to that server for a while.
func TestSwitchOverBehindOneName(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s, ev := storeAt(t, p.url), newEvent(t, 40)
	if err := crowd(t, s, ev, ann); err != nil {
		t.Fatal(err)
	}
	p.primary.Stop()
	if err := p.standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.primary.Follow(p.standby); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err := s.List(t.Context(), ev, "")
		if err := errors.Join(err, do(t, s, ev, lockstore.Confirm(ann, ev.Seats[0]))); !errors.Is(err, lockstore.ErrUnavailable) || errors.Is(err, lockstore.ErrOutcomeUnknown) {
			t.Errorf("while the name means a standby: %v, want ErrUnavailable", err)
		}
	}
	if _, err := s.Check(t.Context()); !errors.Is(err, lockstore.ErrUnavailable) || !strings.Contains(err.Error(), "replica") {
		t.Errorf("Check of a standby: %v, want ErrUnavailable, as it may take over", err)
	}
	p.name.RedirectNew(p.standby.Addr)
	within(t, soon, s, ev)
	if err := do(t, s, ev, lockstore.Lock(ben, ev.Seats[0])); !errors.Is(err, lockstore.SeatLocked) {
		t.Errorf("Lock of a seat that was locked before: %v, want SeatLocked", err)
	}
}

// TestServerBecomesReadOnly checks that calls do not notice when the server of all
// connections becomes read-only while its name already refers to another.
func TestServerBecomesReadOnly(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s, ev := storeAt(t, p.url), newEvent(t, 40)
	if err := crowd(t, s, ev, ann); err != nil {
		t.Fatal(err)
	}
	if err := p.standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.name.RedirectNew(p.standby.Addr)
	if err := p.primary.Set(t.Context(), "default_transaction_read_only", "on"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // until every process of the server knows
	if err := crowd(t, s, ev, ann); err != nil {
		t.Errorf("a call that did nothing was not made again: %v", err)
	}
}

// TestServerWithOtherSettings checks that a server that takes over is not used if
// its settings lose bookings, directly and behind a pooler.
func TestServerWithOtherSettings(t *testing.T) {
	t.Parallel()
	for _, behind := range []string{"direct", "behind a pooler"} {
		t.Run(behind, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, "synchronous_commit=off")
			url := p.url
			if behind != "direct" {
				url = strings.Replace(url, p.name.Addr, pgtest.NewPoolerTo(t, p.primary, p.name.Addr), 1) + "&default_query_exec_mode=cache_describe"
			}
			s, ev := storeAt(t, url), newEvent(t, 40)
			if err := crowd(t, s, ev, ann); err != nil {
				t.Fatal(err)
			}
			p.primary.Stop()
			if err := p.standby.Promote(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.name.Redirect(p.standby.Addr)
			says := "synchronous_commit is off"
			for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
				err := do(t, s, ev, lockstore.Lock(ann, ev.Seats[1]))
				if errors.Is(err, lockstore.ErrUnavailable) && strings.Contains(err.Error(), says) {
					break
				}
				if time.Since(began) > soon {
					t.Fatalf("a server that loses bookings is used: %v, want ErrUnavailable and %q", err, says)
				}
			}
			if err := crowd(t, s, ev, ann); err == nil || strings.Count(err.Error(), lockstore.ErrUnavailable.Error()) != 64 {
				t.Errorf("a server that loses bookings is used: %v", err)
			}
			if _, err := s.Check(t.Context()); !errors.Is(err, pgstore.ErrSettings) {
				t.Errorf("Check: %v, want ErrSettings", err)
			}
			if behind != "direct" {
				return // a pooler keeps using connections with the settings from before the fix
			}
			_, fix, _ := strings.Cut(fmt.Sprint(do(t, s, ev, lockstore.Lock(ann, ev.Seats[1]))), "fix it with: ")
			if _, err := p.standby.Exec(t.Context(), "postgres", fix); err != nil {
				t.Fatal(err)
			}
			within(t, soon, s, ev)
		})
	}
}
