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

// noGuest is the query of a caller who must not become a guest.
const noGuest = "guest=none"

// A Desk says who the caller is, makes guests, and signs users out.
type Desk struct {
	Policy   *access.Policy
	Sessions *Sessions      // nil if there are no sessions
	Guests   *access.Budget // of new guests, by address; nil if there is no limit
	SignIn   bool           // whether users can sign in on the page
	Pay      bool           // whether buyers pay on the page
}

// An answer says who the caller is, and what else a page needs to know.
type answer struct {
	Open    bool             `json:"open"`    // whether the userId of a request is believed
	SignIn  bool             `json:"signIn"`  // whether users can sign in at /signin
	Confirm bool             `json:"confirm"` // whether the caller may confirm, or buyers may if the caller is not known
	Pay     bool             `json:"pay,omitempty"`
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

// Refuse answers with the error, if there is one, and returns the outcome.
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

// whoAmI answers GET /session. It makes a guest of a browser without a session, unless
// guest=none asks it not to, and renews a guest's session.
func (d *Desk) whoAmI(w http.ResponseWriter, r *http.Request) error {
	if q := r.URL.RawQuery; q != "" && q != noGuest {
		return problem.Refuse(problem.BadRequest, "This call takes only the parameter guest, which is none or left out.")
	}
	if token := access.Bearer(r); token != "" && (d.Sessions == nil || !d.Sessions.Is(token)) {
		return d.whoIs(w, r)
	}
	if d.Sessions == nil {
		return d.write(w, Session{}, d.Policy.BuyersConfirm())
	}
	// A page of another site may ask about a session that it sends as a token.
	if token := access.Bearer(r); token != "" && !OwnPage(r) {
		session, ok := d.Sessions.open(token)
		if !ok || !time.Now().Before(session.Until) {
			return access.ErrBadToken
		}
		return d.write(w, session, d.Policy.BuyersConfirm())
	}
	// Another site's request has no cookie, and must not replace a guest by a new one.
	if !OwnPage(r) {
		return problem.Refuse(problem.Forbidden, "A page of another site may not ask for a session.")
	}
	session, ok := d.Sessions.open(d.Sessions.value(r))
	changed := false
	switch {
	case ok:
		session, changed = session.renewed()
	case d.Sessions.guests && r.URL.RawQuery != noGuest:
		if d.Guests != nil {
			if err := d.Guests.AdmitGuest(d.Policy.Proxies.Client(r)); err != nil {
				return err
			}
		}
		session, changed = guest(), true
	}
	if changed {
		if err := d.Sessions.Set(w, r, session); err != nil {
			return err
		}
	}
	return d.write(w, session, d.Policy.BuyersConfirm())
}

// whoIs answers GET /session for the bearer of a key or a token that is not a session.
func (d *Desk) whoIs(w http.ResponseWriter, r *http.Request) error {
	action := access.Buy
	if d.Policy.Open() {
		action = access.Look // any bearer is believed
	}
	c, err := d.Policy.Check(r, action)
	if err != nil {
		return err
	}
	return d.write(w, Session{User: c.User(), Until: c.Until()}, c.May(access.Confirm) == nil)
}

// signOut answers POST /signout: the browser forgets its session. A copy of it cannot
// be revoked.
func (d *Desk) signOut(w http.ResponseWriter, r *http.Request) error {
	if r.URL.RawQuery != "" {
		return problem.Refuse(problem.BadRequest, "This call takes no parameters.")
	}
	if d.Sessions == nil {
		return d.write(w, Session{}, d.Policy.BuyersConfirm())
	}
	if err := d.Sessions.CheckOrigin(r); err != nil {
		return problem.Refuse(problem.Forbidden, "A page of another site may not sign you out.")
	}
	http.SetCookie(w, d.Sessions.NewCookie(r, "seatlock", "", 0))
	return d.write(w, Session{}, d.Policy.BuyersConfirm())
}

// write answers with who the caller is and whether such a caller may confirm.
func (d *Desk) write(w http.ResponseWriter, s Session, confirm bool) error {
	a := answer{Open: d.Policy.Open(), SignIn: d.SignIn, Confirm: confirm, Pay: d.Pay, UserID: s.User, Guest: s.Guest}
	if !s.Until.IsZero() {
		a.Expires = s.Until.UTC().Format("2006-01-02T15:04:05.000Z")
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
