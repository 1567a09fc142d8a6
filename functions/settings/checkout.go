package settings

import "slices"

// PaymentsElsewhere is the part of [Payments] that is read by Lambda functions which
// take no payments themselves: whether another function does.
type PaymentsElsewhere struct{ Payments }

func (p *PaymentsElsewhere) declare() (string, []Setting) {
	title, all := p.Payments.declare()
	return title, slices.DeleteFunc(all, func(s Setting) bool {
		return !slices.Contains([]string{"CHECKOUT", "PAY_WITHIN", "PAY_MARGIN"}, s.Env)
	})
}

func (p *PaymentsElsewhere) check() error { return p.onLambda() }

// onLambda refuses the till, because no function serves its page.
func (p *Payments) onLambda() error {
	if p.Checkout == Till {
		return p.wrong("checkout", "must be stripe on Lambda: the till is for trying it out on a machine of your own")
	}
	return nil
}

// Checkout is the [Payments] of the Lambda function that takes them, and where buyers
// come back to.
type Checkout struct {
	Payments

	ReturnTo []string // origins besides that of the API
}

func (c *Checkout) declare() (string, []Setting) {
	title, all := c.Payments.declare()
	for i, s := range all {
		all[i].Needed = map[string]string{
			"CHECKOUT":     "it must be stripe for the function that takes payments",
			"INSTALLATION": "it must be a name that no other installation has, so that others with the same account at Stripe leave its orders alone",
			"STRIPE_KEY":   "it must be a secret or restricted key of the Stripe account",
		}[s.Env]
	}
	return title, append(all, Setting{Env: "RETURN_ORIGINS", ReadBy: ByLambda,
		into:  list(&c.ReturnTo, isOrigin, "must be a scheme and a host, such as https://shop.example"),
		Usage: "the origins of pages, separated by commas, to which a checkout may let buyers come back"})
}

func (c *Checkout) check() error {
	if err := c.onLambda(); err != nil {
		return err
	}
	return c.Payments.check()
}
