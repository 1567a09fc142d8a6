package pgstore_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
)

// through is the URL of a server behind a proxy.
func through(t *testing.T, url, addr string, proxy *faults.Proxy) string {
	t.Helper()
	return strings.Replace(url, addr, proxy.Addr, 1)
}

// TestLostReply: PostgreSQL did what was asked and its answer was lost. Nobody
// may be told "taken" of what they have.
func TestLostReply(t *testing.T) {
	srv, name := newDatabase(t)
	proxy := faults.NewProxy(t, srv.Addr)
	s := storeAt(t, through(t, srv.URL(name), srv.Addr, proxy)+"&pool_max_conns=1")
	ctx, ev := t.Context(), newEvent(t, 3)
	// So that there is a connection, which knows every statement.
	mustLock(t, s, ev, ben, "A3")
	for _, settle := range []func(context.Context, *lockstore.Event, []lockstore.SeatID, lockstore.UserID) error{s.Confirm, s.Release} {
		if err := settle(ctx, ev, []lockstore.SeatID{"A3"}, ann); err != nil && !errors.Is(err, lockstore.LockNotHeld) {
			t.Fatal(err)
		}
	}
	v := mustList(t, s, ev, "").Version

	lost := func(what string, do func() error) {
		t.Helper()
		proxy.SwallowReply()
		if err := do(); !errors.Is(err, lockstore.ErrOutcomeUnknown) || !proxy.Swallowed() {
			t.Fatalf("%s without a reply: %v, want ErrOutcomeUnknown", what, err)
		}
		if err := do(); err != nil {
			t.Fatalf("%s again: %v", what, err)
		}
	}
	lost("Lock", func() error { _, err := s.Lock(ctx, ev, []lockstore.SeatID{"A1", "A2"}, ann); return err })
	if _, err := s.Lock(ctx, ev, []lockstore.SeatID{"A1"}, ben); !errors.Is(err, lockstore.SeatLocked) {
		t.Errorf("the seat of a lost reply is ben's: %v", err)
	}
	lost("Confirm", func() error { return s.Confirm(ctx, ev, []lockstore.SeatID{"A1"}, ann) })
	lost("Release", func() error { return s.Release(ctx, ev, []lockstore.SeatID{"A2"}, ann) })
	wantSeats(t, mustList(t, s, ev, v), "A1 booked", "A2 available")
	proxy.SwallowReply()
	if _, err := s.List(ctx, ev, ""); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("List without a reply: %v, want ErrUnavailable: nothing can have been done", err)
	}
}

// everyCall makes each call of the store once.
func everyCall(ctx context.Context, s lockstore.LockStore, ev *lockstore.Event) map[string]error {
	_, lockErr := s.Lock(ctx, ev, []lockstore.SeatID{"A1"}, ann)
	_, listErr := s.List(ctx, ev, "")
	return map[string]error{
		"lock": lockErr, "list": listErr,
		"confirm": s.Confirm(ctx, ev, []lockstore.SeatID{"A1"}, ann),
		"release": s.Release(ctx, ev, []lockstore.SeatID{"A1"}, ben),
		"wait":    s.Wait(ctx, ev, ""),
	}
}

// TestPostgreSQLGoesAway, as in a crash: what cannot have been done is said to
// be, the store goes on by itself once it is back, and nothing is lost.
func TestPostgreSQLGoesAway(t *testing.T) {
	srv := pgtest.New(t)
	s := storeAt(t, srv.URL("postgres"))
	ev := newEvent(t, 3)
	expires := mustLock(t, s, ev, ann, "A1")
	mustLock(t, s, ev, ben, "A2")
	if err := s.Confirm(t.Context(), ev, []lockstore.SeatID{"A2"}, ben); err != nil {
		t.Fatal(err)
	}
	before := mustList(t, s, ev, "")
	waiting := make(chan error, 1)
	go func() { waiting <- s.Wait(t.Context(), ev, before.Version) }()

	srv.Kill()
	if err := <-waiting; !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Wait while PostgreSQL goes away: %v", err)
	}
	_ = everyCall(t.Context(), s, ev) // on connections that are there no more
	for call, err := range everyCall(t.Context(), s, ev) {
		if !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("%s without PostgreSQL: %v, want ErrUnavailable", call, err)
		}
	}
	if err := srv.Restart(); err != nil {
		t.Fatal(err)
	}
	if again := mustLock(t, s, ev, ann, "A1"); !again.Equal(expires) {
		t.Errorf("the lock ended at %v, and after a crash at %v", expires, again)
	}
	after := mustList(t, s, ev, before.Version)
	if !after.Full && len(after.Seats) > 0 {
		t.Errorf("nothing changed, and the list is %+v", after)
	}
	wantSeats(t, mustList(t, s, ev, ""), "A1 locked", "A2 booked")
}

