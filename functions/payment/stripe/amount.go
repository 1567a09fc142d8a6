package stripe

import "strings"

// scale returns how many of Stripe's units make one of ours in the currency. It is not
// 1 where Stripe does not count in the smallest unit of ISO 4217; 0 means that Stripe's
// unit is larger than ours, so that not every amount can be paid. See
// https://docs.stripe.com/currencies#special-cases.
func scale(currency string) int64 {
	switch strings.ToUpper(currency) {
	case "ISK", "UGX": // Stripe still counts their hundredths, which no longer exist
		return 100
	case "MGA":
		return 0
	}
	return 1
}

// ours returns an amount of Stripe's as the smallest units of the currency.
func ours(amount int64, currency string) int64 { return amount / max(scale(currency), 1) }
