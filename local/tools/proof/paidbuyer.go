package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// A paidBuyer is the buyer of one event.
type paidBuyer struct {
	sale  *paidSale
	ev    *lockstore.Event
	n     int
	order *payment.Order // nil if the buyer got none
	left  atomic.Int64   // when the last of the play happened, in Unix milliseconds
}

// rest waits for a time at the pace of the sale.
func (b *paidBuyer) rest(ctx context.Context, d time.Duration) { _ = sleep(ctx, b.sale.world.Paced(d)) }

// do carries out an operation of somebody else than the workers. It reports whether it
// succeeded.
func (b *paidBuyer) do(ctx context.Context, op lockstore.Op) bool {
	return history.Repeat(ctx, func() error { _, err := b.sale.books.Do(ctx, b.ev, op); return err }) == nil
}

// pay pays, if that is still possible, and has the provider notify the processes.
func (b *paidBuyer) pay() {
	if b.sale.world.Bank.Pay(b.order.Session) == nil {
		b.notice()
	}
}

// notice delivers the copies of a webhook: the first few at once, and the others in the
// next minutes.
func (b *paidBuyer) notice() {
	w, copies := b.sale.world, b.sale.webhooks
	if b.n%10 > 0 {
		copies = min(copies, 3) // the machine has more to do
	}
	for i := range copies {
		if i < 2 {
			w.Nudge(b.order.Order)
			continue
		}
		w.NudgeLater(b.order.Order, w.Paced(upTo(3*time.Minute)))
	}
}

// evict ends the buyer's locks, and counts that once if they had not ended.
func (b *paidBuyer) evict(ctx context.Context) {
	ended := false
	_ = history.Repeat(ctx, func() error {
		r, err := b.sale.books.Do(ctx, b.ev, lockstore.Evict(paymenttest.Buyer, b.ev.Seats[:2]...))
		ended = ended || len(r.Changed) > 0
		return err
	})
	if ended && b.sale.loses {
		b.sale.lost.Add(1)
	}
}

func (b *paidBuyer) rival(ctx context.Context) {
	b.do(ctx, lockstore.Book(paymenttest.Rival, "", b.ev.Seats[0]))
}

func (b *paidBuyer) rivalLeaves(ctx context.Context) {
	b.do(ctx, lockstore.Cancel(paymenttest.Rival, "", b.ev.Seats[0]))
}

func (b *paidBuyer) refund(ctx context.Context, f payment.Refunding) {
	f.Order, f.By = b.order.Order, "operator"
	b.try(ctx, func(ctx context.Context, p *payment.Payments) error { _, err := p.Refund(ctx, f); return err })
}

// try does at a process what may be repeated, a few times.
func (b *paidBuyer) try(ctx context.Context, f func(context.Context, *payment.Payments) error) {
	for n := range 4 {
		if err := b.sale.world.Ask(b.sale.world.Living(b.n+n), f); err == nil || errors.Is(err, payment.ErrStage) {
			return
		}
		b.rest(ctx, time.Second)
	}
}

var ordinaryPlays = []paidPlay{pays, pays, pays, paysLast, neverPays, givesUp, lockLost, seatTaken, refunded, refundedInPart}

// pays has the buyer pay within a minute.
func pays(ctx context.Context, b *paidBuyer) {
	b.rest(ctx, upTo(time.Minute))
	b.pay()
}

// paysLast has the buyer pay at the last moment.
func paysLast(ctx context.Context, b *paidBuyer) {
	_ = sleep(ctx, time.Until(b.order.PayBefore)-b.sale.world.Paced(upTo(20*time.Second)))
	b.pay()
}

func neverPays(context.Context, *paidBuyer) {}

func givesUp(ctx context.Context, b *paidBuyer) {
	b.rest(ctx, upTo(time.Minute))
	b.try(ctx, func(ctx context.Context, p *payment.Payments) error {
		_, err := p.Close(ctx, b.order.Order, "")
		return err
	})
}

// lockLost ends the buyer's locks before the payment.
func lockLost(ctx context.Context, b *paidBuyer) {
	b.rest(ctx, upTo(time.Minute))
	b.evict(ctx)
	b.pay()
}

// seatTaken has somebody else book a seat before the payment.
func seatTaken(ctx context.Context, b *paidBuyer) {
	b.rest(ctx, upTo(time.Minute))
	b.evict(ctx)
	b.rival(ctx)
	b.pay()
}

// seatTakenForAWhile has a seat be taken just while it is to be booked.
func seatTakenForAWhile(ctx context.Context, b *paidBuyer) {
	b.rest(ctx, upTo(time.Minute))
	b.evict(ctx)
	b.pay()
	b.rival(ctx)
	b.rest(ctx, upTo(10*time.Second))
	b.rivalLeaves(ctx)
	b.notice()
}

// refunded has an operator give back an order that was paid, or is being paid.
func refunded(ctx context.Context, b *paidBuyer) {
	pays(ctx, b)
	b.rest(ctx, upTo(time.Minute))
	b.refund(ctx, payment.Refunding{Keep: rand.IntN(3) == 0})
}

func refundedInPart(ctx context.Context, b *paidBuyer) {
	pays(ctx, b)
	b.rest(ctx, time.Minute)
	b.refund(ctx, payment.Refunding{Seats: b.ev.Seats[:1]})
}
