package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest/faults"
)

// shortPaid are the rows of payments that are tried here, faster and with fewer orders.
var shortPaid = []string{
	"memory, paid: workers killed", "file, paid: locks lost", "Redis, paid: answers lost", "PostgreSQL, paid: calls take effect",
	"Redis, paid: Redis killed",
}

// TestPaidRows checks that payments on each store keep their promises while something
// fails.
func TestPaidRows(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, words := range shortPaid {
		all.Go(func() {
			t.Run(words, func(t *testing.T) {
				need(t, words)
				if strings.Contains(words, "Redis killed") {
					faults.Need(t, "cc", "the row "+words+" was not tried")
				}
				var out, progress bytes.Buffer
				err := run(t.Context(), []string{"-faults", "0.1", "-pace", "60", "-o", t.TempDir(), words}, &out, &progress)
				if err != nil || strings.Count(out.String(), "| kept |") != 1 {
					t.Fatalf("%v\n%s%s", err, out.String(), progress.String())
				}
			})
		})
	}
	all.Wait()
}

// TestBrokenPayments checks that a sale in which money is kept without seats breaks a
// promise: its sessions are not closed before their orders end, and buyers pay late.
func TestBrokenPayments(t *testing.T) {
	t.Parallel()
	trial := &trial{settings: settings{scale: 0.05, pace: 300, dir: t.TempDir(), progress: io.Discard}}
	defer trial.Close()
	store := new(memstore.Store)
	r := paidRow{"memory", paidFault{name: "sessions left open", webhooks: 1, plays: []paidPlay{paysTooLate}}}
	s := newPaidSale(trial, r, store, nil)
	s.world.Without, s.world.Bank.Immediate = paymenttest.CloseSession, true
	counted, err := s.run(t.Context())
	if err != nil || counted.charged == 0 || counted.verdict(&r.paidFault) != brokenPromise {
		t.Errorf("%v: %s: %s, want orders that are charged without every seat", err, counted.verdict(&r.paidFault), counted)
	}
}

func paysTooLate(ctx context.Context, b *paidBuyer) {
	_ = sleep(ctx, time.Until(b.order.PayBefore)+b.sale.world.Paced(5*time.Minute))
	b.pay()
}

func TestPaidVerdict(t *testing.T) {
	for _, c := range []struct {
		t    paidTally
		want string
	}{
		{paidTally{orders: 10, paid: 10}, kept},
		{paidTally{orders: 10, paid: 10, late: 3}, kept},
		{paidTally{orders: 10, paid: 10, charged: 1}, brokenPromise},
		{paidTally{orders: 10, paid: 10, unpaid: 1}, brokenPromise},
		{paidTally{orders: 10, paid: 10, twice: 1}, brokenPromise},
		{paidTally{orders: 10, paid: 9, open: 1}, brokenPromise},
		{paidTally{orders: 10, paid: 10, illegal: 1}, brokenPromise},
		{paidTally{orders: 10, paid: 10, undecided: 4}, tooFew},
		{paidTally{}, tooFew},
	} {
		if got := c.t.verdict(new(paidFault)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.t, got, c.want)
		}
	}
}

// TestPaidVerdictOfRow checks that an order may need a person in two rows only, and that a
// row in which nothing has failed shows nothing.
func TestPaidVerdictOfRow(t *testing.T) {
	persons, failing := 0, 0
	for _, f := range paidFaults {
		one := paidTally{orders: 10, paid: 9, person: 1, faults: 1}
		if one.verdict(&f) == kept {
			persons++
		}
		none := paidTally{orders: 10, paid: 10}
		if got := none.verdict(&f); (got == tooFew) != f.fails() {
			t.Errorf("%s, and nothing has failed: %s", f.name, got)
		}
		if f.fails() {
			failing++
		}
	}
	if without := 2; failing != len(paidFaults)-without { // webhooks, and three workers
		t.Errorf("something fails in %d rows of %d, want all but %d", failing, len(paidFaults), without)
	}
	if persons != 2 {
		t.Errorf("orders may need a person in %d rows, want 2", persons)
	}
}

// TestFindingsAreCounted checks that each thing that can be wrong with an order has its
// column.
func TestFindingsAreCounted(t *testing.T) {
	var counted paidTally
	counted.count(errors.Join(paymenttest.ErrCharged, paymenttest.ErrNotPaid, paymenttest.ErrTwice, paymenttest.ErrNotEnded))
	if counted.charged != 1 || counted.unpaid != 1 || counted.twice != 1 || counted.open != 1 || len(counted.words) != 4 {
		t.Errorf("counted are %+v", counted)
	}
}
