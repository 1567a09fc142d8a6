package pgstore_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
)

// TestVanishedClientHoldsNobodyUp checks that a client whose machine vanishes in
// the middle of a call, at any point of it, does not hold up others who want the call's
// seats for long.
func TestVanishedClientHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for _, behind := range []string{"direct", "behind a pooler"} {
		t.Run(behind, func(t *testing.T) {
			t.Parallel()
			other, url := newStore(t)
			srv, err := server()
			if err != nil {
				t.Fatal(err)
			}
			front := srv.Addr
			if behind != "direct" {
				front = pgtest.NewPoolerTo(t, srv, srv.Addr, poolerSettings(t)...)
				url += "&default_query_exec_mode=cache_describe"
			}
			ev := newEvent(t, 40)
			if err := untilAnswered(t, other, ev, lockstore.Lock(ben, "A40")); err != nil {
				t.Fatal(err)
			}
			for i, missing := range []int{1, 5, 6, 12, 15, 16, 40, 1000} {
				proxy := faults.NewProxy(t, front)
				s := storeAt(t, strings.Replace(url, srv.Addr, proxy.Addr, 1))
				seat := ev.Seats[i]
				t.Run(fmt.Sprintf("%d bytes missing", missing), func(t *testing.T) {
					t.Parallel()
					var err error
					for began := time.Now(); !errors.Is(err, lockstore.ErrOutcomeUnknown); {
						if time.Since(began) > time.Minute {
							t.Fatalf("Lock by a client that vanishes: %v, want ErrOutcomeUnknown", err)
						}
						// So that what is sent next is a call. On a slow machine it may be
						// something else.
						_ = do(t, s, ev, lockstore.Lock(ann, "A39"))
						_ = do(t, s, ev, lockstore.Release(ann, seat))
						proxy.Vanish(func(n int) int { return max(n-missing, 0) })
						err = do(t, s, ev, lockstore.Lock(ann, seat))
					}
					if err := untilAnswered(t, other, ev, lockstore.Lock(ben, seat)); err != nil {
						t.Errorf("another's lock of the seat: %v", err)
					}
				})
			}
		})
	}
}

// poolerSettings returns the settings of PgBouncer that the README asks for.
func poolerSettings(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(readme), "```ini\n")
	text, _, _ = strings.Cut(text, "```")
	if !found {
		t.Fatal("the README has no settings of PgBouncer")
	}
	return strings.Split(strings.TrimSpace(text), "\n")
}

// TestStalledTransactionHoldsNobodyUp checks that the server ends a transaction whose
// client stops in the middle of it.
func TestStalledTransactionHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s, url := newStore(t)
	ev := newEvent(t, 1)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	pool, err := pgstore.Pool(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }() // the server has ended it
	if _, err := tx.Exec(t.Context(), "SELECT FROM seatlock.seat FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if err := untilAnswered(t, s, ev, lockstore.Confirm(ann, "A1")); err != nil {
		t.Error(err)
	}
}

// untilAnswered repeats an operation while it fails with ErrUnavailable, which must not
// take long, and returns its error.
func untilAnswered(t *testing.T, s *pgstore.Store, ev *lockstore.Event, op lockstore.Op) (err error) {
	t.Helper()
	for began := time.Now(); ; {
		if err = do(t, s, ev, op); !errors.Is(err, lockstore.ErrUnavailable) {
			return err
		}
		if time.Since(began) > 6*time.Second { // two seconds, on a busy machine
			t.Fatalf("%s of a seat that a client keeps which stopped or vanished: %v", op.Kind, err)
		}
	}
}

// TestServerVanishes checks that a pool whose server lost its power does not wait for
// it once the server's name refers to the standby.
func TestServerVanishes(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s, ev := storeAt(t, p.url), newEvent(t, 40)
	if err := crowd(t, s, ev, ann); err != nil {
		t.Fatal(err)
	}
	if err := p.name.Silence(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 2*time.Second; {
		if err := crowd(t, s, ev, ann); err == nil {
			t.Fatal("a silent server is used")
		}
	}
	if err := p.standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.name.RedirectNew(p.standby.Addr)
	if err := p.name.EndSilence(); err != nil {
		t.Fatal(err)
	}
	within(t, soon, s, ev)
}
