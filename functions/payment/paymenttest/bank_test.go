package paymenttest_test

import (
	"testing"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
)

func TestBank(t *testing.T) {
	paymenttest.Provider(t, func(*testing.T) (payment.Provider, func(payment.Session) error) {
		b := new(paymenttest.Bank)
		return b, func(s payment.Session) error { return b.Pay(s.ID) }
	})
}
