package session

import (
	"encoding/json"
	"net/http"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// The paths of the calls about sessions.
const (
	Path        = "/session"
	SignOutPath = "/signout"
)

// A Desk answers who somebody is, makes guests, and signs users out.
type Desk struct {
	Policy   *access.Policy
	Sessions *Sessions      // nil if there are none
	Guests   *access.Budget // of new guests, by address; nil if there are no guests
	SignIn   bool           // whether users can sign in on the page
}

// An answer says who the caller is, and what a page needs to know about that.
type answer struct {
	Open    bool             `json:"open"`    // the userId of a request is believed
	SignIn  bool             `json:"signIn"`  // users can sign in at /signin
	Confirm bool             `json:"confirm"` // buyers confirm by themselves
	UserID  lockstore.UserID `json:"userId,omitempty"`
	Guest   bool             `json:"guest,omitempty"`
	Expires string           `json:"expiresAt,omitempty"`
}

// Handler returns a handler of the Desk's calls. It gives all other requests to next.
func (d *Desk) Handler(next telemetry.Handler) telemetry.Handler {
	return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		var answer func(http.ResponseWriter, *http.Request) error
		method := "GET"
		switch r.URL.Path {
		case Path:
			answer = d.whoAmI
		case SignOutPath:
			answer, method = d.signOut, "POST"
		default:
			return next(w, r)
		}
		var err error
		if r.Method == method {
			err = answer(w, r)
		} else {
			w.Header().Set("Allow", method)
			err = problem.Refuse(problem.MethodNotAllowed, "This call takes %s.", method)
		}
		return Refuse(w, err)
	}
}

// Refuse answers with the error, if it is one, and returns the outcome.
func Refuse(w http.ResponseWriter, err error) telemetry.Outcome {
	if err == nil {
		return telemetry.Outcome{}
	}
	refusal, ok := err.(*problem.Refusal)
	if !ok {
		refusal = &problem.Refusal{Kind: problem.Internal, Err: err}
	}
	refusal.Write(w)
	return telemetry.Outcome{Code: string(refusal.Kind)}
}

// whoAmI answers GET /session. It makes a guest of a browser without a session, and
// renews a guest's session.
func (d *Desk) whoAmI(w http.ResponseWriter, r *http.Request) error {
	if d.Sessions == nil {
		return d.write(w, Session{})
	}
	// A page of another site must not make a new guest of somebody who is one.
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" && from != "none" {
		return problem.Refuse(problem.Forbidden, "A page of another site may not ask for a session.")
	}
	session, ok := d.Sessions.open(d.Sessions.value(r))
	changed := false
	switch {
	case ok:
		session, changed = session.renewed()
	case d.Guests != nil:
		if err := d.Guests.AdmitGuest(d.Policy.Proxies.Client(r)); err != nil {
			return err
		}
		session, changed = guest(), true
	}
	if changed {
		if err := d.Sessions.Set(w, r, session); err != nil {
			return err
		}
	}
	return d.write(w, session)
}

// signOut answers POST /signout: the browser forgets its session. Nobody can revoke a
// copy of it.
func (d *Desk) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		return problem.Refuse(problem.Forbidden, "A page of another site may not sign you out.")
	}
	http.SetCookie(w, NewCookie(r, "seatlock", "", 0))
	return d.write(w, Session{})
}

func (d *Desk) write(w http.ResponseWriter, s Session) error {
	a := answer{Open: d.Policy.Open(), SignIn: d.SignIn, Confirm: d.Policy.BuyersConfirm(), UserID: s.User, Guest: s.Guest}
	if s.User != "" {
		a.Expires = s.Until.UTC().Format(time.RFC3339)
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.Write(append(text, '\n')) // a client that has gone needs no answer
	return nil
}

// value returns the session in the request, as a bearer token or in a cookie.
func (s *Sessions) value(r *http.Request) string {
	if token := access.Bearer(r); s.Is(token) {
		return token
	}
	return s.Cookie(r)
}
