package redisstore

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestJudge checks what is refused, and what the operator is warned of.
func TestJudge(t *testing.T) {
	const refused = "refused"
	good := map[string]string{"redis_version": "7.2.4", "role": "master", "maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "always", "connected_slaves": "1"}
	for _, c := range []struct {
		options Options
		differs map[string]string
		want    []string // the beginnings of the warnings
	}{
		{Options{}, nil, nil},
		{Options{}, map[string]string{"redis_version": "6.2.14"}, []string{refused}},
		{Options{}, map[string]string{"role": "slave"}, []string{refused}},
		{Options{}, map[string]string{"maxmemory-policy": "allkeys-lru"}, []string{refused}},
		{Options{AllowEviction: true}, map[string]string{"maxmemory-policy": "allkeys-lru"}, []string{"maxmemory-policy is allkeys-lru"}},
		{Options{}, map[string]string{"appendonly": "no"}, []string{"appendonly is no"}},
		{Options{}, map[string]string{"appendonly": "no", "appendfsync": ""}, []string{"appendonly is no"}},
		{Options{}, map[string]string{"appendfsync": "everysec"}, []string{"appendfsync is everysec"}},
		{Options{}, map[string]string{"appendfsync": "no"}, []string{"appendfsync is no"}},
		{Options{}, map[string]string{"appendfsync": ""}, []string{"appendfsync was not checked"}},
		{Options{}, map[string]string{"maxmemory-policy": "", "appendonly": "", "appendfsync": ""}, []string{"maxmemory-policy was not checked", "appendonly was not checked", "appendfsync was not checked"}},
		{Options{Replicas: 1}, nil, nil},
		{Options{Replicas: 2}, nil, []string{"bookings wait for 2 replicas, and 1 are connected"}},
	} {
		facts := maps.Clone(good)
		maps.Copy(facts, c.differs)
		got, err := c.options.judge(facts)
		if err != nil {
			got = []string{refused}
		}
		if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
			t.Errorf("a server with %v is judged %q, %v, want %q", c.differs, got, err, c.want)
		}
	}
}
