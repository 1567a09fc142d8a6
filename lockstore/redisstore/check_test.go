package redisstore_test

import (
	"strings"
	"testing"

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
