package redisstore

import (
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Client returns a client for a [Store]. It connects to nothing. The URL has one
// of these forms:
//
//	redis://[user[:password]@]host[:6379][/db]               one server
//	redis://host:6379?cluster=true&addr=host2:6379…          a Cluster; addr names more of its servers
//	redis://sentinel:26379?master_name=NAME&addr=sentinel2…  the master that Sentinel names; username
//	                                                         and password are then the master's
//	unix:///path                                             one server, over a socket
//
// rediss:// is redis:// with TLS. An error shows nothing of the URL, which may hold a
// password.
func Client(rawURL string) (redis.UniversalClient, error) {
	o, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	configure(o)
	return redis.NewUniversalClient(o), nil
}

// configure sets the options that a store needs to keep its promises.
func configure(o *redis.UniversalOptions) {
	// Only the caller may repeat a call. If the client did, a call could take place
	// twice, with another user's call in between.
	o.MaxRetries = -1
	o.DialerRetries = 1

	// While a slot of a Cluster moves, calls are redirected. A pause before a
	// redirect is followed would hold up all calls that share the trip.
	o.MinRetryBackoff, o.MaxRetryBackoff = -1, -1

	// Every call ends within callTime and each trip within tripTime, so each step
	// must end sooner.
	o.ContextTimeoutEnabled = true
	o.DialTimeout = 500 * time.Millisecond
	o.ReadTimeout = tripTime
	o.WriteTimeout = tripTime
	o.PoolTimeout = 250 * time.Millisecond

	// Connections are made when they are needed. The trips that calls share have a
	// small pool of their own. The other pool has a connection for each event that
	// has waiters.
	o.PipelinePoolSize = 4 * trips.Parallel
	if o.PoolSize == 0 {
		o.PoolSize = 256
	}
	// A firewall may drop an idle connection without notice.
	o.ConnMaxIdleTime = 5 * time.Minute

	// Lists are read where they are written: a replica may lag behind.
	o.ReadOnly, o.RouteByLatency, o.RouteRandomly = false, false, false

	// Two round trips less for each connection, and no command that an ACL, an
	// older Redis or miniredis would refuse.
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// poolSize returns how many connections the client makes for commands that block.
func poolSize(client redis.UniversalClient) int {
	switch c := client.(type) {
	case *redis.Client:
		return c.Options().PoolSize
	case *redis.ClusterClient:
		return c.Options().PoolSize
	}
	return 2
}
