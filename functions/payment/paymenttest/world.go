package paymenttest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// A World is one event whose seats are paid for at a [Bank], by processes that fail.
// It runs on any store, in real time or in a bubble of testing/synctest.
type World struct {
	Seats  lockstore.LockStore
	Orders lockstore.OrderStore
	Bank   *Bank
	Event  *lockstore.Event
	Log    *slog.Logger // nil is none

	// Compares makes the processes compare orders with the Bank and the roster. That
	// repairs what the protocol itself must not need to have repaired.
	Compares bool

	Without Rule              // the rule that the processes do not keep; empty is none
	Before  func(step string) // called before each call of a process; nil is nothing

	keys      atomic.Int64
	processes []*Process
	working   sync.WaitGroup // the processes
	flying    flights        // the calls that take effect late
}

// flights are goroutines that may begin while somebody waits for them, which a
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

// Wait waits until there is none.
func (f *flights) Wait() {
	for f.n.Load() > 0 {
		time.Sleep(100 * time.Millisecond)
	}
}

// Times of a World.
const (
	Within = 5 * time.Minute
	Margin = 2 * time.Minute
)

// The users of a World.
const (
	Buyer lockstore.UserID = "buyer"
	Rival lockstore.UserID = "rival"
)

// Pair are the seats that the buyer wants.
func (w *World) Pair() []lockstore.SeatID { return w.Event.Seats[:2] }

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
		Seats: p, Orders: p, Provider: p, Within: Within, Margin: Margin, Log: log,
		Event: func(lockstore.EventID) (*lockstore.Event, error) { return w.Event, nil },
	})
	if err != nil {
		panic(err) // the Config is constant
	}
	w.processes = append(w.processes, p)
	w.working.Go(func() {
		p.Work(p.ctx, func() []lockstore.EventID {
			if !w.Compares {
				return nil
			}
			return []lockstore.EventID{w.Event.ID}
		})
	})
	return p
}

// Stop ends all processes and waits for everything that they have begun.
func (w *World) Stop() {
	for _, p := range w.processes {
		p.cancel()
	}
	w.working.Wait()
	w.flying.Wait()
}

// Process returns one of the processes, round and round.
func (w *World) Process(n int) *Process { return w.processes[n%len(w.processes)] }

// Trace returns the calls that the process has made, by name.
func (p *Process) Trace() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.trace...)
}

// Nudge makes every process reconcile the order, as a webhook does.
func (w *World) Nudge(id lockstore.OrderID) {
	for _, p := range w.processes {
		w.flying.Go(func() { p.Notice(p.ctx, id) })
	}
}

// Lock locks seats for a user. It fails if somebody else has them.
func (w *World) Lock(ctx context.Context, user lockstore.UserID, seats ...lockstore.SeatID) error {
	_, err := w.Seats.Do(ctx, w.Event, lockstore.Lock(user, seats...))
	return err
}

// Checkout is what the buyer does with the pair of seats: the buyer tries again, at
// another process, if one does not answer, and gives up after a while. It returns the
// order, or nil if the buyer knows none.
func (w *World) Checkout(ctx context.Context, amount int64) *payment.Order {
	for try := range 4 {
		p := w.processes[try%len(w.processes)]
		answer := make(chan *payment.Order, 1)
		w.flying.Go(func() {
			o, err := p.Payments.Checkout(p.ctx, payment.Checkout{
				Event: w.Event, Title: "The event", User: Buyer, Seats: w.Pair(), ReturnURL: "https://shop.example/",
				Bill: payment.Bill{Total: amount, Currency: "EUR", Lines: []payment.Line{{Text: "First", Count: 2, Amount: amount, Seats: w.Pair()}}},
			})
			if err != nil {
				o = nil
			}
			answer <- o
		})
		select {
		case o := <-answer:
			if o != nil {
				return o
			}
			time.Sleep(time.Second)
		case <-time.After(10 * time.Second):
		}
	}
	return nil
}

