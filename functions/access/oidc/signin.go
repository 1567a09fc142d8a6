package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"seatlock/functions/access"
	"seatlock/functions/access/session"
	"seatlock/functions/problem"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// The paths of the sign-in.
const (
	SignInPath   = "/signin"
	CallbackPath = "/signin/callback"
)

const (
	// flowTime is how long a user may take to sign in at the issuer.
	flowTime = 10 * time.Minute

	// exchangeTime bounds the exchange of a code for tokens.
	exchangeTime = 5 * time.Second

	// maxPlace is the greatest length of a place on the page.
	maxPlace = 1 << 10

	flowPurpose = "signin"
)

// A SignIn lets users sign in on the page, by the code flow of OpenID Connect with
// PKCE, state and nonce.
type SignIn struct {
	Verifier *Verifier // of the issuer
	Client   string    // the page's id at the issuer
	Secret   string    // its secret; empty for a public client
	URL      string    // of the page, as browsers know it; if empty, the request's
	Proxies  access.Proxies
	Sealer   *session.Sealer
	Sessions *session.Sessions
	Log      *slog.Logger

	flows    flows
	failures telemetry.Bound // limits the log lines about failures
}

// A flow is a sign-in that has begun. Each has a cookie of its own, so that several
// windows can sign in at the same time.
type flow struct {
	State, Nonce, Verifier string
	To                     string // the place on the page to go back to, as a fragment
	Until                  time.Time
}

// Handler returns a handler of the sign-in. It gives all other requests to next.
func (s *SignIn) Handler(next telemetry.Handler) telemetry.Handler {
	return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		var err error
		switch {
		case r.URL.Path != SignInPath && r.URL.Path != CallbackPath:
			return next(w, r)
		case r.Method != "GET":
			w.Header().Set("Allow", "GET")
			err = problem.Refuse(problem.MethodNotAllowed, "This call takes GET.")
		case r.URL.Path == SignInPath:
			err = s.begin(w, r)
		default:
			err = s.end(w, r)
		}
		return session.Refuse(w, err)
	}
}

// begin sends the browser to the issuer.
func (s *SignIn) begin(w http.ResponseWriter, r *http.Request) error {
	// Signing in ends a guest's session, so no other site may begin it.
	if !session.OwnPage(r) {
		return problem.Refuse(problem.Forbidden, "A page of another site may not sign you in.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), exchangeTime)
	defer cancel()
	client, err := s.client(ctx, r)
	if err != nil {
		return s.Verifier.unavailable(err)
	}
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), To: r.URL.Query().Get("to"), Until: time.Now().Add(flowTime)}
	if len(f.To) > maxPlace {
		f.To = ""
	}
	sealed, err := s.Sealer.Seal(flowPurpose, f)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.Sessions.NewCookie(r, cookieOf(f.State), sealed, flowTime))
	redirect(w, client.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)))
	return nil
}

// redirect sends the browser elsewhere, without a body.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// end receives the issuer's answer, and sends the browser back to the page. A sign-in
// that fails changes nothing: the browser keeps its session.
func (s *SignIn) end(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowOf(r)
	if err == nil {
		http.SetCookie(w, s.Sessions.NewCookie(r, cookieOf(f.State), "", 0))
		var user lockstore.UserID
		if err = s.flows.use(f.State, s.Proxies.Client(r)); err == nil {
			user, err = s.user(r, f)
		}
		if err == nil {
			err = s.Sessions.Set(w, r, session.Of(user))
		}
	}
	back := url.URL{Path: "../", Fragment: f.To}
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		if err != nil {
			return err
		}
		back = *u.JoinPath("/")
		back.Fragment = f.To
	}
	if err != nil {
		// The page reports the failure; its cause is for the log only.
		s.failures.Log(r.Context(), s.Log, slog.LevelWarn, "sign-in", "a sign-in failed", slog.Any("error", err))
		back.RawQuery = "signin=failed"
	}
	redirect(w, back.String())
	return nil
}

// flowOf returns the sign-in that the browser has begun.
func (s *SignIn) flowOf(r *http.Request) (flow, error) {
	state := r.URL.Query().Get("state")
	cookie, err := r.Cookie(s.Sessions.Name(r, cookieOf(state)))
	if err != nil {
		return flow{}, errors.New("this browser did not start this sign-in")
	}
	var f flow
	if err := s.Sealer.Open(flowPurpose, cookie.Value, &f); err != nil {
		return flow{}, err
	}
	switch {
	case f.State != state:
		return flow{}, errors.New("the state does not match")
	case time.Now().After(f.Until):
		return flow{}, errors.New("the sign-in took too long")
	}
	return f, nil
}

// user returns the user who has signed in at the issuer.
func (s *SignIn) user(r *http.Request, f flow) (lockstore.UserID, error) {
	q := r.URL.Query()
	if refused := q.Get("error"); refused != "" {
		return "", errors.New("the issuer refused: " + strings.ToValidUTF8(refused[:min(len(refused), 100)], ""))
	}
	ctx, cancel := context.WithTimeout(r.Context(), exchangeTime)
	defer cancel()
	client, err := s.client(ctx, r)
	if err != nil {
		return "", err
	}
	tokens, err := client.Exchange(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Timeout: exchangeTime}), q.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok { // its text contains the answer, which may have tokens
			return "", errors.New("the issuer gave no tokens for the code: " + e.ErrorCode)
		}
		return "", err
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := s.Verifier.verifyID(ctx, raw, s.Client)
	if err != nil {
		return "", err
	}
	if id.Nonce != f.Nonce {
		return "", errors.New("the ID token is for another sign-in")
	}
	user := lockstore.UserID(id.Subject)
	if user.Check() != nil {
		return "", errors.New("the ID token's subject cannot be a user")
	}
	return user, nil
}

// client returns the page as a client of the issuer.
func (s *SignIn) client(ctx context.Context, r *http.Request) (*oauth2.Config, error) {
	if _, err := s.Verifier.ready(ctx); err != nil {
		return nil, err
	}
	endpoint := s.Verifier.endpoint()
	var err error
	if endpoint.AuthStyle, err = s.Verifier.style(ctx, s.Secret); err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(s.URL, "/")
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	return &oauth2.Config{
		ClientID: s.Client, ClientSecret: s.Secret, Endpoint: endpoint,
		RedirectURL: base + CallbackPath, Scopes: []string{oidc.ScopeOpenID},
	}, nil
}

// cookieOf returns the name of the cookie of a sign-in. The state comes from the
// client.
func cookieOf(state string) string {
	name := []byte("seatlock-signin-")
	for _, c := range []byte(state[:min(len(state), 8)]) {
		if 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			name = append(name, c)
		}
	}
	return string(name)
}
