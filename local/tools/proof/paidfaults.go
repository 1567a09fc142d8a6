package main

import (
	"context"
	"slices"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore/redisstore"
)

// A paidFault is what is done to a sale whose seats are paid for.
type paidFault struct {
	name string
	only string // the one kind of store that it is for; "" is any

	bank  func(*paymenttest.Bank, *paidSale) // sets what fails
	plays []paidPlay                         // what buyers do, each as often as the others; nil is ordinaryPlays

	// killed are the faults of processes of which each is started anew once it was
	// killed. failing are those of a process that goes on, by its number.
	killed  []paymenttest.Fault
	failing func(process int) []paymenttest.Fault

	// loses is set if the locks that end before their order is paid are what fails.
	loses bool

	webhooks int // how many copies of each; 0 is none

	takes time.Duration // how long an order may take in addition, since refunds do

	// person is set if orders may need a person, because the provider has refused a
	// refund too often or the store has lost seats that others then took.
	person bool

	// crashing starts a store that forgets its last second when it crashes, and returns
	// what makes it crash.
	crashing func(ctx context.Context, t *trial) (paidStore, func(context.Context) error, error)
}

// A paidPlay is what a buyer with an order does, and what happens to the order.
type paidPlay func(context.Context, *paidBuyer)

// steps are the calls of a process, by name: what it does between any two of them is
// nothing that others see.
var steps = []string{
	"extend", "book", "cancel", "roster", "read", "write pointer", "write opening", "write open", "write booking", "write booked",
	"write paid", "write giving_back", "write closed", "write refunded", "open", "fetch", "expire", "capture", "void", "refund", "refunds",
}

// atProvider are those of them that go to the provider.
var atProvider = []string{"open", "fetch", "expire", "capture", "void", "refund", "refunds"}

// failingAt returns the fault for the calls with these numbers of each of the names.
func failingAt(kind paymenttest.Kind, names []string, numbers ...int) (all []paymenttest.Fault) {
	for _, name := range names {
		for _, n := range numbers {
			all = append(all, paymenttest.Fault{Call: name, Step: n, Kind: kind})
		}
	}
	return all
}

// butLast makes the processes fail, but for the last of three.
func butLast(faults ...[]paymenttest.Fault) func(int) []paymenttest.Fault {
	return func(process int) []paymenttest.Fault {
		if process == paidProcesses-1 {
			return nil
		}
		return slices.Concat(faults...)
	}
}

var paidFaults = []paidFault{
	{name: "workers killed between any two steps", webhooks: 1,
		killed: slices.Concat(failingAt(paymenttest.Killed, steps, 0), failingAt(paymenttest.KilledAfter, steps, 0))},
	{name: "workers paused at any step and resumed later", webhooks: 1,
		failing: butLast(failingAt(paymenttest.Paused, steps, 0, 3), failingAt(paymenttest.PausedLong, steps, 1))},
	{name: "three workers at once, each webhook 100 times and in any order", webhooks: 100},
	{name: "calls take effect after their callers gave up", webhooks: 1,
		failing: butLast(failingAt(paymenttest.Late, steps, 0, 3, 6), failingAt(paymenttest.VeryLate, steps, 1))},
	{name: "the provider away", webhooks: 1,
		failing: func(int) []paymenttest.Fault { return failingAt(paymenttest.Away, atProvider, 0, 1, 2, 8, 9, 10, 11) }},
	{name: "answers lost", webhooks: 1,
		failing: func(int) []paymenttest.Fault { return failingAt(paymenttest.Lost, steps, 0, 2, 5) }},
	{name: "webhooks off"},
	{name: "locks lost, and seats free or taken", webhooks: 2, loses: true, plays: []paidPlay{lockLost, lockLost, seatTaken, seatTaken, seatTakenForAWhile}},
	{name: "captures fail and are refused", webhooks: 1, plays: []paidPlay{pays, pays, paysLast, lockLost},
		bank: func(b *paymenttest.Bank, s *paidSale) { b.FailCaptures, b.Refuse = s.times(40), s.times(40) }},
	{name: "refunds pending, then failed", webhooks: 1, takes: 40 * time.Minute, person: true, plays: []paidPlay{pays, seatTaken, seatTaken, refunded},
		bank: func(b *paymenttest.Bank, s *paidSale) {
			b.Immediate = true
			pending := paymenttest.RefundPlan{First: payment.RefundPending, Then: payment.RefundFailed, After: s.world.Paced(5 * time.Minute)}
			b.RefundStates = slices.Repeat([]paymenttest.RefundPlan{pending}, s.times(50))
		}},
	{name: "Redis killed -9 on a slow disk, its last second lost", only: "Redis", webhooks: 1, person: true, crashing: everySecond},
}

// fails reports whether something is made to fail in the row, so that a run in which
// nothing has failed shows nothing.
func (f *paidFault) fails() bool {
	return f.killed != nil || f.failing != nil || f.crashing != nil || f.bank != nil || f.loses
}

// everySecond starts a Redis that forgets up to two seconds when it is killed.
func everySecond(ctx context.Context, t *trial) (paidStore, func(context.Context) error, error) {
	const delay = 1500 * time.Millisecond
	server, err := t.slowRedis("everysec", delay)
	if err != nil {
		return nil, nil, err
	}
	store, err := t.redisStore("redis://"+server.Addr, redisstore.Options{})
	return store, func(context.Context) error {
		server.Kill()
		return server.start(delay)
	}, err
}
