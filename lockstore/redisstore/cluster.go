package redisstore

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// watchful has a Cluster's client ask who serves what as soon as a server
// cannot be reached or has moved away what it was asked for. Left to itself
// the client does so now and then, and keeps trying a dead master for many
// seconds after its replica was elected.
type watchful struct {
	cluster *redis.ClusterClient
}

func watch(cluster *redis.ClusterClient) {
	cluster.OnNewNode(func(node *redis.Client) { node.AddHook(watchful{cluster}) })
}

// look has the client ask, if the error is a reason to. It asks in the
// background, at most five times a second.
func (w watchful) look(ctx context.Context, err error) error {
	if _, said := errors.AsType[redis.Error](err); err != nil && (!said || redis.HasErrorPrefix(err, "MOVED")) {
		w.cluster.ReloadState(ctx)
	}
	return err
}

func (w watchful) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := next(ctx, network, addr)
		return c, w.look(ctx, err)
	}
}

func (w watchful) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return w.look(ctx, next(ctx, cmd)) }
}

func (w watchful) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return w.look(ctx, next(ctx, cmds)) }
}
