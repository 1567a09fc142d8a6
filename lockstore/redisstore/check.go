package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// oldestRedis is the first version with all that the scripts use: SET with NX
// and GET, and PEXPIRETIME.
const oldestRedis = 7

// ErrEvicts is returned by [Store.Check] if Redis may evict keys to save memory.
var ErrEvicts = errors.New("redisstore: Redis may evict keys")

// Check reports whether every master can be relied on. It fails with
// [lockstore.ErrUnavailable] if Redis cannot be reached, and with another error
// if seats could be sold twice with its settings. The warnings are for the
// operator: what a crash would lose, and what could not be checked.
func (s *Store) Check(ctx context.Context) (warnings []string, err error) {
	cluster, ok := s.redis.(*redis.ClusterClient)
	if !ok {
		return s.checkMaster(ctx, s.redis)
	}
	var mu sync.Mutex // the masters are asked at the same time
	err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		w, err := s.checkMaster(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		for _, text := range w {
			warnings = append(warnings, node.Options().Addr+": "+text)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", node.Options().Addr, err)
		}
		return nil
	})
	return warnings, err
}

// checkMaster looks at one server.
func (s *Store) checkMaster(ctx context.Context, node redis.Cmdable) (warnings []string, err error) {
	// What every store does must work, whatever else the user may do.
	if err := node.Ping(ctx).Err(); err != nil {
		return nil, unavailable(err)
	}
	facts, err := readFacts(ctx, node)
	if err != nil {
		return nil, unavailable(err)
	}
	if facts == nil {
		return []string{"this user of Redis may not use INFO or CONFIG GET, so it was not checked that maxmemory-policy is noeviction (anything else can sell a seat twice) and that appendonly is yes (or a crash loses bookings)"}, nil
	}

	return s.options.judge(facts)
}

// judge says what is wrong with a server of which these facts are known.
func (o Options) judge(facts map[string]string) (warnings []string, err error) {
	if facts["role"] == "slave" {
		return nil, fmt.Errorf("redisstore: this Redis is a replica of %s:%s and takes no writes: give the address of the master", facts["master_host"], facts["master_port"])
	}
	if v := facts["redis_version"]; v != "" {
		major, _, _ := strings.Cut(v, ".")
		if n, err := strconv.Atoi(major); err != nil || n < oldestRedis {
			return nil, fmt.Errorf("redisstore: this is Redis %s; it must be %d.0 or newer", v, oldestRedis)
		}
	}
	switch policy := facts["maxmemory_policy"]; {
	case policy == "" || policy == "noeviction":
	case o.AllowEviction:
		warnings = append(warnings, "maxmemory-policy is "+policy+": when memory is short Redis forgets locks and bookings, and their seats are sold again")
	default:
		return nil, fmt.Errorf("%w: maxmemory-policy is %s, so when memory is short locks and bookings are forgotten and their seats sold again; fix it with: redis-cli CONFIG SET maxmemory-policy noeviction", ErrEvicts, policy)
	}
	if facts["aof_enabled"] == "0" {
		warnings = append(warnings, "appendonly is no: if Redis stops, every lock and booking since its last snapshot is forgotten, and the seats are sold again; fix it with: redis-cli CONFIG SET appendonly yes")
	}
	if n, err := strconv.Atoi(facts["connected_slaves"]); err == nil && n < o.Replicas {
		warnings = append(warnings, fmt.Sprintf("bookings wait for %d replicas, and %d are connected: no booking will be confirmed", o.Replicas, n))
	}
	return warnings, nil
}

// readFacts returns what INFO says, or else what CONFIG GET says by the same
// names, or nil if the user may use neither.
func readFacts(ctx context.Context, node redis.Cmdable) (map[string]string, error) {
	info, err := node.Info(ctx).Result()
	if err == nil {
		facts := make(map[string]string)
		for line := range strings.Lines(info) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			facts[name] = value
		}
		return facts, nil
	}
	if !forbidden(err) {
		return nil, err
	}
	config, err := node.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil {
		if forbidden(err) {
			return nil, nil
		}
		return nil, err
	}
	facts := map[string]string{"maxmemory_policy": config["maxmemory-policy"]}
	if config, err = node.ConfigGet(ctx, "appendonly").Result(); err == nil && config["appendonly"] == "no" {
		facts["aof_enabled"] = "0"
	}
	return facts, err
}

// forbidden reports whether err is Redis's answer to a command that this user may
// not use, or that does not exist.
func forbidden(err error) bool {
	return redis.HasErrorPrefix(err, "NOPERM") || redis.HasErrorPrefix(err, "unknown command")
}
