package payment_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
)

// A need is a play that goes well with a rule, and goes wrong without it.
type need struct {
	rule   paymenttest.Rule
	faults [2][]paymenttest.Fault // of two processes
	play
}

// rivalForAWhile is a play in which a rival has a seat at the moment when it is to be
// booked.
func rivalForAWhile(leavesAfter time.Duration) func(*stage) {
	return func(s *stage) {
		s.after(time.Minute)
		s.evict()
		s.pay()
		s.Process(0).Notice(s.ctx, s.order.Order) // its booking is under way
		s.rival()
		s.Process(1).Notice(s.ctx, s.order.Order) // finds that the seat is taken
		s.after(leavesAfter)
		s.rivalLeaves()
	}
}

// closeUnanswered gives up the order of a buyer who got no answer.
func closeUnanswered(s *stage) {
	p := s.Process(1).Payments
	o, err := p.Latest(s.ctx, s.Event.ID, paymenttest.Buyer)
	if err == nil {
		_, err = p.Close(s.ctx, o.Order, "")
	}
	if err != nil {
		s.Errorf("the order is not closed: %v", err)
	}
}

// captureBefore lets the capture of a paused worker arrive just before a void.
func captureBefore(w *paymenttest.World, step string) {
	if step != "void" {
		return
	}
	for _, p := range w.Bank.Sessions() {
		w.Bank.Capture(context.Background(), p.ID, string(p.Terms.Order)+"-capture-0")
	}
}

// paidThen lets the buyer pay, and something happen later.
func paidThen(later time.Duration, then func(*stage)) func(*stage) {
	return func(s *stage) {
		s.after(time.Minute)
		s.pay()
		s.nudge()
		s.after(later)
		then(s)
	}
}

// first returns a fault in a call of the first process.
func first(call string, kind paymenttest.Kind) [2][]paymenttest.Fault {
	return [2][]paymenttest.Fault{{{Call: call, Kind: kind}}}
}

var none [2][]paymenttest.Fault

var needs = []need{
	{paymenttest.BookInTime, first("book", paymenttest.VeryLate),
		play{acts: rivalForAWhile(5 * time.Minute), want: payment.StageClosed}},
	{paymenttest.CancelAfterwards, first("book", paymenttest.Late),
		play{acts: rivalForAWhile(3 * time.Second), want: payment.StageClosed}},
	{paymenttest.CloseSession, none,
		play{acts: func(s *stage) { s.after(paymenttest.Within + time.Minute); s.pay() }, want: payment.StageClosed}},
	{paymenttest.ReadVoid, none,
		play{acts: func(s *stage) { s.after(time.Minute); s.pay(); s.giveUp() }, before: captureBefore, want: payment.StageRefunded}},
	{paymenttest.OpenToClose, [2][]paymenttest.Fault{
		{{Call: "open", Kind: paymenttest.KilledAfter}},
		{{Call: "open", Kind: paymenttest.Away}, {Step: 1, Call: "open", Kind: paymenttest.Away}},
	},
		play{acts: closeUnanswered, want: payment.StageClosed}},
	{paymenttest.OneSession, first("open", paymenttest.Lost),
		play{acts: func(s *stage) { s.after(time.Minute); s.pay() }, want: payment.StagePaid}},
	{paymenttest.OneRefundKey, first("refund", paymenttest.Late),
		play{acts: paidThen(time.Minute, func(s *stage) { s.refund(payment.Refunding{Seats: s.Pair()[:1]}) }), want: payment.StagePaid}},
	{paymenttest.CompareAndSet, first("write paid", paymenttest.PausedLong),
		play{acts: paidThen(time.Minute, func(s *stage) { s.refund(payment.Refunding{Seats: s.Pair()[:1]}) }), want: payment.StagePaid}},
	{paymenttest.MoveInTime, first("move", paymenttest.VeryLate),
		play{acts: paidThen(time.Minute, func(s *stage) {
			s.move(1, 2)
			s.after(time.Minute)
			s.move(2, 1)
		}), want: payment.StagePaid}},
}

// TestRulesAreNeeded removes each rule of the protocol, which the proof must notice.
func TestRulesAreNeeded(t *testing.T) {
	tested := make(map[paymenttest.Rule]bool)
	for _, n := range needs {
		tested[n.rule] = true
		t.Run(string(n.rule), func(t *testing.T) {
			if err := n.goes(t, ""); err != nil {
				t.Errorf("with every rule: %v", err)
			}
			for range 10 { // pauses are random
				if n.goes(t, n.rule) != nil {
					return
				}
			}
			t.Error("nothing goes wrong without the rule")
		})
	}
	for _, rule := range paymenttest.Rules() {
		if !tested[rule] {
			t.Errorf("nothing shows that this is needed: %s", rule)
		}
	}
}

// goes plays the play without a rule, and returns what went wrong.
func (n *need) goes(t *testing.T, without paymenttest.Rule) error {
	trace, stages, fired, err := n.performWith(t, n.faults[:], without)
	switch {
	case err != nil:
		return err
	case fired < len(n.faults[0])+len(n.faults[1]):
		t.Errorf("the first process made the calls %q, and nothing has happened to them", trace)
	case len(stages) != 1 || stages[0] != n.want:
		return fmt.Errorf("the order is %v, want %s", stages, n.want)
	}
	return nil
}