// Settle waits until at least that long has passed, every call that takes effect late
// has, and every order has ended or needs a person; and no longer than limit.
func (w *World) Settle(ctx context.Context, least, limit time.Duration) {
	end := time.Now().Add(limit)
	time.Sleep(least)
	time.Sleep(longPauseTime) // calls that take effect late have done so
	for time.Now().Before(end) {
		time.Sleep(time.Minute)
		all, err := w.Check(ctx)
		open := func(o *payment.Order) bool { return o.Stage.Unsettled() && o.Stage != payment.StageNeedsPerson }
		if err == nil && !slices.ContainsFunc(all, open) {
			return
		}
	}
}

// Check returns what must not be, after every fault has ceased and every order had time
// to end: money that is kept without every seat, seats that are booked without money,
// or an order that did not end.
func (w *World) Check(ctx context.Context) (all []*payment.Order, wrong error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	reader, err := payment.New(payment.Config{Seats: w.Seats, Orders: w.Orders, Provider: w.Bank, Within: Within, Margin: Margin,
		Event: func(lockstore.EventID) (*lockstore.Event, error) { return w.Event, nil }})
	if err != nil {
		return nil, err
	}
	booked := make(map[lockstore.OrderID][]lockstore.SeatID)
	_, roster := w.Seats.Roster(ctx, w.Event, lockstore.Filter{})
	for h, err := range roster {
		if err != nil {
			return nil, err
		}
		if h.Status == lockstore.Booked && h.Ref != "" {
			id := lockstore.OrderID(h.Ref)
			booked[id] = append(booked[id], h.Seat)
		}
	}
	money := w.Bank.Balances()
	for last, more := lockstore.OrderID(""), true; more; {
		var page []*payment.Order
		if page, more, err = reader.Orders(ctx, w.Event.ID, last); err != nil {
			return all, err
		}
		for _, o := range page {
			last = o.Order
			all = append(all, o)
			if err := checkOrder(o, money[o.Order], booked[o.Order]); err != nil {
				bad("order %s (%s): %w; its history is %+v, its money %+v", o.Order, o.Stage, err, o.History, money[o.Order])
			}
			delete(money, o.Order)
			delete(booked, o.Order)
		}
	}
	for id, m := range money {
		if m.State != payment.Void && m.Kept() != 0 {
			bad("the store does not have order %s, and its money is %+v", id, m)
		}
	}
	for id, seats := range booked {
		bad("seats %s are booked for %s, which is no order", seats, id)
	}
	return all, errors.Join(errs...)
}

// checkOrder checks one order against its money and the seats that are booked for it.
func checkOrder(o *payment.Order, m Balance, booked []lockstore.SeatID) error {
	free := o.Amount == 0
	all := !slices.ContainsFunc(o.Seats, func(s lockstore.SeatID) bool { return !slices.Contains(booked, s) })
	switch {
	case m.Sessions > 1 || m.Captures > 1 || m.Back+m.Coming > m.Taken:
		return errors.New("it was charged or paid back twice")
	case m.Kept() < 0 || m.Kept() > 0 && !all && o.Stage != payment.StageNeedsPerson:
		return errors.New("money is kept without every seat")
	case len(booked) > 0 && m.Kept() == 0 && !free && !o.KeepsSeats:
		return errors.New("seats are booked without money")
	}
	ok := false
	switch o.Stage {
	case payment.StagePaid:
		ok = all && len(booked) == len(o.Seats) && (free || m.Kept() == o.Amount-o.Refunded)
	case payment.StageClosed:
		ok = len(booked) == 0 && m.Taken == 0 && (m.Sessions == 0 || m.State == payment.Void)
	case payment.StageRefunded:
		ok = m.Back == o.Refunded && (len(booked) == 0 || o.KeepsSeats && all && len(booked) == len(o.Seats))
	case payment.StageNeedsPerson:
		ok = m.Kept() > 0
	}
	if !ok {
		return fmt.Errorf("it has not ended, or not as it says: it has %s, and %s are booked", o.Seats, booked)
	}
	return nil
}
