package till

import (
	"math"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// digits are the currencies of ISO 4217 whose smallest unit is not a hundredth, by the
// number of its digits. Libraries know those that are in use, which is less for some: a
// price of 10,000.00 Indonesian rupiah is 1,000,000 all the same, also at Stripe.
var digits = map[int]string{
	0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
	3: "BHD IQD JOD KWD LYD OMR TND",
	4: "CLF UYW",
}

func digitsOf(currency string) int {
	for n, all := range digits {
		if strings.Contains(all, currency) {
			return n
		}
	}
	return 2
}

// money writes an amount in the smallest unit of a currency as the language does, such as
// 84.00 EUR.
func money(tag language.Tag, amount int64, currency string) string {
	n := digitsOf(currency)
	value := float64(amount) / math.Pow10(n)
	return message.NewPrinter(tag).Sprint(number.Decimal(value, number.Scale(n))) + " " + currency
}
