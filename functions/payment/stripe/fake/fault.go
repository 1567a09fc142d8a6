package fake

import (
	"net/http"
	"time"
)

// A Call is a request that [Stripe.Fail] decides about.
type Call struct {
	Route string // such as "POST /v1/payment_intents/{id}/capture"
	ID    string // of the object in the path; empty if there is none
	Key   string // the idempotency key; empty if there is none
}

// A Fault is how a call fails. The zero Fault lets it succeed.
type Fault struct {
	Before time.Duration // time until the call takes effect, which it does even if its caller gave up
	After  time.Duration // time between the effect and the answer

	NoEffect bool // the call does not take effect; needs Status or Lost

	// Status is the HTTP status of an error that is returned instead. Answers with 402
	// or 500 are saved for the call's key, as at Stripe. 402 and 429 imply NoEffect.
	Status int

	Lost bool // the connection ends without an answer
}

// Fail sets the function that decides how each call fails from now on. With nil, none
// fails. f may be called concurrently.
func (s *Stripe) Fail(f func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

func (s *Stripe) fault(c Call) Fault {
	s.mu.Lock()
	f := s.fail
	s.mu.Unlock()
	if f == nil {
		return Fault{}
	}
	fault := f(c)
	if fault.Status == http.StatusPaymentRequired || fault.Status == http.StatusTooManyRequests {
		fault.NoEffect = true
	}
	return fault
}

// errorOf returns the error for the status.
func errorOf(status int) *apiError {
	switch status {
	case http.StatusPaymentRequired:
		return &apiError{status: status, kind: "card_error", code: "card_declined", message: "Your card was declined.", saved: true}
	case http.StatusTooManyRequests:
		return &apiError{status: status, kind: invalidRequest, code: "rate_limit", message: "Request rate limit exceeded."}
	case http.StatusInternalServerError:
		return &apiError{status: status, kind: "api_error", message: "An unknown error occurred.", saved: true}
	}
	return &apiError{status: status, kind: "api_error", message: "Stripe is not available at the moment."}
}
