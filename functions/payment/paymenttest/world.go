package paymenttest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// A World has events whose seats are paid for at a [Bank], and processes that fail. It
// runs on any store, in real time or in a testing/synctest bubble. Its methods are safe
// for concurrent use.
type World struct {
	Seats  lockstore.LockStore
	Orders lockstore.OrderStore
	Bank   *Bank
	Event  *lockstore.Event // nil if all events are added with Add
	Log    *slog.Logger     // nil is none

	// Compares makes the processes compare orders with the Bank and the roster. That
	// repairs what the protocol itself must never leave to be repaired.
	Compares bool

	Pace int // divides all times; 0 is 1

	Without Rule              // the rule that the processes ignore, if any
	Before  func(step string) // called before each call of a process; nil is nothing

	keys    atomic.Int64
	working sync.WaitGroup // the processes
	flying  flights        // calls that take effect late
	paused  atomic.Int64   // how many calls are paused

	mu        sync.Mutex
	processes []*Process
	added     map[lockstore.EventID]*lockstore.Event
}

// flights are goroutines that may start while another one waits for them, which a
// sync.WaitGroup does not allow.
type flights struct{ n atomic.Int64 }

// Go runs f in a goroutine.
func (f *flights) Go(run func()) {
	f.n.Add(1)
	go func() {
		defer f.n.Add(-1)
		run()
	}()
}

// Wait waits until no goroutine is running.
func (f *flights) Wait() {
	for f.n.Load() > 0 {
		time.Sleep(100 * time.Millisecond)
	}
}

// Times of a World of pace 1.
const (
	Within = 5 * time.Minute
	Margin = 2 * time.Minute
)

// Paced returns a time at the pace of the World.
func (w *World) Paced(d time.Duration) time.Duration { return d / time.Duration(max(w.Pace, 1)) }

// Add adds an event.
func (w *World) Add(ev *lockstore.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.added == nil {
		w.added = make(map[lockstore.EventID]*lockstore.Event)
	}
	w.added[ev.ID] = ev
}

// events returns all events.
func (w *World) events() []*lockstore.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.Collect(maps.Values(w.added))
	if w.Event != nil {
		all = append(all, w.Event)
	}
	return all
}

func (w *World) event(id lockstore.EventID) (*lockstore.Event, error) {
	if w.Event != nil && w.Event.ID == id {
		return w.Event, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if ev := w.added[id]; ev != nil {
		return ev, nil
	}
	return nil, fmt.Errorf("paymenttest: there is no event %s", id)
}

// The users of a World.
const (
	Buyer lockstore.UserID = "buyer"
	Rival lockstore.UserID = "rival"
)

// Pair are the seats that the buyer wants.
func (w *World) Pair() []lockstore.SeatID { return pairOf(w.Event) }

// pairOf returns the seats of an event that its buyer wants.
func pairOf(ev *lockstore.Event) []lockstore.SeatID { return ev.Seats[:2] }

// Start starts a process with its faults. It works on the orders that are due until
// Stop.
func (w *World) Start(ctx context.Context, faults ...Fault) *Process {
	p := &Process{world: w, faults: faults}
	p.ctx, p.cancel = context.WithCancel(ctx)
	log := w.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var err error
	p.Payments, err = payment.New(payment.Config{
		Seats: p, Orders: p, Provider: p, Within: w.Paced(Within), Margin: w.Paced(Margin), Pace: w.Pace, Log: log, Event: w.event,
	})
	if err != nil {
		panic(err) // the Config is constant
	}
	w.mu.Lock()
	w.processes = append(w.processes, p)
	w.mu.Unlock()
	w.working.Go(func() {
		p.Work(p.ctx, func() []lockstore.EventID {
			if !w.Compares {
				return nil
			}
			var ids []lockstore.EventID
			for _, ev := range w.events() {
				ids = append(ids, ev.ID)
			}
			return ids
		})
	})
	return p
}

// Stop ends all processes, and waits for everything that they have started.
func (w *World) Stop() {
	for _, p := range w.all() {
		p.cancel()
	}
	w.working.Wait()
	w.flying.Wait()
}

// Land waits until every late call has taken effect and no process is paused.
func (w *World) Land() {
	for w.flying.n.Load() > 0 || w.paused.Load() > 0 {
		time.Sleep(w.Paced(time.Second))
	}
}

// all returns the processes that were started.
func (w *World) all() []*Process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.processes)
}

