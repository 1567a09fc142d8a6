package access

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"seatlock/functions/problem"
	"seatlock/lockstore"
)

// A Caller is the sender of a request, as far as [Policy.Check] has verified it.
// The zero Caller is unknown, in open mode.
type Caller struct {
	role   role
	user   lockstore.UserID // of a buyer, or of an operator or a back end with a token
	closed bool             // unknown callers may only look
	by     ConfirmBy        // never ConfirmByDefault, except in the zero Caller
	addr   netip.Addr       // for Policy.Locks
	until  time.Time        // when the token expires; zero if it does not
}

// As returns the user on whose behalf the Caller makes a request. claimed is the user
// that the request names, or empty. A buyer may claim no other user. An operator, the
// back end and an unknown Caller may claim any, and must. The error is a
// [*problem.Refusal].
func (c Caller) As(claimed lockstore.UserID) (lockstore.UserID, error) {
	switch {
	case c.role == buyer && claimed != "" && claimed != c.user:
		return "", problem.Refuse(problem.Forbidden, "userId names another user than the one who is signed in; leave it out.")
	case c.role == buyer:
		return c.user, nil
	case claimed == "":
		return "", problem.Refuse(problem.BadRequest, "userId is missing.")
	}
	return claimed, nil
}

// May returns nil if the Caller may do the action, and otherwise a [*problem.Refusal].
// It is for parts of a request that need more than the call itself.
func (c Caller) May(a Action) error {
	if c.role >= c.least(a) {
		return nil
	}
	if c.role == stranger && (c.closed || a != Confirm) {
		return errNoToken
	}
	switch {
	case a != Confirm:
		return problem.Refuse(problem.Forbidden, "%s", needs[c.least(a)])
	case c.by == ConfirmByPayment:
		return problem.Refuse(problem.PaymentRequired, "Only a payment confirms a booking here. POST /checkout says where to pay for the seats.")
	}
	return problem.Refuse(problem.Forbidden, "Only the shop confirms a booking here, after it has been paid for.")
}

// needs are the texts of refusals, by the role that is needed.
var needs = [...]string{
	backend:  "Only the shop's back end may do this.",
	operator: "Only an operator may do this.",
}

// least returns the lowest role that may do the action.
func (c Caller) least(a Action) role {
	switch a {
	case Look:
		return stranger // Check refuses a stranger who may not even look
	case Buy:
		return c.anybody()
	case Confirm:
		switch c.by {
		case ConfirmByBackend:
			return backend
		case ConfirmByPayment:
			return operator
		}
		return c.anybody()
	case Serve:
		return backend
	}
	return operator
}

// anybody returns the lowest role that may change seats.
func (c Caller) anybody() role {
	if c.closed {
		return buyer
	}
	return stranger
}

// By returns who acts in their own name, for lockstore.Op.By and the log: "operator",
// "operator:" and a user, "backend", or nothing for buyers.
func (c Caller) By() string {
	switch {
	case c.role == operator && c.user != "":
		by := "operator:" + string(c.user)
		return strings.ToValidUTF8(by[:min(len(by), lockstore.MaxUserLen)], "") // the cut may leave half a character
	case c.role == operator:
		return "operator"
	case c.role == backend:
		return "backend"
	}
	return ""
}

// trusted reports whether the Caller has the role of a back end or an operator, to
// which no limits apply.
func (c Caller) trusted() bool { return c.role >= backend }

// User returns the user in a verified token, or "" if there is none.
func (c Caller) User() lockstore.UserID { return c.user }

// Until returns when the Caller's token expires, or the zero time if it does not.
func (c Caller) Until() time.Time { return c.until }

// A Token is the content of a verified token.
type Token struct {
	Subject lockstore.UserID
	Claims  map[string]any // strings, numbers, and slices of them
	Until   time.Time      // when it expires; zero if that is not known
}

type tokenKey struct{}

// WithToken returns a context for a request whose token was verified before, such as by
// an API gateway.
func WithToken(ctx context.Context, t Token) context.Context {
	return context.WithValue(ctx, tokenKey{}, t)
}
