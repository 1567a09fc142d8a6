package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"seatlock/functions/payment"
)

// failure returns the error of a failed call. what names the attempt, such as "capture
// pi_1". The text has Stripe's message, but not the objects that Stripe returns with
// some errors, because they contain personal data.
func failure(what string, err error) error {
	var e *stripe.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("stripe: cannot %s: %w", what, err)
	}
	text := fmt.Sprintf("stripe: cannot %s: status %d, %s", what, e.HTTPStatusCode, e.Msg)
	if e.Code != "" {
		text += fmt.Sprintf(" [%s]", e.Code)
	}
	if e.RequestID != "" {
		text += fmt.Sprintf(" (%s)", e.RequestID)
	}
	switch {
	case e.HTTPStatusCode == http.StatusUnauthorized || e.HTTPStatusCode == http.StatusForbidden:
		text += "; the key of Stripe must be valid and may do this"
	case e.HTTPStatusCode == http.StatusNotFound && e.Code == stripe.ErrorCodeResourceMissing:
		return fmt.Errorf("%w: %s; the key of Stripe must be of the account and mode that the order was opened in", payment.ErrRefused, text)
	case e.HTTPStatusCode == http.StatusPaymentRequired,
		e.HTTPStatusCode == http.StatusBadRequest && e.Type == stripe.ErrorTypeInvalidRequest:
		return fmt.Errorf("%w: %s", payment.ErrRefused, text)
	case e.HTTPStatusCode == http.StatusInternalServerError && e.Type == stripe.ErrorTypeAPI:
		// Stripe has recorded this answer. A 502, 503 or 504 may come from something in
		// between.
		return fmt.Errorf("%w: %s", payment.ErrFailed, text)
	}
	return errors.New(text)
}

// repeat makes a call, and repeats it while another worker's call with the same key is
// under way.
func repeat(ctx context.Context, call func() error) error {
	for try := 1; ; try++ {
		err := call()
		if !is(err, stripe.ErrorCodeIdempotencyKeyInUse) || try > retries {
			return err
		}
		select {
		case <-time.After(time.Duration(try) * pause):
		case <-ctx.Done():
			return err
		}
	}
}

// is reports whether a call failed with the code.
func is(err error, code stripe.ErrorCode) bool {
	var e *stripe.Error
	return errors.As(err, &e) && e.Code == code
}

// otherParams reports whether Stripe knows the key from a call with different
// parameters.
func otherParams(err error) bool {
	var e *stripe.Error
	return errors.As(err, &e) && e.Type == stripe.ErrorTypeIdempotency
}

// aboutParam reports whether Stripe rejected the parameter.
func aboutParam(err error, name string) bool {
	var e *stripe.Error
	return errors.As(err, &e) && e.HTTPStatusCode == http.StatusBadRequest && (e.Param == name || strings.Contains(e.Msg, name))
}
