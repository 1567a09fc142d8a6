package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// notDone are the prefixes of the errors with which Redis refuses a command before
// it does any of it, or a script at its first write.
var notDone = []string{
	"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "CROSSSLOT",
	"NOREPLICAS", "MISCONF", "OOM", "BUSY", "NOSCRIPT", "max number of clients reached",
	"NOAUTH", "WRONGPASS", "NOPERM", "DENIED",
}

// changeError wraps the error of a command that changes seats: in ErrUnavailable
// if the command was not sent or Redis refused it, and else in ErrOutcomeUnknown.
func changeError(err error, sent bool) error {
	if err == nil {
		return nil
	}
	if !sent {
		return unavailable(err)
	}
	if redisErr, ok := errors.AsType[redis.Error](err); ok {
		for _, prefix := range notDone {
			if strings.HasPrefix(strings.TrimPrefix(redisErr.Error(), "ERR "), prefix) {
				return unavailable(err)
			}
		}
	}
	return fmt.Errorf("%w: %w", lockstore.ErrOutcomeUnknown, err)
}

// exec runs a pipeline. If it fails as a whole, each command gets the error: go-redis
// sets none if Redis refuses the connection, for instance because of a wrong password.
func exec(ctx context.Context, pipe redis.Pipeliner) {
	cmds, err := pipe.Exec(ctx)
	if err == nil || slices.ContainsFunc(cmds, func(c redis.Cmder) bool { return c.Err() != nil }) {
		return
	}
	for _, c := range cmds {
		c.SetErr(err)
	}
}

// unavailable wraps the error of a command that changed nothing.
func unavailable(err error) error {
	return fmt.Errorf("%w: %w", lockstore.ErrUnavailable, err)
}
