package faults

import (
	"context"
	"errors"
	"fmt"
	"iter"
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
	{"order_answer_lost", "A Put whose answer is lost fails with ErrOutcomeUnknown, and the order shows whether it took effect.", orderAnswerLost},
	{"connection_cut_between_calls", "A call that finds its connection closed reports that or succeeds, and may safely be repeated.", connectionCutBetween},
	{"network_away", "ErrUnavailable is returned when the server cannot be reached. Nothing was done, and the store recovers by itself.", networkAway},
	{"slow", "A slow answer is an answer. One that is too late counts as lost.", slow},
	{"frozen", "A call that may be carried out later fails with ErrOutcomeUnknown; one that found no connection with ErrUnavailable.", frozen},
	{"context_ends_in_the_middle", "An error of the context is returned only when nothing was done, and nothing is done later.", contextEnds},
}

var serverRules = []rule{
	{"server_away", "ErrUnavailable is returned when the server cannot be reached. Nothing was done, and the store recovers by itself.", serverAway},
	{"killed_in_the_middle", "What was acknowledged is kept, and every other call may safely be repeated. The journal has it once, and adds up to the roster.", killedInTheMiddle},
	{"killed_between_orders", "A Put that was acknowledged is kept, and every other one took effect as a whole or not at all.", killedBetweenOrders},
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

// call carries out op and returns only its error.
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
	late := lockstore.Book(ben, "", "W")
	late.NotAfter = time.UnixMilli(1)
	for _, c := range []struct {
		op   lockstore.Op
		want error
	}{
		{lockstore.Confirm(ben, "W"), lockstore.LockNotHeld},
		{lockstore.Extend(ben, time.UnixMilli(1), "W"), lockstore.LockNotHeld},
		{late, lockstore.ErrTooLate},
		{lockstore.Move(ben, "none", []lockstore.SeatID{"W"}, []lockstore.SeatID{"A60"}), lockstore.NotBooked},
		{lockstore.Cancel(ben, "none", "W"), nil},
	} {
		if err := history.Repeat(t.ctx, func() error { return t.call(c.op) }); !errors.Is(err, c.want) {
			t.Fatalf("%s: %v, want %v", c.op.Kind, err, c.want)
		}
	}
	t.list("")
}

// steps are the operations of a sale and of what may come after it. Each succeeds after
// those before it, and changes every seat that it names.
var steps = []lockstore.Op{
	lockstore.Lock(ann, "A1", "A2"),
	{Kind: lockstore.KindExtend, User: ann, Seats: []lockstore.SeatID{"A1", "A2"}, Until: time.Now().Add(30 * time.Minute), By: "desk"},
	{Kind: lockstore.KindConfirm, User: ann, Seats: []lockstore.SeatID{"A1"}, Ref: "r1"},
	lockstore.Release(ann, "A2"),
	lockstore.Book(ben, "r2", "A3"),
	lockstore.Move(ben, "r2", []lockstore.SeatID{"A3"}, []lockstore.SeatID{"A4"}),
	lockstore.Cancel("", "r2", "A4"),
}

// entered are the kinds of the steps that have an entry in the journal.
var entered = []lockstore.Kind{lockstore.KindExtend, lockstore.KindConfirm, lockstore.KindBook, lockstore.KindMove, lockstore.KindCancel}

// wantSteps checks that the journal has each of the steps once, and in their order.
func (t *trial) wantSteps() {
	t.Helper()
	var got []lockstore.Kind
	if err := history.Repeat(t.ctx, func() error {
		got = nil
		all, err := history.ReadJournal(t.ctx, t.store, t.ev, "")
		for _, e := range all {
			got = append(got, e.Kind)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, entered) {
		t.Errorf("the journal has %v, want %v", got, entered)
	}
}

// A namedCall is a call of a store.
type namedCall struct {
	name string
	make func() error
}

// everyCall returns each call of the store.
func everyCall(ctx context.Context, s lockstore.LockStore, ev *lockstore.Event) []namedCall {
	orders := s.(lockstore.OrderStore) // every store with a server keeps orders too
	calls := []namedCall{
		{"list", func() error { _, err := s.List(ctx, ev, ""); return err }},
		{"wait", func() error { return s.Wait(ctx, ev, "") }},
		{"roster", func() error { return rosterError(s.Roster(ctx, ev, lockstore.Filter{})) }},
		{"journal", func() error { _, err := s.Journal(ctx, ev, "", 1); return err }},
		{"put", func() error { _, err := orders.Put(ctx, newOrder(ev, "every")); return err }},
		{"order", func() error { _, err := orders.Order(ctx, newOrder(ev, "every").ID); return err }},
		{"due", func() error { _, err := orders.Due(ctx, 1, time.Second); return err }},
		{"orders", func() error { _, err := orders.Orders(ctx, ev.ID, ""); return err }},
	}
	for _, op := range steps {
		calls = append(calls, namedCall{op.Kind.String(), func() error { _, err := s.Do(ctx, ev, op); return err }})
	}
	return calls
}

// rosterError returns the first error of a roster.
func rosterError(_ lockstore.Seq, all iter.Seq2[lockstore.Holding, error]) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// newOrder returns an order of the event that nobody has put.
func newOrder(ev *lockstore.Event, name string) lockstore.Order {
	return lockstore.Order{ID: lockstore.OrderID(string(ev.ID) + "." + name), Event: ev.ID, Body: []byte(name)}
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
