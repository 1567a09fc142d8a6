package main

import (
	"log/slog"
	"net/http/httptest"
	"strings"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc"
	"seatlock/functions/access/oidc/issuertest"
	"seatlock/functions/access/session"
	"seatlock/functions/settings"
)

// sessionRequests returns the requests about who the caller is.
func sessionRequests() map[string]request {
	fromElsewhere := "Sec-Fetch-Site: cross-site"
	return map[string]request{
		"GET /session 200 open":                 {},
		"GET /session 200 paying":               {before: takesPayments},
		"GET /session 200 guest":                {before: hasGuests},
		"GET /session 200 user":                 {header: "Authorization: Bearer TOKEN", before: hasUser},
		"GET /session 200 nobody":               {target: "?guest=none", before: hasGuests},
		"GET /session 200 operator":             {header: asOperator, before: hasGuests},
		"GET /session 400 bad_request":          {target: "?guests=none", before: hasGuests},
		"GET /session 401 unauthenticated":      {header: "Authorization: Bearer guessed", before: hasGuests},
		"GET /session 403 forbidden":            {header: fromElsewhere, before: hasGuests},
		"GET /session 429 rate_limited":         {before: flooded},
		"GET /session 429 guests":               {before: manyGuests},
		"GET /session 503 sign_in_unavailable":  {header: "Authorization: Bearer x", before: issuerAway},
		"GET /session 503 overloaded":           {before: full},
		"GET /signin 303":                       {target: "?to=event%3Dhall", before: hasIssuer},
		"GET /signin 403 forbidden":             {header: fromElsewhere, before: hasGuests},
		"GET /signin 429 rate_limited":          {before: flooded},
		"GET /signin 503 sign_in_unavailable":   {before: hasGuests},
		"GET /signin 503 overloaded":            {before: full},
		"GET /signin/callback 303":              {target: "?state=unknown&code=1", before: hasGuests},
		"GET /signin/callback 429 rate_limited": {before: flooded},
		"GET /signin/callback 503 overloaded":   {before: full},
		"POST /signout 200 nobody":              {before: hasGuests},
		"POST /signout 400 bad_request":         {target: "?all=true", before: hasGuests},
		"POST /signout 403 forbidden":           {header: fromElsewhere, before: hasGuests},
		"POST /signout 429 rate_limited":        {before: flooded},
		"POST /signout 503 overloaded":          {before: full},
	}
}

// takesPayments makes the runner take payments on the page.
func takesPayments(s *fixture) {
	s.policy.ConfirmBy = access.ConfirmByPayment
	s.gate = &gate{desk: session.Desk{Pay: true}}
}

// hasGuests makes the runner have guests, who can sign in at an issuer that is away.
func hasGuests(s *fixture) { s.signIn("http://127.0.0.1:1", 100) }

// hasIssuer is hasGuests with an issuer that answers.
func hasIssuer(s *fixture) { s.signIn(issuertest.New(s.t).URL, 100) }

// manyGuests is hasGuests with an address that may have no more guests.
func manyGuests(s *fixture) {
	s.signIn("http://127.0.0.1:1", 1)
	s.ask("GET", "/session", "", "")
}

// hasUser is hasGuests with a user who has signed in.
func hasUser(s *fixture) {
	hasGuests(s)
	w := httptest.NewRecorder()
	if err := s.gate.desk.Sessions.Set(w, httptest.NewRequest("GET", "/session", nil), session.Of("user456")); err != nil {
		s.t.Fatal(err)
	}
	s.token = w.Result().Cookies()[0].Value
}

// signIn makes the runner have guests, at most this many an hour at an address, who can sign
// in at the issuer.
func (s *fixture) signIn(issuer string, guests int) {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	tokens := oidc.New(issuer, "shop", log)
	s.gate = &gate{desk: session.Desk{SignIn: true}}
	err := s.gate.openSessions(settings.Access{Sessions: true, Guests: guests, SessionKeys: []string{strings.Repeat("s", 32)}, Client: "page"}, tokens, log)
	if err != nil {
		s.t.Fatal(err)
	}
	s.policy.Sessions = s.gate.Sessions
}

// flooded uses up the rate limit of all callers of the client's address.
func flooded(s *fixture) {
	hasGuests(s)
	s.policy.Rate = access.NewRate(0.001)
	for range 10 {
		s.ask("GET", "/seats", "", "")
	}
}
