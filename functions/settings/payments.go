package settings

import (
	"slices"
	"time"
)

// Till is the value of Payments.Checkout for the provider at home.
const Till = "till"

// Payments is the settings of how seats are paid for.
type Payments struct {
	origins

	Checkout string        // the provider; empty: nothing is paid for here
	Within   time.Duration // how long a buyer has to pay
	Margin   time.Duration // how much longer the seats are locked
}

func (p *Payments) declare() (string, []Setting) {
	return "Payments", []Setting{
		{Flag: "checkout", Env: "CHECKOUT",
			into:  checked(&p.Checkout, func(name string) bool { return slices.Contains([]string{"", Till}, name) }, "must be till"),
			Usage: "let buyers pay at `PROVIDER`: till is for trying it out, and no money moves. A payment then confirms bookings, unless -confirm-by says otherwise"},
		{Flag: "pay-within", Env: "PAY_WITHIN", Default: "10m",
			into:  duration(&p.Within, time.Second, 24*time.Hour, "must be a duration from 1s to 24h, such as 10m"),
			Usage: "give a buyer `DURATION` to pay"},
		{Flag: "pay-margin", Env: "PAY_MARGIN", Default: "2m",
			into:  duration(&p.Margin, time.Minute, 24*time.Hour, "must be a duration from 1m to 24h, such as 2m"),
			Usage: "keep the seats locked for `DURATION` after the time to pay, so that a payment of the last moment still gets them"},
	}
}

func (p *Payments) check() error {
	for _, flag := range []string{"pay-within", "pay-margin"} {
		if p.Checkout == "" && p.given(flag) {
			return p.wrong(flag, "needs -checkout")
		}
	}
	return nil
}
