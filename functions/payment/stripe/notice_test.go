package stripe_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe"
	"seatlock/functions/payment/stripe/fake"
	"seatlock/lockstore"
)

// aNotice is the body of a webhook about the order o1.
const aNotice = `{"object":"event","type":"checkout.session.completed","api_version":"2019-01-01","data":{"object":{"id":"cs_1","metadata":{"order":"o1"}}}}`

func signed(header string) http.Header { return http.Header{"Stripe-Signature": {header}} }

func TestWhoseNoticeIsBelieved(t *testing.T) {
	now := time.Now()
	s, err := stripe.New(stripe.Config{Key: key, Secrets: []string{"whsec_old", "whsec_new"}})
	if err != nil {
		t.Fatal(err)
	}
	good := fake.Sign([]byte(aNotice), now, "whsec_old")
	old := fake.Sign([]byte(aNotice), now.Add(-10*time.Minute), "whsec_old")
	for name, test := range map[string]struct {
		body, header string
		believed     bool
	}{
		"the old secret":                  {aNotice, good, true},
		"the new secret":                  {aNotice, fake.Sign([]byte(aNotice), now, "whsec_new"), true},
		"both, during a rotation":         {aNotice, fake.Sign([]byte(aNotice), now, "whsec_new", "whsec_old"), true},
		"a secret of somebody else":       {aNotice, fake.Sign([]byte(aNotice), now, "whsec_other"), false},
		"an empty secret":                 {aNotice, fake.Sign([]byte(aNotice), now, ""), false},
		"four minutes old":                {aNotice, fake.Sign([]byte(aNotice), now.Add(-4*time.Minute), "whsec_old"), true},
		"ten minutes old":                 {aNotice, old, false},
		"of the future":                   {aNotice, fake.Sign([]byte(aNotice), now.Add(10*time.Minute), "whsec_old"), false},
		"old, with a new time in front":   {aNotice, fmt.Sprintf("t=%d,%s", now.Unix(), old), false},
		"old, with a new time at the end": {aNotice, fmt.Sprintf("%s,t=%d", old, now.Unix()), false},
		"changed":                         {strings.ReplaceAll(aNotice, "o1", "o2"), good, false},
		"not signed":                      {aNotice, "", false},
		"nonsense":                        {aNotice, "t=now,v1=xyz", false},
	} {
		t.Run(name, func(t *testing.T) {
			order, err := s.Verify([]byte(test.body), signed(test.header), now)
			if !test.believed {
				mustFail(t, "verify", err, payment.ErrBadNotice)
			} else {
				must(t, "verify", err)
			}
			if want := map[bool]lockstore.OrderID{true: "o1"}[test.believed]; order != want {
				t.Errorf("it is about order %q, want %q", order, want)
			}
		})
	}

	without, err := stripe.New(stripe.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	_, err = without.Verify([]byte(aNotice), signed(good), now)
	mustFail(t, "verify without a secret", err, payment.ErrBadNotice)
}

func TestNoticesAboutSomethingElse(t *testing.T) {
	s, err := stripe.New(stripe.Config{Key: key, Secrets: []string{secret}})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"object":"event","data":{"object":{"object":"payout"}}}`,
		`{"object":"event","data":{"object":{"metadata":{"order":""}}}}`,
		`{"object":"event","data":{"object":{"metadata":{"order":"../../etc"}}}}`,
		`{"object":"event","data":{"object":{"metadata":{"order":17}}}}`,
		`[]`, `nonsense`, ``,
	} {
		order, err := s.Verify([]byte(body), signed(fake.Sign([]byte(body), time.Now(), secret)), time.Now())
		if order != "" || err != nil {
			t.Errorf("%s is about order %q, %v; want none", body, order, err)
		}
	}
}

// TestEveryEventLeadsToItsOrder checks the webhooks of everything that may happen to a
// payment: each conforms to Stripe's description and names the order.
func TestEveryEventLeadsToItsOrder(t *testing.T) {
	doc := description(t)
	var seen []string
	play(t, stripe.Config{Delayed: true}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		p := paid(t, s, at, "o1")
		must(t, "capture", s.Capture(t.Context(), p.ID, "o1.1"))
		at.RefundsBecome("pending")
		_, err := s.Refund(t.Context(), p.ID, 8400, "o1.1")
		must(t, "refund", err)
		at.FinishRefunds("pending", "failed")
		void := paid(t, s, at, "o3")
		must(t, "void", s.Void(t.Context(), void.ID))
		for _, come := range []bool{true, false} {
			id := opened(t, s, order(lockstore.OrderID(fmt.Sprint("delayed-", come))))
			must(t, "pay by a debit", at.PayDelayed(id))
			must(t, "decide", at.FinishDelayed(id, come))
		}
		id := opened(t, s, order("o2"))
		must(t, "decline", at.Decline(id))
		must(t, "expire", s.Expire(t.Context(), id))

		for _, e := range at.TakeEvents() {
			seen = append(seen, e.Type)
			var event struct {
				Data struct {
					Object map[string]any `json:"object"`
				} `json:"data"`
			}
			if err := json.Unmarshal(e.Body, &event); err != nil {
				t.Fatal(err)
			}
			if err := asSchema(doc, "event", e.Body); err != nil {
				t.Errorf("%s: %v", e.Type, err)
			}
			about, _ := json.Marshal(event.Data.Object)
			if err := asSchema(doc, fmt.Sprint(event.Data.Object["object"]), about); err != nil {
				t.Errorf("%s: %v", e.Type, err)
			}
			r, err := at.Webhook(t.Context(), "https://shop.example/webhooks/stripe", e)
			must(t, "make the webhook", err)
			order, err := s.Verify(e.Body, r.Header, at.Now())
			if err != nil || order == "" {
				t.Errorf("%s is about order %q, %v; want one", e.Type, order, err)
			}
		}
		if again := at.TakeEvents(); len(again) != 0 {
			t.Errorf("%d events are taken twice", len(again))
		}
	})
	slices.Sort(seen)
	want := []string{
		"charge.captured", "charge.refunded",
		"checkout.session.async_payment_failed", "checkout.session.async_payment_succeeded",
		"checkout.session.completed", "checkout.session.expired",
		"payment_intent.amount_capturable_updated", "payment_intent.canceled", "payment_intent.payment_failed",
		"payment_intent.processing", "payment_intent.succeeded",
		"refund.created", "refund.failed", "refund.updated",
	}
	if seen = slices.Compact(seen); !slices.Equal(seen, want) {
		t.Errorf("the events are %q, want %q", seen, want)
	}
}

// asSchema returns an error unless an object conforms to Stripe's schema of that name.
func asSchema(doc *openapi3.T, name string, body []byte) error {
	schema := doc.Components.Schemas[name]
	if schema == nil {
		return fmt.Errorf("there is no schema %s", name)
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	if err := schema.Value.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		return err
	}
	return knownFields(doc, value)
}
