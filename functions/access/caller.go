package booking

import (
	"context"

	"seatlock/lockstore"
)

// callerKey is where a context has its caller.
type callerKey struct{}

// WithCaller returns a context in which whoever made the request is known, by
// something that checked it, such as a token. The calls that change seats are
// then made in that user's name: a userId in the body may be left out, and
// another is refused. Without a caller the userId in the body is believed.
func WithCaller(ctx context.Context, user lockstore.UserID) context.Context {
	return context.WithValue(ctx, callerKey{}, user)
}

// as is in whose name a request is made.
func as(ctx context.Context, claimed lockstore.UserID) (lockstore.UserID, error) {
	caller, known := ctx.Value(callerKey{}).(lockstore.UserID)
	switch {
	case known && claimed != "" && claimed != caller:
		return "", refuse(ErrForbidden, "userId names another user than the one who is signed in; leave it out.")
	case known:
		return caller, nil
	case claimed == "":
		return "", refuse(errBadRequest, "userId is missing.")
	}
	return claimed, nil
}
