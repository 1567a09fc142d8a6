package redisstore

import (
	"fmt"
	"strings"
	"testing"
)

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"redis://h":                         `one server [h:6379], database 0, user "", password "", TLS false`,
		"redis://":                          `one server [localhost:6379], database 0, user "", password "", TLS false`,
		"redis://h:1/2":                     `one server [h:1], database 2, user "", password "", TLS false`,
		"redis://h:1/?db=2":                 `one server [h:1], database 2, user "", password "", TLS false`,
		"redis://:p%2F%40@h":                `one server [h:6379], database 0, user "", password "p/@", TLS false`,
		"redis://u:p@[::1]:1":               `one server [[::1]:1], database 0, user "u", password "p", TLS false`,
		"rediss://h?skip_verify=true":       `one server [h:6379], database 0, user "", password "", TLS true`,
		"unix:///run/redis.sock?db=2":       `one server [/run/redis.sock], database 2, user "", password "", TLS false`,
		"unix://u:p@/run/redis.sock":        `one server [/run/redis.sock], database 0, user "u", password "p", TLS false`,
		"redis://u:p@h?cluster=true":        `Cluster [h:6379], database 0, user "u", password "p", TLS false`,
		"rediss://h?cluster=true&addr=h2:1": `Cluster [h:6379 h2:1], database 0, user "", password "", TLS true`,
		"redis://su:sp@h:1/2?master_name=m&addr=h2:1&username=u&password=p": `Sentinel m [h:1 h2:1], database 2, user "u", password "p", TLS false, Sentinel's user "su", password "sp"`,
	} {
		o, err := parse(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		kind, sentinel := "one server", ""
		switch {
		case o.IsClusterMode:
			kind = "Cluster"
		case o.MasterName != "":
			kind = "Sentinel " + o.MasterName
			sentinel = fmt.Sprintf(", Sentinel's user %q, password %q", o.SentinelUsername, o.SentinelPassword)
		}
		if got := fmt.Sprintf("%s %v, database %d, user %q, password %q, TLS %v%s", kind, o.Addrs, o.DB, o.Username, o.Password, o.TLSConfig != nil, sentinel); got != want {
			t.Errorf("%s is %s, want %s", url, got, want)
		}
	}
}

// TestBadURLs checks that each error says what must hold, and shows no part of a
// password, which is hunter.
func TestBadURLs(t *testing.T) {
	for url, says := range map[string]string{
		"localhost:6379":                                 "must begin with redis://",
		"hunter":                                         "must begin with redis://",
		"redis:hunter@h":                                 "must begin with redis://",
		"http://u:hunter@h":                              "must begin with redis://",
		"redis://u:hunter@h/x":                           "the database must be a number",
		"redis://u:hunter@h/1/2":                         "the database must be a number",
		"redis://u:hunter@h/1?db=1":                      "the database must be given once",
		"redis://u:hunter@h?read_timeout=3s":             "unknown parameter; the parameters are addr",
		"redis://u:hunter@h?pool_size=hunter":            "pool_size must be a number",
		"redis://u:hunter@h?skip_verify=hunter":          "skip_verify must be true or false",
		"redis://u:hunter@h?addr=h2:1":                   "cluster=true",
		"redis://u:hunter@h?cluster=yes":                 "cluster must be true",
		"redis://u:hunter@h?cluster=true&master_name=m":  "must not have both",
		"redis://u:hunter@h?cluster=true&addr=hunter":    "addr must be host:port",
		"redis://u:hunter@h/1?cluster=true":              "only database 0",
		"redis://u:hunter@h?master_name=":                "master_name must not be empty",
		"redis://h?username=hunter":                      "must come with master_name",
		"redis://h?master_name=m&password=a&password=b":  "password must be given once",
		"redis://h?master_name=m&password=hun%ter":       "cannot be read",
		"redis://h?master_name=m&password=hun&ter":       "unknown parameter",
		"unix://u:hunter@h/run/redis.sock":               "the path of a socket",
		"unix://u:hunter@":                               "the path of a socket",
		"unix:///run/redis.sock?master_name=m":           "must begin with redis:// or rediss://",
		"redis://u:hunter@h h:1/?cluster=true&addr=h:1":  "cannot be read",
		"redis://u:hun/ter@h":                            "cannot be read",
		"redis://u:1/hunter@h":                           "the database must be a number",
		"redis://u:1/2?hunter@h":                         "unknown parameter",
		"redis://u:1?hunter@h":                           "unknown parameter",
		"redis://u:1#hunter@h":                           "cannot be read",
		"redis://u:hun#ter@h":                            "cannot be read",
		"redis://u:hun[ter@h":                            "cannot be read",
		"redis://u:hun]ter@h":                            "cannot be read",
		"redis://u:hun%ter@h":                            "cannot be read",
		"redis://u:hun ter@h":                            "cannot be read",
		"redis://u:hun\x01ter@h":                         "cannot be read",
		"redis://u:@hunter/@h":                           "the database must be a number",
		"rediss://hunter:hun/ter@h?cluster=true":         "cannot be read",
		"redis://u:hun/ter@h?master_name=m&password=sec": "cannot be read",
		"unix://:hun/ter@/run/redis.sock":                "cannot be read",
	} {
		_, err := Client(url)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want an error with %q", url, err, says)
			continue
		}
		for _, part := range []string{"hun", "ter@"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%q: the error shows %q: %v", url, part, err)
			}
		}
	}
}
