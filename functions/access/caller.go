package access

import (
	"context"

	"seatlock/functions/problem"
	"seatlock/lockstore"
)

// A Caller is who makes a request, as far as that was verified. The zero Caller
// is anybody.
type Caller struct {
	user    lockstore.UserID // empty if unknown
	backend bool             // the bearer of the back end's key
}

// As returns the user on whose behalf the Caller makes a request that claims to
// be from a user, or from none. A known user may claim no other; of anybody, and
// of the back end, the claim is believed.
func (c Caller) As(claimed lockstore.UserID) (lockstore.UserID, error) {
	switch {
	case c.user != "" && claimed != "" && claimed != c.user:
		return "", problem.Refuse(problem.Forbidden, "userId names another user than the one who is signed in; leave it out.")
	case c.user != "":
		return c.user, nil
	case claimed == "":
		return "", problem.Refuse(problem.BadRequest, "userId is missing.")
	}
	return claimed, nil
}

type callerKey struct{}

// WithCaller returns a context for a request whose user has been verified
// already, such as by an API gateway. Such a request needs no token.
func WithCaller(ctx context.Context, user lockstore.UserID) context.Context {
	return context.WithValue(ctx, callerKey{}, user)
}
