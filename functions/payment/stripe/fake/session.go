package fake

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The states of a session.
const (
	open     = "open"
	complete = "complete"
	expired  = "expired"
)

// Bounds of a session's expires_at, from its creation.
const (
	shortest = 30 * time.Minute
	longest  = 24 * time.Hour
)

// smallest is the smallest amount that can be paid. Stripe has another for each currency.
const smallest = 50

// A session is a Checkout Session in payment mode.
type session struct {
	id        string
	status    string
	created   time.Time
	expiresAt time.Time

	amount         int64
	currency       string
	reference      string // client_reference_id
	email          string
	success        string // where the buyer is sent
	cancel         string
	metadata       map[string]string
	intentMetadata map[string]string
	locale         string   // of the page; empty or "auto": the browser's
	description    string   // of the intent
	methods        []string // empty: whatever the account has
	manual         bool     // cards are captured by a call
	allManual      bool     // and so is everything else

	intent *intent // nil until the buyer tries to pay
}

// sessionParams are the parameters of a new session.
var sessionParams = []string{
	"mode", "client_reference_id", "customer_email", "success_url", "cancel_url", "expires_at", "locale",
	"metadata[]",
	"payment_intent_data[capture_method]", "payment_intent_data[description]", "payment_intent_data[metadata][]",
	"payment_method_types[]", "payment_method_options[card][capture_method]",
	"line_items[][quantity]", "line_items[][price_data][currency]",
	"line_items[][price_data][unit_amount]", "line_items[][price_data][product_data][name]",
}

var address = regexp.MustCompile(`^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$`)

// captureManually are the payment methods that can be captured by a call.
var captureManually = []string{"card", "link", "klarna", "amazon_pay"}

func (s *Stripe) createSession(_ string, p params) (object, error) {
	c := &session{
		created:     s.now(),
		status:      open,
		reference:   p.Get("client_reference_id"),
		email:       p.Get("customer_email"),
		success:     p.Get("success_url"),
		locale:      p.Get("locale"),
		description: p.Get("payment_intent_data[description]"),
		cancel:      p.Get("cancel_url"),
		manual:      p.Get("payment_method_options[card][capture_method]") == "manual",
	}
	if p.Get("mode") != "payment" {
		return nil, badParam("mode", "This fake has mode=payment alone.")
	}
	switch p.Get("payment_intent_data[capture_method]") {
	case "manual":
		c.manual, c.allManual = true, true
	case "", "automatic", "automatic_async":
	default:
		return nil, badParam("payment_intent_data[capture_method]", "Invalid capture_method.")
	}
	if err := c.setPlaces(); err != nil {
		return nil, err
	}
	var err error
	if c.metadata, err = p.metadata("metadata"); err != nil {
		return nil, err
	}
	if c.intentMetadata, err = p.metadata("payment_intent_data[metadata]"); err != nil {
		return nil, err
	}
	for i := 0; p.Has(fmt.Sprintf("payment_method_types[%d]", i)); i++ {
		method := p.Get(fmt.Sprintf("payment_method_types[%d]", i))
		if c.allManual && !slices.Contains(captureManually, method) {
			return nil, badParam("payment_method_types", "The payment method type "+method+" does not support manual capture.")
		}
		c.methods = append(c.methods, method)
	}
	if err := c.setAmount(p); err != nil {
		return nil, err
	}
	at, err := p.number("expires_at", c.created.Add(longest).Unix(), 0, 1<<40)
	if err != nil {
		return nil, err
	}
	c.expiresAt = time.Unix(at, 0)
	if c.expiresAt.Before(c.created.Add(shortest)) || c.expiresAt.After(c.created.Add(longest)) {
		return nil, badParam("expires_at", "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.")
	}
	c.id = s.newID("cs_test")
	s.sessions = append(s.sessions, c)
	s.byID[c.id] = c
	s.wake(c.expiresAt)
	return c.render(p.expands("")), nil
}

// setPlaces checks the addresses where the buyer is sent.
func (c *session) setPlaces() error {
	if c.success == "" {
		return missingParam("success_url")
	}
	for name, place := range map[string]string{"success_url": c.success, "cancel_url": c.cancel} {
		if u, err := url.Parse(place); place != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: "url_invalid", param: name, message: "Not a valid URL"}
		}
	}
	if c.email != "" && !address.MatchString(c.email) {
		return &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: "email_invalid", param: "customer_email", message: "Invalid email address: " + c.email}
	}
	return nil
}

// setAmount adds up the line items.
func (c *session) setAmount(p params) error {
	i := 0
	for ; ; i++ {
		item := "line_items[" + strconv.Itoa(i) + "]"
		currency := p.Get(item + "[price_data][currency]")
		if currency == "" {
			break
		}
		if c.currency != "" && c.currency != currency || len(currency) != 3 || strings.ToLower(currency) != currency {
			return badParam(item+"[price_data][currency]", "All line items must have one currency, in lowercase: "+currency)
		}
		c.currency = currency
		if p.Get(item+"[price_data][product_data][name]") == "" {
			return missingParam(item + "[price_data][product_data][name]")
		}
		unit, err := p.number(item+"[price_data][unit_amount]", -1, 0, 1<<40)
		if err != nil {
			return err
		}
		quantity, err := p.number(item+"[quantity]", -1, 1, 1<<20)
		if err != nil {
			return err
		}
		if unit < 0 || quantity < 0 {
			return missingParam(item + "[quantity]")
		}
		c.amount += unit * quantity
	}
	switch {
	case i == 0:
		return missingParam("line_items")
	case i > 100:
		return badParam("line_items", "A session can have up to 100 line items.")
	case c.amount < smallest:
		return &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: "amount_too_small",
			message: "The Checkout Session's total amount due must add up to at least 0.50."}
	case c.amount > 99999999:
		return &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: "amount_too_large",
			message: "The Checkout Session's total amount must be no more than 999,999.99."}
	}
	return nil
}

func (s *Stripe) session(id string) (*session, error) {
	if c := s.byID[id]; c != nil {
		return c, nil
	}
	return nil, missing("checkout.session", id)
}

func (s *Stripe) getSession(id string, p params) (object, error) {
	c, err := s.session(id)
	if err != nil {
		return nil, err
	}
	return c.render(p.expands("")), nil
}

func (s *Stripe) listSessions(_ string, p params) (object, error) {
	all := s.sessions
	if intent := p.Get("payment_intent"); intent != "" {
		all = nil
		if i := s.intents[intent]; i != nil {
			all = []*session{i.session}
		}
	}
	return list(p, "/v1/checkout/sessions", all,
		func(c *session) string { return c.id },
		func(c *session) time.Time { return c.created },
		func(c *session) object { return c.render(p.expands("data.")) })
}

func (s *Stripe) expireSession(id string, p params) (object, error) {
	c, err := s.session(id)
	if err != nil {
		return nil, err
	}
	if c.status != open {
		return nil, &apiError{status: http.StatusBadRequest, kind: invalidRequest, saved: true,
			message: "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `" + c.status + "`."}
	}
	s.expire(c)
	return c.render(p.expands("")), nil
}

// expire ends an open session, and gives up what the buyer began there.
func (s *Stripe) expire(c *session) {
	c.status = expired
	if c.intent != nil {
		s.cancel(c.intent, "automatic")
	}
	s.emit("checkout.session.expired", c.render(nil))
}
