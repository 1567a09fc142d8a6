package redisstore_test

import (
	"errors"
	"strings"
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// TestCheckReadsTheSettings checks the warnings of real servers, and of users who
// may not read the settings.
func TestCheckReadsTheSettings(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	ctl := admin(t, server.Addr)
	for user, rules := range map[string]string{"curious": "+@all", "calm": "+@all -config", "humble": "+@all -config -info"} {
		command := []any{"acl", "setuser", user, "on", ">secret", "~*", "&*"}
		for rule := range strings.FieldsSeq(rules) {
			command = append(command, rule)
		}
		if err := ctl.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ user, appendonly, appendfsync, want string }{
		{"curious", "no", "everysec", "appendonly is no"},
		{"curious", "yes", "everysec", "appendfsync is everysec"},
		{"curious", "yes", "always", ""},
		{"calm", "no", "everysec", "appendonly is no"},
		{"calm", "yes", "always", "appendfsync was not checked"},
		{"humble", "yes", "always", "maxmemory-policy was not checked, appendonly was not checked, appendfsync was not checked"},
	} {
		for setting, value := range map[string]string{"appendonly": c.appendonly, "appendfsync": c.appendfsync} {
			if err := ctl.ConfigSet(t.Context(), setting, value).Err(); err != nil {
				t.Fatal(err)
			}
		}
		warnings, err := onRedis(t, "redis://"+c.user+":secret@"+server.Addr, redisstore.Options{}).Check(t.Context())
		var got []string
		for _, w := range warnings {
			w, _, _ = strings.Cut(w, ":")
			w, _, _ = strings.Cut(w, ",")
			got = append(got, w)
		}
		if err != nil || strings.Join(got, ", ") != c.want {
			t.Errorf("with appendonly %s and appendfsync %s, %s is warned %q, %v, want %q", c.appendonly, c.appendfsync, c.user, got, err, c.want)
		}
	}
}

// TestCheckRefuses checks the servers that a store must not use.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	master := redistest.New(t)
	check := func(addr string) error {
		_, err := onRedis(t, "redis://"+addr, redisstore.Options{}).Check(t.Context())
		return err
	}
	if err := admin(t, master.Addr).ConfigSet(t.Context(), "maxmemory-policy", "volatile-lru").Err(); err != nil {
		t.Fatal(err)
	}
	if err := check(master.Addr); !errors.Is(err, redisstore.ErrEvicts) || !strings.Contains(err.Error(), "redis-cli CONFIG SET maxmemory-policy noeviction") {
		t.Errorf("Check of a Redis that evicts: %v", err)
	}
	replica := redistest.New(t, "--replicaof", strings.Replace(master.Addr, ":", " ", 1))
	if err := check(replica.Addr); err == nil || !strings.Contains(err.Error(), "is a replica of 127.0.0.1") {
		t.Errorf("Check of a replica: %v", err)
	}
	if err := check("127.0.0.1:1"); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Check where nothing is: %v", err)
	}
}
