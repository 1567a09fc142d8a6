package main

import (
	"context"
	"log/slog"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc"
	"seatlock/functions/settings"
)

// discoverTime is how long the start waits for the issuer of tokens.
const discoverTime = 3 * time.Second

// openAccess returns the policy that the settings describe. It logs an issuer that
// does not answer: requests that need it fail until it does.
func openAccess(ctx context.Context, s settings.Access, log *slog.Logger) access.Policy {
	p := access.Policy{BackendKeys: backendKeys(s), Private: s.Private, Proxies: access.Proxies(s.Proxies)}
	if s.Rate > 0 {
		p.Rate = access.NewRate(s.Rate)
	}
	if s.ByteRate > 0 {
		p.Bytes = access.NewByteRate(s.ByteRate)
	}
	if s.Issuer == "" {
		return p
	}
	tokens := oidc.New(s.Issuer, s.Audience, log)
	p.Tokens = tokens
	ctx, cancel := context.WithTimeout(ctx, discoverTime)
	defer cancel()
	if err := tokens.Discover(ctx); err != nil {
		log.Error("the issuer of tokens does not answer as it should; nobody can sign in until it does", "issuer", s.Issuer, "error", err)
	}
	return p
}

// signsIn reports whether calls that change seats need a token.
func signsIn(s settings.Access) bool { return s.Issuer != "" || s.BackendKey != "" }

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

func backendKeys(s settings.Access) []string {
	if s.BackendKey == "" {
		return nil
	}
	return []string{s.BackendKey}
}
