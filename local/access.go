package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc"
	"seatlock/functions/access/session"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
)

// discoverTime is how long the program waits for the token issuer when it starts.
const discoverTime = 3 * time.Second

// A gate holds the access policy and signs users in.
type gate struct {
	access.Policy
	desk   session.Desk
	signIn *oidc.SignIn // nil if nobody signs in on the page
}

// handler returns next with the calls of sessions added.
func (g *gate) handler(next telemetry.Handler) telemetry.Handler {
	if g.signIn != nil {
		next = g.signIn.Handler(next)
	}
	return g.desk.Handler(next)
}

// openAccess returns the gate that the settings describe. If the issuer does not
// answer, it logs that, and requests that need the issuer fail until it does.
func openAccess(ctx context.Context, s settings.Access, log *slog.Logger) (*gate, error) {
	g := &gate{Policy: access.Policy{
		BackendKeys:   s.BackendKeys,
		OperatorKeys:  s.OperatorKeys,
		BackendClaim:  access.ParseClaim(s.BackendClaim),
		OperatorClaim: access.ParseClaim(s.OperatorClaim),
		ConfirmBy:     access.ParseConfirmBy(s.ConfirmBy),
		Private:       s.Private,
		Proxies:       access.Proxies(s.Proxies),
	}}
	g.desk = session.Desk{Policy: &g.Policy, SignIn: s.Client != ""}
	if s.Rate > 0 {
		g.Rate = access.NewRate(s.Rate)
	}
	if s.ByteRate > 0 {
		g.Bytes = access.NewByteRate(s.ByteRate)
	}
	if s.Unbought > 0 {
		g.Locks = access.NewBudget(float64(s.Unbought))
	}
	var tokens *oidc.Verifier
	if s.Issuer != "" {
		tokens = oidc.New(s.Issuer, s.Audience, log)
		g.Tokens = tokens
	}
	if s.Sessions || s.Client != "" {
		if err := g.openSessions(s, tokens, log); err != nil {
			return nil, err
		}
	}
	if tokens == nil {
		return g, nil
	}
	ctx, cancel := context.WithTimeout(ctx, discoverTime)
	defer cancel()
	if err := tokens.Discover(ctx); err != nil {
		log.Error("the issuer of tokens does not answer correctly; nobody can sign in until it does", "issuer", s.Issuer, "error", err)
	}
	return g, nil
}

// openSessions sets up guests, or users who sign in on the page, or both.
func (g *gate) openSessions(s settings.Access, tokens *oidc.Verifier, log *slog.Logger) error {
	keys := s.SessionKeys
	if len(keys) == 0 {
		keys = []string{rand.Text() + rand.Text()}
		log.Warn("sessions are lost when this program stops, and other processes do not accept them: set SESSION_KEY to keep them")
	}
	sealer, err := session.NewSealer(keys...)
	if err != nil {
		return err
	}
	sessions, err := session.New(sealer, session.Options{Guests: s.Sessions, URL: s.PublicURL})
	if err != nil {
		return err
	}
	g.Sessions, g.desk.Sessions = sessions, sessions
	if s.Sessions {
		// A budget lets an address use ten times as much as a user.
		g.desk.Guests = access.NewBudget(float64(s.Guests) / 10)
	}
	if s.Client != "" {
		g.signIn = &oidc.SignIn{Verifier: tokens, Client: s.Client, Secret: s.Secret, URL: s.PublicURL, Proxies: g.Proxies, Sealer: sealer, Sessions: sessions, Log: log}
	}
	return nil
}

// keyOfThisRun returns a new operator's key for a server at home, and "" for any other.
// At home, only programs on this machine can connect, nobody signs in, and no operator's
// key is configured.
func keyOfThisRun(s settings.Runner) string {
	host, _, err := net.SplitHostPort(s.Server.Addr)
	ip := net.ParseIP(host)
	if err != nil || host != "localhost" && !ip.IsLoopback() || s.Access.Closed() || len(s.Access.OperatorKeys) > 0 {
		return ""
	}
	return rand.Text() + rand.Text()
}

// printKey prints a command with the key, to be pasted into a shell.
func printKey(out io.Writer, key, url string) {
	if key != "" {
		fmt.Fprintf(out, "As an operator: curl -H 'Authorization: Bearer %s' %s/bookings\n", key, url)
	}
}

// identifiedBy describes how users are identified, for the start-up line.
func identifiedBy(s settings.Access) string {
	var by []string
	if s.Issuer != "" {
		by = append(by, "signed in at "+s.Issuer)
	}
	if s.Sessions {
		by = append(by, "guests of this server")
	}
	if len(s.BackendKeys) > 0 {
		by = append(by, "named by the back end with the key")
	}
	if len(by) == 0 {
		return "named by the userId of each request, unchecked: use only behind your own back end"
	}
	return strings.Join(by, ", or ")
}
