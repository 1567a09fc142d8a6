package access

import (
	"context"

	"seatlock/functions/problem"
	"seatlock/lockstore"
)

// A Caller is the sender of a request, as far as [Policy.Check] has verified it.
// The zero Caller is unknown.
type Caller struct {
	user    lockstore.UserID // empty if unknown
	backend bool             // the bearer of the back end's key
}

// As returns the user on whose behalf the Caller makes a request. The request
// claims to be from the user claimed, or names none if that is empty. A verified
// user may claim no other user; an unknown Caller and the back end may claim any,
// and must. The error is a [*problem.Refusal].
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
