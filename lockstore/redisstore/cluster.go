package redisstore

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// doOnCluster passes the work to the queue of the master that has the event.
//
// A client that has not reached the Cluster yet first asks its servers which of
// them that is. This counts toward callTime.
func (s *Store) doOnCluster(ctx context.Context, qs *queues, w work) (lockstore.Result, error) {
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	node, err := s.master(bounded, mapKey(w.ev))
	if err != nil {
		if ctx.Err() != nil {
			return lockstore.Result{}, ctx.Err()
		}
		return lockstore.Result{}, unavailable(err)
	}
	result, err := qs.of(node).Do(bounded, w, len(w.at))
	if err == context.DeadlineExceeded && ctx.Err() == nil { // the call was not sent
		err = unavailable(err)
	}
	return result, err
}

// master returns a client of the server that has the key.
func (s *Store) master(ctx context.Context, key string) (redis.Cmdable, error) {
	if cluster, ok := s.redis.(*redis.ClusterClient); ok {
		return cluster.MasterForKey(ctx, key)
	}
	return s.redis, nil
}

// A reloader makes a Cluster's client read which server has which slots as soon
// as a server cannot be reached or has moved a slot away. Otherwise, the client
// tries a dead master for many seconds after its replica was elected.
type reloader struct {
	cluster *redis.ClusterClient
}

func reloadOnErrors(cluster *redis.ClusterClient) {
	cluster.OnNewNode(func(node *redis.Client) { node.AddHook(reloader{cluster}) })
}

// check starts a reload if the error calls for it, and returns the error. The
// client reloads in the background, at most five times a second.
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