// Process returns the nth process, modulo their number.
func (w *World) Process(n int) *Process {
	all := w.all()
	return all[n%len(all)]
}

// Living returns the nth process that was not killed, modulo their number.
func (w *World) Living(n int) *Process {
	all := slices.DeleteFunc(w.all(), func(p *Process) bool { return p.ctx.Err() != nil })
	if len(all) == 0 {
		return w.Process(n)
	}
	return all[n%len(all)]
}

// NudgeLater is Nudge after a while.
func (w *World) NudgeLater(id lockstore.OrderID, after time.Duration) {
	w.flying.Go(func() {
		time.Sleep(after)
		w.Nudge(id)
	})
}

// Nudge makes every process reconcile the order, as a webhook does.
func (w *World) Nudge(id lockstore.OrderID) {
	for _, p := range w.all() {
		w.flying.Go(func() { p.Notice(p.ctx, id) })
	}
}

// Lock locks seats of the World's event for a user. It fails if another user has them.
func (w *World) Lock(ctx context.Context, user lockstore.UserID, seats ...lockstore.SeatID) error {
	_, err := w.Seats.Do(ctx, w.Event, lockstore.Lock(user, seats...))
	return err
}

// Checkout checks out the pair of seats as the buyer, who tries another process if one
// does not answer, and gives up after a while. It returns the order, or nil if the
// buyer got none.
func (w *World) Checkout(ctx context.Context, amount int64) *payment.Order {
	return w.checkout(ctx, w.Event, amount, w.Process)
}

// CheckoutOf is Checkout for the pair of seats of an event, at processes that were not
// killed, beginning with the nth.
func (w *World) CheckoutOf(ctx context.Context, ev *lockstore.Event, n int, amount int64) *payment.Order {
	return w.checkout(ctx, ev, amount, func(try int) *Process { return w.Living(n + try) })
}

func (w *World) checkout(ctx context.Context, ev *lockstore.Event, amount int64, at func(try int) *Process) *payment.Order {
	seats := pairOf(ev)
	for try := range 4 {
		var o *payment.Order // of this try only, which may be answered late
		err := w.Ask(at(try), func(ctx context.Context, p *payment.Payments) (err error) {
			o, err = p.Checkout(ctx, payment.Checkout{
				Event: ev, Title: "The event", User: Buyer, Seats: seats, ReturnURL: "https://shop.example/",
				Bill: payment.Bill{Total: amount, Currency: "EUR", Lines: []payment.Line{{Text: "First", Count: 2, Amount: amount, Seats: seats}}},
			})
			return err
		})
		if err == nil {
			return o
		}
		if ctx.Err() != nil {
			break
		}
		time.Sleep(w.Paced(time.Second))
	}
	return nil
}

// errStands is the error of a process that does not answer for a long time.
var errStands = errors.New("paymenttest: the process stands still")

// Ask makes a call to the process. The caller gives up after a while, but the call
// continues.
func (w *World) Ask(p *Process, call func(context.Context, *payment.Payments) error) error {
	answer := make(chan error, 1)
	w.flying.Go(func() { answer <- call(p.ctx, p.Payments) })
	select {
	case err := <-answer:
		return err
	case <-time.After(w.Paced(10 * time.Second)):
		return errStands
	}
}

// Settle waits until at least that time has passed, every late call has taken effect,
// and every order has ended or needs a person, but no longer than limit.
func (w *World) Settle(ctx context.Context, least, limit time.Duration) {
	end := time.Now().Add(limit)
	time.Sleep(least)
	time.Sleep(w.Paced(longPauseTime)) // late calls have taken effect after that
	for time.Now().Before(end) {
		time.Sleep(time.Minute)
		all, err := w.Check(ctx)
		open := func(o *payment.Order) bool { return o.Stage.Unsettled() && o.Stage != payment.StageNeedsPerson }
		if err == nil && !slices.ContainsFunc(all, open) {
			return
		}
	}
}
