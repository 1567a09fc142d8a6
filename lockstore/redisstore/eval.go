package redisstore

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// eval runs a script by itself, once. A caller need not learn what the script
// writes.
func (s *Store) eval(ctx context.Context, sc *script, keys []any, argv ...any) (any, error) {
	value, err := s.evalOnce(ctx, sc, keys, argv...)
	if err != nil {
		return nil, unavailable(err)
	}
	return value, nil
}

// evalOnce is eval with the error unchanged.
func (s *Store) evalOnce(ctx context.Context, sc *script, keys []any, argv ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var value any
	var err error
	for _, whole := range []bool{false, true} {
		args := append(append(sc.command(whole), len(keys)), keys...)
		cmd := redis.NewCmd(ctx, append(args, argv...)...)
		if err = s.redis.Process(ctx, once{cmd}); err == nil {
			value, err = cmd.Result()
		}
		if !redis.HasErrorPrefix(err, "NOSCRIPT") {
			break
		}
	}
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return value, err
}
