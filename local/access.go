package main

import (
	"context"
	"log/slog"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/settings"
)

// greetTime bounds how long the start waits for the issuer of tokens.
const greetTime = 3 * time.Second

// openAccess returns the guard that the settings describe. An unavailable issuer
// is logged and tried again by the requests that need it.
func openAccess(ctx context.Context, s settings.Access, api *booking.API, log *slog.Logger) *access.Guard {
	guard := &access.Guard{BackendKey: s.BackendKey, Private: s.Private, Proxies: s.Proxies, Fail: api.Fail}
	if s.Rate > 0 {
		guard.Rate = access.NewRate(s.Rate)
	}
	if s.Issuer == "" {
		return guard
	}
	guard.SignIn = access.NewSignIn(s.Issuer, s.Audience, log)
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	if err := guard.SignIn.Greet(ctx); err != nil {
		log.Error("the issuer of tokens does not answer as it should; nobody can sign in until it does", "issuer", s.Issuer, "error", err)
	}
	return guard
}

// identifiedBy says in the start-up line how users are identified.
func identifiedBy(s settings.Access) string {
	switch {
	case s.Issuer != "" && s.BackendKey != "":
		return "signed in at " + s.Issuer + ", or named by the back end with the key"
	case s.Issuer != "":
		return "signed in at " + s.Issuer
	case s.BackendKey != "":
		return "named by the back end with the key"
	}
	return "named by the userId of each request, unchecked: fit behind your own back end only"
}
