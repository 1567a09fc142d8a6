package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// A Backend is the server of a store, which the suite makes fail. Nothing else may
// use the server.
type Backend struct {
	// Addr is where the server listens: host and port.
	Addr string

	// Store returns a new store that finds the server at addr, and ends with the
	// test. Calls that are made one after the other must share a connection.
	Store func(t *testing.T, addr string) lockstore.LockStore

	// Kill ends the server as a crash does. Restart starts it again at Addr, with
	// what it has kept.
	Kill    func()
	Restart func() error

	// Keeps reports whether the server still has all that was acknowledged after
	// Restart. Otherwise it has nothing.
	Keeps bool

	// Notices reports whether the store notices that the server has ended a
	// connection before it sends a call over it.
	Notices bool

	// Silent returns a new store whose server takes connections and never
	// answers. It is called in a testing/synctest bubble, and what it starts must
	// end with t.Cleanup. If Silent is nil, the suite does not try that.
	Silent func(t *testing.T) lockstore.LockStore
}

// Run tests how a store behaves when its server or the network between them
// fails. The rules are those of [lockstore.LockStore]: what a call reports about
// its outcome is true, every call ends within a bounded time, and the store works
// again by itself once the fault is over.
func Run(t *testing.T, b Backend) {
	if b.Silent != nil {
		t.Run("every_call_is_bounded", func(t *testing.T) { callsEnd(t, b) })
	}
	t.Run("network", func(t *testing.T) {
		for _, r := range networkRules {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				r.try(t, b)
			})
		}
	})
	for _, r := range serverRules { // one after the other, since they share the server
		t.Run(r.name, func(t *testing.T) { r.try(t, b) })
	}
}

// A rule is what must hold under one fault.
type rule struct {
	name string
	rule string
	run  func(*trial)
}

var networkRules = []rule{
	{"answer_lost", "A call whose answer is lost fails with ErrOutcomeUnknown, and may safely be repeated.", answerLost},
	{"connection_cut_before_the_answer", "A call whose connection ends before the answer fails with ErrOutcomeUnknown, and may safely be repeated.", connectionCut},
	{"connection_cut_between_calls", "A call that finds its connection closed reports that or succeeds, and may safely be repeated.", connectionCutBetween},
	{"network_away", "ErrUnavailable is returned when the server cannot be reached. Nothing was done, and the store recovers by itself.", networkAway},
	{"slow", "A slow answer is an answer. One that is too late counts as lost.", slow},
	{"frozen", "A call that may be carried out later fails with ErrOutcomeUnknown; one that found no connection with ErrUnavailable.", frozen},
	{"context_ends_in_the_middle", "An error of the context is returned only when nothing was done, and nothing is done later.", contextEnds},
}

var serverRules = []rule{
	{"server_away", "ErrUnavailable is returned when the server cannot be reached. Nothing was done, and the store recovers by itself.", serverAway},
	{"killed_in_the_middle", "What was acknowledged is kept, and every other call may safely be repeated.", killedInTheMiddle},
}

// A trial is one run of a rule.
type trial struct {
	*testing.T
	Backend
	ctx   context.Context
	proxy *Proxy
	store lockstore.LockStore // reaches the server through the proxy
	ev    *lockstore.Event    // with the seats A1 to A60, and W for warm
}

const (
	ann lockstore.UserID = "ann"
	ben lockstore.UserID = "ben"
)

func (r *rule) try(t *testing.T, b Backend) {
	defer func() {
		if t.Failed() {
			t.Logf("the rule is: %s", r.rule)
		}
	}()
	proxy := NewProxy(t, b.Addr)
	r.run(&trial{t, b, t.Context(), proxy, b.Store(t, proxy.Addr), newEvent(t)})
}

func newEvent(t *testing.T) *lockstore.Event {
	t.Helper()
	seats := []lockstore.SeatID{"W"}
	for i := range 60 {
		seats = append(seats, lockstore.SeatID("A"+strconv.Itoa(i+1)))
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := lockstore.NewEvent(lockstore.EventID(fmt.Sprintf("faults-%x", rand.Uint64())), layout, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// call carries out op and returns its error alone.
func (t *trial) call(op lockstore.Op) error {
	_, err := t.store.Do(t.ctx, t.ev, op)
	return err
}

// eventually repeats op until its outcome is known. It must succeed.
func (t *trial) eventually(op lockstore.Op) lockstore.Result {
	t.Helper()
	var result lockstore.Result
	if err := history.Repeat(t.ctx, func() (err error) {
		result, err = t.store.Do(t.ctx, t.ev, op)
		return err
	}); err != nil {
		t.Fatalf("%s %ss %v: %v", op.User, op.Kind, op.Seats, err)
	}
	return result
}

// list repeats List until it succeeds.
func (t *trial) list(since lockstore.Version) lockstore.Snapshot {
	t.Helper()
	var snap lockstore.Snapshot
	if err := history.Repeat(t.ctx, func() (err error) {
		snap, err = t.store.List(t.ctx, t.ev, since)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return snap
}

// wantSeats compares a list with seats in the form "A1 locked".
func (t *trial) wantSeats(snap lockstore.Snapshot, want ...string) {
	t.Helper()
	var got []string
	for _, s := range snap.Seats {
		seat := t.ev.Seat(s)
		got = append(got, fmt.Sprintf("%s %s", seat.ID, seat.Status))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list is %q, want %q", got, want)
	}
}

// warm makes sure that there is a connection over which every kind of call has
// been made, so that what the server sends next is an answer to a call. It leaves
// no seat taken.
func (t *trial) warm() {
	t.Helper()
	for _, op := range []lockstore.Op{lockstore.Lock(ben, "W"), lockstore.Release(ben, "W")} {
		t.eventually(op)
	}
	time.Sleep(100 * time.Millisecond) // a store may notify others of a change after its call
	if err := history.Repeat(t.ctx, func() error { return t.call(lockstore.Confirm(ben, "W")) }); !errors.Is(err, lockstore.LockNotHeld) {
		t.Fatal(err)
	}
	t.list("")
}

// steps are an operation of each kind, which succeed one after the other.
var steps = []lockstore.Op{lockstore.Lock(ann, "A1", "A2"), lockstore.Confirm(ann, "A1"), lockstore.Release(ann, "A2")}

// A namedCall is a call of a store.
type namedCall struct {
	name string
	make func() error
}

// everyCall returns each call of the store.
func everyCall(ctx context.Context, s lockstore.LockStore, ev *lockstore.Event) []namedCall {
	calls := []namedCall{
		{"list", func() error { _, err := s.List(ctx, ev, ""); return err }},
		{"wait", func() error { return s.Wait(ctx, ev, "") }},
	}
	for _, op := range steps {
		calls = append(calls, namedCall{op.Kind.String(), func() error { _, err := s.Do(ctx, ev, op); return err }})
	}
	return calls
}

// callsEnd checks that every call ends within a second, although the context has
// no deadline and thousands are made. It uses the clock of a synctest bubble.
func callsEnd(t *testing.T, b Backend) {
	synctest.Test(t, func(t *testing.T) {
		calls := everyCall(context.Background(), b.Silent(t), newEvent(t))
		began := time.Now()
		ended := make(chan error, 3000)
		for i := range cap(ended) {
			go func() { ended <- calls[i%len(calls)].make() }()
		}
		for range cap(ended) {
			if err := <-ended; !errors.Is(err, lockstore.ErrUnavailable) {
				t.Fatalf("a call of a server that does not answer: %v, want ErrUnavailable", err)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the calls took %v, want at most a second", took)
		}
	})
}