// TestEveryCallEndsWithinASecond, by the clock of a bubble and without a
// deadline of the caller's, on a database that never says anything.
func TestEveryCallEndsWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := pgxpool.ParseConfig("postgres://user@192.0.2.1/seats?sslmode=disable&pool_max_conns=2")
		if err != nil {
			t.Fatal(err)
		}
		c.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				buf := make([]byte, 4096)
				for {
					if _, err := there.Read(buf); err != nil {
						return
					}
				}
			}()
			return here, nil
		}
		pool, err := pgxpool.NewWithConfig(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		s, ev := pgstore.New(pool), newEvent(t, 1)
		began := time.Now()
		ended := make(chan error, 100)
		for range cap(ended) / 5 {
			go func() {
				for _, err := range everyCall(context.Background(), s, ev) {
					ended <- err
				}
			}()
		}
		for range cap(ended) {
			if err := <-ended; !errors.Is(err, lockstore.ErrUnavailable) {
				t.Fatalf("a call that no connection was found for: %v, want ErrUnavailable", err)
			}
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("five calls one after the other took %v", took)
		}
	})
}

// TestWaitsForNobodyTooLong: a transaction that does not end keeps its seats,
// and those who want them are told that nothing was done.
func TestWaitsForNobodyTooLong(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	mustLock(t, s, ev, ann, "A1", "A2")
	tx, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM seatlock.seat WHERE place = 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if err := s.Confirm(t.Context(), ev, []lockstore.SeatID{"A1", "A2"}, ann); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Confirm of a row that somebody keeps: %v, want ErrUnavailable", err)
	}
	wantSeats(t, mustList(t, s, ev, ""), "A1 locked", "A2 locked")
	if _, err := s.Lock(t.Context(), ev, []lockstore.SeatID{"A2"}, "bob"); !errors.Is(err, lockstore.SeatLocked) {
		t.Errorf("Lock of a row that somebody keeps: %v, want that it is locked", err)
	}
	if _, err := tx.Exec(t.Context(), `INSERT INTO seatlock.seat (event, place, name, holder, since, until)
		SELECT event, 2, 'A3', holder, since, until FROM seatlock.seat WHERE place = 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock(t.Context(), ev, []lockstore.SeatID{"A3"}, "bob"); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Lock of a row that somebody is making: %v, want ErrUnavailable", err)
	}
	if err := s.Confirm(t.Context(), ev, []lockstore.SeatID{"A1"}, ann); err != nil {
		t.Errorf("Confirm of another: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Confirm(t.Context(), ev, []lockstore.SeatID{"A2"}, ann); err != nil {
		t.Error(err)
	}
}

// TestUndoneCallsAreMadeAgain: where the database undoes one of two transactions
// for the other, the caller does not notice.
func TestUndoneCallsAreMadeAgain(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	mustLock(t, s, ev, ann, "A1")
	ctl := admin(t, url)
	// Under this isolation a transaction fails that waited for a row which changed.
	if _, err := ctl.Exec(t.Context(), "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database()); END $$"); err != nil {
		t.Fatal(err)
	}
	strict := storeAt(t, url)
	tx, err := ctl.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "UPDATE seatlock.seat SET until = 'infinity' WHERE place = 0"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- strict.Release(t.Context(), ev, []lockstore.SeatID{"A1"}, ann) }()
	look := admin(t, url)
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		if err := look.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if len(ended) > 0 {
			t.Fatalf("Release did not wait: %v", <-ended)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, lockstore.SeatBooked) {
		t.Errorf("Release of what was booked meanwhile: %v, want SeatBooked", err)
	}
}
