package payment_test

import (
	"fmt"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// If the store has lost a refund, nobody knows whether the buyer was to keep the seats, or
// which of them. The order needs a person, however that is found, who decides it without
// paying anything twice.
func TestLostRefundNeedsAPerson(t *testing.T) {
	for _, c := range []struct {
		name    string
		back    int64 // of 200
		decides func(*shop, *payment.Order)
		stage   payment.Stage
		paid    int64 // back in the end
		seats   []lockstore.SeatID
	}{
		{"a part, and the buyer keeps the seats", 40, retried, payment.StagePaid, 40, seats("A1", "A2")},
		{"everything, and the buyer keeps the seats", 200, retried, payment.StageRefunded, 200, seats("A1", "A2")},
		{"one seat", 100, refunded(payment.Refunding{Seats: seats("A1")}), payment.StagePaid, 100, seats("A2")},
		{"one seat that the buyer keeps", 100, refunded(payment.Refunding{Seats: seats("A1"), Keep: true}), payment.StagePaid, 100, seats("A1", "A2")},
		{"everything with the seats", 200, refunded(payment.Refunding{}), payment.StageRefunded, 200, nil},
		{"a part, and everything is to be given back", 40, refunded(payment.Refunding{}), payment.StageRefunded, 200, nil},
	} {
		for found, find := range map[string]func(*shop, *payment.Order){
			"comparison": func(s *shop, _ *payment.Order) {
				if err := s.Recover(s.ctx, time.Time{}); err != nil {
					s.Fatal(err)
				}
			},
			"notice": func(s *shop, o *payment.Order) { s.Notice(s.ctx, o.Order) },
		} {
			t.Run(fmt.Sprintf("%s, found by a %s", c.name, found), func(t *testing.T) {
				inShop(t, true, func(s *shop) {
					o := s.paid("ann", "A1", "A2")
					if _, err := s.bank.Refund(s.ctx, o.Payment, c.back, string(o.Order)+"-refund-1"); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
					find(s, o)
					s.is(o.Order, payment.StageNeedsPerson, c.back, "A1", "A2")
					c.decides(s, o)
					time.Sleep(time.Hour)
					s.is(o.Order, c.stage, c.paid, c.seats...)
				})
			})
		}
	}
}

func retried(s *shop, o *payment.Order) {
	if _, err := s.Retry(s.ctx, o.Order, "olga"); err != nil {
		s.Fatal(err)
	}
}

func refunded(f payment.Refunding) func(*shop, *payment.Order) {
	return func(s *shop, o *payment.Order) { s.mustRefund(o, f) }
}

func seats(ids ...lockstore.SeatID) []lockstore.SeatID { return ids }
