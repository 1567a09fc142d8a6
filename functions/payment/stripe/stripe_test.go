package stripe_test

import (
	"strings"
	"testing"

	"seatlock/functions/payment/stripe"
)

func TestNew(t *testing.T) {
	for key, test := range map[string]bool{"sk_test_1": true, "rk_test_1": true, "sk_live_1": false, "rk_live_1": false} {
		s, err := stripe.New(stripe.Config{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		if s.Test() != test || strings.HasSuffix(s.Name(), "-test") != test {
			t.Errorf("%s: Test is %v and the name %s", key, s.Test(), s.Name())
		}
	}
	for _, wrong := range []stripe.Config{
		{}, {Key: "pk_live_secret"}, {Key: "whsec_secret"}, {Key: "sk_secret"},
		{Key: key, Secrets: []string{"sk_test_secret"}}, {Key: key, URL: "secret"},
	} {
		if _, err := stripe.New(wrong); err == nil {
			t.Errorf("%+v is accepted", wrong)
		} else if wrong.URL == "" && strings.Contains(err.Error(), "secret") && strings.Contains(err.Error(), "_secret") {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}
