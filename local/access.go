package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
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
	p := access.Policy{
		BackendKeys:   s.BackendKeys,
		OperatorKeys:  s.OperatorKeys,
		BackendClaim:  access.ParseClaim(s.BackendClaim),
		OperatorClaim: access.ParseClaim(s.OperatorClaim),
		ConfirmBy:     access.ParseConfirmBy(s.ConfirmBy),
		Private:       s.Private,
		Proxies:       access.Proxies(s.Proxies),
	}
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

// keyOfThisRun returns a new key for the operator of a server at home, or nothing for
// another server. At home, only programs on this machine can connect, nobody signs in,
// and no key is configured.
func keyOfThisRun(s settings.Runner) string {
	host, _, err := net.SplitHostPort(s.Server.Addr)
	ip := net.ParseIP(host)
	if err != nil || host != "localhost" && !ip.IsLoopback() || s.Access.Closed() || len(s.Access.OperatorKeys) > 0 {
		return ""
	}
	return rand.Text() + rand.Text()
}

// printKey prints a command with the key, to be pasted in a shell.
func printKey(out io.Writer, key, url string) {
	if key != "" {
		fmt.Fprintf(out, "As an operator: curl -H 'Authorization: Bearer %s' %s/bookings\n", key, url)
	}
}

// identifiedBy says in the start-up line how users are identified.
func identifiedBy(s settings.Access) string {
	switch {
	case s.Issuer != "" && len(s.BackendKeys) > 0:
		return "signed in at " + s.Issuer + ", or named by the back end with the key"
	case s.Issuer != "":
		return "signed in at " + s.Issuer
	case len(s.BackendKeys) > 0:
		return "named by the back end with the key"
	}
	return "named by the userId of each request, unchecked: fit behind your own back end only"
}
