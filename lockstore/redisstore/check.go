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

// oldestRedis is the first version that has all commands of the scripts: PEXPIREAT
// with GT, and PEXPIRETIME.
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
	// A user who may not use INFO may use PING.
	if err := node.Ping(ctx).Err(); err != nil {
		return nil, unavailable(err)
	}
	facts, err := readFacts(ctx, node)
	if err != nil {
		return nil, unavailable(err)
	}
	return s.options.judge(facts)
}

// settings are those that a store depends on, by their names in CONFIG GET.
var settings = []string{"maxmemory-policy", "appendonly", "appendfsync"}

// readFacts returns what INFO reports about a server, and the settings. It leaves out
// what the user may not read.
func readFacts(ctx context.Context, node redis.Cmdable) (map[string]string, error) {
	info, err := node.Info(ctx).Result()
	if err != nil && !forbidden(err) {
		return nil, err
	}
	facts := make(map[string]string)
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		facts[name] = value
	}
	// INFO has two of the settings, and more users may use it.
	facts["maxmemory-policy"] = facts["maxmemory_policy"]
	facts["appendonly"] = map[string]string{"0": "no", "1": "yes"}[facts["aof_enabled"]]
	for _, setting := range settings {
		if facts[setting] != "" {
			continue
		}
		config, err := node.ConfigGet(ctx, setting).Result()
		if err != nil && !forbidden(err) {
			return nil, err
		}
		facts[setting] = config[setting]
	}
	return facts, nil
}

// judge returns what is wrong with a server with these facts.
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
	switch policy := facts["maxmemory-policy"]; {
	case policy == "noeviction":
	case policy == "":
		warnings = append(warnings, notChecked("maxmemory-policy", "noeviction, or a seat can be sold twice"))
	case o.AllowEviction:
		warnings = append(warnings, "maxmemory-policy is "+policy+": when memory is short, Redis forgets locks and bookings, and their seats are sold again")
	default:
		return nil, fmt.Errorf("%w: maxmemory-policy is %s, so when memory is short, locks and bookings are forgotten and their seats sold again; fix it with: redis-cli CONFIG SET maxmemory-policy noeviction", ErrEvicts, policy)
	}
	warnings = append(warnings, durability(facts)...)
	if n, err := strconv.Atoi(facts["connected_slaves"]); err == nil && n < o.Replicas {
		warnings = append(warnings, fmt.Sprintf("bookings wait for %d replicas, and %d are connected: no booking will be confirmed", o.Replicas, n))
	}
	return warnings, nil
}

// durability returns warnings of what a crash can lose.
func durability(facts map[string]string) (warnings []string) {
	const again = ", and their seats are sold again; fix it with: redis-cli CONFIG SET "
	switch facts["appendonly"] {
	case "no":
		return []string{"appendonly is no: if Redis stops, it forgets all locks and bookings since its last snapshot" + again + "appendonly yes"}
	case "":
		warnings = append(warnings, notChecked("appendonly", "yes, or a crash loses bookings"))
	}
	seconds := "two"
	switch fsync := facts["appendfsync"]; fsync {
	case "always":
	case "":
		warnings = append(warnings, notChecked("appendfsync", "always, or a crash can lose the bookings of its last seconds"))
	case "no":
		seconds = "30" // Linux writes what Redis does not
		fallthrough
	default:
		warnings = append(warnings, fmt.Sprintf("appendfsync is %s: a loss of power, or a crash of Redis while its disk is slow, can lose the locks and bookings of up to about %s seconds", fsync, seconds)+again+"appendfsync always")
	}
	return warnings
}

// notChecked is the warning of a setting that the user may not read.
func notChecked(setting, must string) string {
	return setting + " was not checked, since this user of Redis may not use INFO or CONFIG GET: it must be " + must
}

// forbidden reports whether Redis refused a command because the user may not use it
// or because it does not exist.
func forbidden(err error) bool {
	return redis.HasErrorPrefix(err, "NOPERM") || redis.HasErrorPrefix(err, "unknown command")
}
