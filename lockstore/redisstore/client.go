package redisstore

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// parameters are what a URL may have after the question mark. What else go-redis
// would take is for configure to choose.
var parameters = []string{"addr", "cluster", "master_name", "username", "password", "db", "pool_size", "client_name", "skip_verify"}

// Client returns a client for a [Store]. It connects to nothing. The URL has one
// of these forms:
//
//	redis://[user[:password]@]host[:6379][/db]               one server
//	redis://host:6379?cluster=true&addr=host2:6379…          a Cluster; addr names more of its servers
//	redis://sentinel:26379?master_name=NAME&addr=sentinel2…  the master that Sentinel names; username
//	                                                         and password are then the master's
//	unix://path                                              one server, over a socket
//
// rediss:// is redis:// with TLS.
func Client(rawURL string) (redis.UniversalClient, error) {
	o, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", withoutURL(err))
	}
	configure(o)
	return redis.NewUniversalClient(o), nil
}

func parse(rawURL string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	q := u.Query()
	for name := range q {
		if !slices.Contains(parameters, name) {
			return nil, fmt.Errorf("there is no parameter %q; there are %s", name, strings.Join(parameters, ", "))
		}
	}
	cluster := q.Get("cluster")
	if cluster != "" && cluster != "true" {
		return nil, fmt.Errorf("cluster is true or left out, not %q", cluster)
	}
	q.Del("cluster")
	u.RawQuery = q.Encode()

	switch {
	case q.Has("master_name") && cluster != "":
		return nil, errors.New("it says both master_name, which is Sentinel's, and cluster")
	case q.Has("master_name"):
		return sentinelOptions(u.String())
	case cluster != "":
		return clusterOptions(u.String())
	case q.Has("addr"):
		return nil, errors.New("more than one address is for cluster=true or for master_name, and it says neither")
	}
	p, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{
		Addrs: []string{p.Addr}, DB: p.DB, Username: p.Username, Password: p.Password,
		ClientName: p.ClientName, PoolSize: p.PoolSize, TLSConfig: p.TLSConfig,
	}, nil
}

func sentinelOptions(rawURL string) (*redis.UniversalOptions, error) {
	p, err := redis.ParseFailoverURL(rawURL)
	if err != nil {
		return nil, err
	}
	if p.MasterName == "" {
		return nil, errors.New("master_name is empty; it is the name that Sentinel knows the master by")
	}
	return &redis.UniversalOptions{
		Addrs: p.SentinelAddrs, MasterName: p.MasterName, DB: p.DB, Username: p.Username, Password: p.Password,
		SentinelUsername: p.SentinelUsername, SentinelPassword: p.SentinelPassword,
		ClientName: p.ClientName, PoolSize: p.PoolSize, TLSConfig: anyHost(p.TLSConfig),
	}, nil
}

func clusterOptions(rawURL string) (*redis.UniversalOptions, error) {
	p, err := redis.ParseClusterURL(rawURL)
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{
		Addrs: p.Addrs, IsClusterMode: true, Username: p.Username, Password: p.Password,
		ClientName: p.ClientName, PoolSize: p.PoolSize, TLSConfig: anyHost(p.TLSConfig),
	}, nil
}

// anyHost has each server's certificate compared with its own name, not with
// that of the first.
func anyHost(c *tls.Config) *tls.Config {
	if c == nil {
		return nil
	}
	c = c.Clone()
	c.ServerName = ""
	return c
}

// configure sets what a store needs to keep its promises.
func configure(o *redis.UniversalOptions) {
	// Whether to ask again is the caller's to decide: a call that was repeated
	// unseen could take place twice with somebody else's in between.
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.MinRetryBackoff, o.MaxRetryBackoff = -1, -1

	// Every call ends within callTime and each trip within tripTime, so
	// each step must sooner.
	o.ContextTimeoutEnabled = true
	o.DialTimeout = 500 * time.Millisecond
	o.ReadTimeout = tripTime
	o.WriteTimeout = tripTime
	o.PoolTimeout = 250 * time.Millisecond

	// Connections are made as they are needed: few for the trips that calls
	// share, which have a pool of their own, and one for each event that
	// somebody waits on.
	o.PipelinePoolSize = 4 * trips.Parallel
	if o.PoolSize == 0 {
		o.PoolSize = 256
	}
	// A firewall that forgets an idle connection says so to nobody.
	o.ConnMaxIdleTime = 5 * time.Minute

	// Lists are read where they are written: a replica may lag behind.
	o.ReadOnly, o.RouteByLatency, o.RouteRandomly = false, false, false

	// Two round trips less for each connection, and no command that an ACL, an
	// older Redis or miniredis would refuse.
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// poolSize is how many connections the client makes for commands that block.
func poolSize(client redis.UniversalClient) int {
	switch c := client.(type) {
	case *redis.Client:
		return c.Options().PoolSize
	case *redis.ClusterClient:
		return c.Options().PoolSize
	}
	return 2
}

// withoutURL takes the URL, and the password in it, out of an error of [url.Parse].
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
