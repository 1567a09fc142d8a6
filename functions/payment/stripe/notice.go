package stripe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// Verify returns the order of this installation that a webhook is about. It reads
// nothing else, so it accepts events of any version of Stripe's API, which is a setting
// of the endpoint. Stripe sends each event of an account to all of its endpoints,
// including events of other installations' orders. If this installation has a name,
// sessions without one may be another's, so they are left to polling.
//
// The signature must have been made with one of the secrets less than five minutes
// before now, so that nobody can replay an old webhook. That protects little, since a
// webhook only causes the state to be fetched, but it costs nothing.
func (s *Stripe) Verify(body []byte, header http.Header, now time.Time) (lockstore.OrderID, error) {
	signature := header.Get("Stripe-Signature")
	if !s.signed(body, signature) {
		return "", fmt.Errorf("%w: no secret fits", payment.ErrBadNotice)
	}
	age := now.Sub(signedAt(signature))
	if age.Abs() > webhook.DefaultTolerance {
		return "", fmt.Errorf("%w: it was signed %v ago", payment.ErrBadNotice, age)
	}
	var event struct {
		Data struct {
			Object struct {
				Metadata struct {
					Order        lockstore.OrderID `json:"order"`
					Installation string            `json:"installation"`
				} `json:"metadata"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return "", nil // signed, but about something else
	}
	about := event.Data.Object.Metadata
	if about.Order.Check() != nil || about.Installation != s.installation {
		return "", nil
	}
	return about.Order, nil
}

// signed reports whether the header has a signature made with one of the secrets.
func (s *Stripe) signed(body []byte, header string) bool {
	for _, secret := range s.secrets {
		if webhook.ValidatePayloadIgnoringTolerance(body, header, secret) == nil {
			return true
		}
	}
	return false
}

// signedAt returns the time in a header whose signature is valid. The library compares
// it only with the machine's clock. If there are several times, the last one is signed.
func signedAt(header string) (at time.Time) {
	for part := range strings.SplitSeq(header, ",") {
		if text, ok := strings.CutPrefix(part, "t="); ok {
			seconds, _ := strconv.ParseInt(text, 10, 64)
			at = time.Unix(seconds, 0)
		}
	}
	return at
}
