package redisstore

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// A reloader makes a Cluster's client read which server has which slots as soon
// as a server cannot be reached or has moved a slot away. By itself the client
// does so now and then, and tries a dead master for many seconds after its
// replica was elected.
type reloader struct {
	cluster *redis.ClusterClient
}

func reloadOnErrors(cluster *redis.ClusterClient) {
	cluster.OnNewNode(func(node *redis.Client) { node.AddHook(reloader{cluster}) })
}

// check starts the reading if the error is a reason for it. The client reads in
// the background, at most five times a second.
func (r reloader) check(ctx context.Context, err error) error {
	if _, said := errors.AsType[redis.Error](err); err != nil && (!said || redis.HasErrorPrefix(err, "MOVED")) {
		r.cluster.ReloadState(ctx)
	}
	return err
}

func (r reloader) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := next(ctx, network, addr)
		return c, r.check(ctx, err)
	}
}

func (r reloader) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return r.check(ctx, next(ctx, cmd)) }
}

func (r reloader) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return r.check(ctx, next(ctx, cmds)) }
}
