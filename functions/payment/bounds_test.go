package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// inHall runs a test in a shop with the given seats, while a worker works.
func inHall(t *testing.T, seats []lockstore.SeatID, test func(*shop)) {
	inIdleHall(t, seats, func(s *shop) { s.work(test) })
}

// inIdleHall is inHall without a worker.
func inIdleHall(t *testing.T, seats []lockstore.SeatID, test func(*shop)) {
	synctest.Test(t, func(t *testing.T) {
		layout, err := lockstore.NewLayout(seats)
		if err != nil {
			t.Fatal(err)
		}
		ev, err := lockstore.NewEvent("concert", layout, time.Minute, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := &shop{T: t, ctx: t.Context(), store: new(memstore.Store), bank: new(paymenttest.Bank), event: ev}
		s.provider = s.bank
		s.Payments = s.on(s.store)
		test(s)
	})
}

// work runs a test while a worker works.
func (s *shop) work(test func(*shop)) {
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	p := s.Payments
	go func() {
		defer close(done)
		p.Work(ctx, func() []lockstore.EventID { return []lockstore.EventID{"concert"} })
	}()
	test(s)
	cancel()
	<-done
}

// TestAnyTextMayBeCut checks that an order moves on wherever its history cuts a quoted
// error, even within a multi-byte character.
func TestAnyTextMayBeCut(t *testing.T) {
	for pad := range 5 {
		var seats []lockstore.SeatID
		for n := range 20 {
			seats = append(seats, lockstore.SeatID(fmt.Sprintf("%sÄÖ€Ä%d", strings.Repeat("x", pad), n)))
		}
		inHall(t, seats, func(s *shop) {
			s.bank.Immediate = true
			o := s.begin("ann", seats...)
			s.do(lockstore.Evict("ann", seats...))
			s.do(lockstore.Book("bob", "", seats...))
			s.bank.Pay(o.Session)
			time.Sleep(10 * time.Minute)
			o = s.is(o.Order, payment.StageRefunded, 2000)
			for _, m := range o.History {
				if !utf8.ValidString(m.Why) {
					s.Errorf("the history has %q", m.Why)
				}
			}
		})
	}
}

// A garbling is a provider whose errors are not UTF-8.
type garbling struct{ *paymenttest.Bank }

func (garbling) Open(context.Context, payment.Request) (payment.Session, error) {
	return payment.Session{}, fmt.Errorf("%w: \xff\xfe", payment.ErrRefused)
}

func TestProviderMayAnswerGarbage(t *testing.T) {
	inShop(t, false, func(s *shop) {
		s.Payments = s.with(func(c *payment.Config) { c.Provider = garbling{s.bank} })
		s.do(lockstore.Lock("ann", "A1"))
		o, err := s.checkout("ann", "A1")
		if err != nil || o.Stage != payment.StageClosed {
			s.Errorf("the order is %+v (%v), want closed", o, err)
		}
	})
}

// longIDs returns n ids of the greatest length.
func longIDs(first string, n int) []lockstore.SeatID {
	var ids []lockstore.SeatID
	for i := range n {
		ids = append(ids, lockstore.SeatID(fmt.Sprintf("%s%0*d", first, lockstore.MaxIDLen-len(first), i)))
	}
	return ids
}

// TestLargestOrderCanMove checks that the record of the largest order fits in every
// stage, whatever operators write.
func TestLargestOrderCanMove(t *testing.T) {
	a, b := longIDs("a", lockstore.MaxSeats), longIDs("b", lockstore.MaxSeats)
	long := strings.Repeat("\"\x01", 100_000)
	inHall(t, append(append([]lockstore.SeatID(nil), a...), b...), func(s *shop) {
		o := s.paid("ann", a...)
		for n := range 60 {
			time.Sleep(time.Minute)
			if _, err := s.Move(s.ctx, o.Order, a, b, strings.Repeat("o", lockstore.MaxUserLen)); err != nil {
				s.Fatalf("move %d: %v", n, err)
			}
			a, b = b, a
		}
		for n := range 20 {
			f := payment.Refunding{Order: o.Order, Amount: 100, Keep: true, Request: fmt.Sprintf("%064d", n), By: long, Why: long}
			if _, err := s.Refund(s.ctx, f); err != nil {
				s.Fatalf("refund %d: %v", n, err)
			}
			time.Sleep(time.Minute)
		}
		s.is(o.Order, payment.StagePaid, 2000, a...)
		if _, err := s.Refund(s.ctx, payment.Refunding{Order: o.Order, By: long, Why: long}); err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.is(o.Order, payment.StageRefunded, 100*lockstore.MaxSeats)
	})
}

// TestCheckoutBoundsTexts checks that the lengths of a buyer's texts are checked before
// any money moves.
func TestCheckoutBoundsTexts(t *testing.T) {
	inShop(t, false, func(s *shop) {
		s.do(lockstore.Lock("ann", "A1"))
		good := payment.Checkout{Event: s.event, User: "ann", Seats: []lockstore.SeatID{"A1"}, ReturnURL: "https://shop.example/",
			Bill: payment.Bill{Total: 100, Currency: "EUR", Lines: []payment.Line{{Text: "First", Count: 1, Amount: 100, Seats: []lockstore.SeatID{"A1"}}}}}
		for name, change := range map[string]func(*payment.Checkout){
			"a long name":           func(c *payment.Checkout) { c.Contact.Name = strings.Repeat("n", 38_000) },
			"a name of two lines":   func(c *payment.Checkout) { c.Contact.Name = "Ann\nBob" },
			"a name without UTF-8":  func(c *payment.Checkout) { c.Contact.Name = "\xff" },
			"a long e-mail address": func(c *payment.Checkout) { c.Contact.Email = strings.Repeat("n", 400) },
			"a long address":        func(c *payment.Checkout) { c.ReturnURL += strings.Repeat("n", 4000) },
			"a script":              func(c *payment.Checkout) { c.ReturnURL = "javascript:alert(1)" },
			"another host":          func(c *payment.Checkout) { c.ReturnURL = "//evil.example/" },
			"no address":            func(c *payment.Checkout) { c.ReturnURL = "" },
			"a foreign seat":        func(c *payment.Checkout) { c.Bill.Lines = []payment.Line{{Seats: []lockstore.SeatID{"A2"}}} },
			"a long bill": func(c *payment.Checkout) {
				for range 500 {
					c.Bill.Lines = append(c.Bill.Lines, payment.Line{Text: strings.Repeat("t", 1000)})
				}
			},
		} {
			bad := good
			change(&bad)
			if _, err := s.Checkout(s.ctx, bad); !errors.Is(err, lockstore.ErrInvalid) {
				s.Errorf("%s: %v, want an InvalidError", name, err)
			}
		}
		if n := len(s.bank.Sessions()); n != 0 {
			s.Errorf("%d sessions were opened", n)
		}
		if _, err := s.Checkout(s.ctx, good); err != nil {
			s.Error(err)
		}
	})
}
