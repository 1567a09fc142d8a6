package settings_test

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/functions/settings"
)

// environment returns a getenv of NAME=value pairs.
func environment(pairs ...string) func(string) string {
	env := make(map[string]string)
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

// TestDefaults checks the values of settings that are not set.
func TestDefaults(t *testing.T) {
	got, err := settings.Parse(nil, environment())
	if err != nil {
		t.Fatal(err)
	}
	want := settings.Runner{
		Server:    settings.Server{Addr: "127.0.0.1:8080", Connections: 20000, Viewers: 10000, Share: 5, Drain: 10 * time.Second},
		Events:    settings.Events{Rows: 10, RowSeats: 10, LockTTL: time.Minute},
		Access:    settings.Access{ConfirmBy: "buyer", Guests: 100},
		Redis:     settings.Redis{Start: 5 * time.Second},
		Postgres:  settings.Postgres{Start: 5 * time.Second},
		Payments:  settings.Payments{Within: 10 * time.Minute, Margin: 2 * time.Minute, Workers: 64},
		Telemetry: settings.Telemetry{LogLevel: slog.LevelInfo},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the defaults are\n%+v, want\n%+v", got, want)
	}
}

// TestDeclarations checks that each flag and variable is declared only once, and that
// the declarations are complete.
func TestDeclarations(t *testing.T) {
	seen := make(map[string]string)
	for _, s := range slices.Concat(settings.ForRunner(), settings.ForLambda()) {
		for _, name := range []string{s.Flag, s.Env} {
			if first, twice := seen[name]; twice && name != "" && first != s.Usage {
				t.Errorf("%s is declared twice", name)
			}
			seen[name] = s.Usage
		}
		if s.Flag == "" && s.Env == "" || s.Usage == "" {
			t.Errorf("a setting has no name or no usage: %+v", s)
		}
		if s.Must() != "" && !strings.HasPrefix(s.Must(), "must ") {
			t.Errorf("%s%s: Must is %q, want it to begin with \"must \"", s.Flag, s.Env, s.Must())
		}
		if s.Secret && s.Default != "" || s.Needed != "" && s.ReadBy == settings.ByRunner {
			t.Errorf("%s%s is a secret with a default, or needed by Lambda and read only by the runner", s.Flag, s.Env)
		}
		if strings.Contains(s.Env, "KEY") && s.Env != "TLS_KEY" && (s.Flag != "" || !s.Secret) {
			t.Errorf("%s must be Secret and have no flag: every user of a machine can see its command lines", s.Env)
		}
	}
}

// TestOrder checks that a flag takes precedence over its variable, and the variable
// over the default.
func TestOrder(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  string
		want time.Duration
	}{
		{nil, "", time.Minute},
		{nil, "LOCK_TTL=", time.Minute},
		{nil, "LOCK_TTL=7s", 7 * time.Second},
		{[]string{"-lock-ttl", "8s"}, "LOCK_TTL=7s", 8 * time.Second},
		{[]string{"--lock-ttl=8s"}, "LOCK_TTL=soon", 8 * time.Second},
		{[]string{"-lock-ttl", "8s", "--lock-ttl", "1m"}, "LOCK_TTL=7s", time.Minute},
	} {
		s, err := settings.Parse(c.args, environment(c.env))
		if err != nil || s.Events.LockTTL != c.want {
			t.Errorf("%q, %s: %v, %v, want %v", c.args, c.env, s.Events.LockTTL, err, c.want)
		}
	}
	if s, err := settings.Parse([]string{"-private=false", "-log-users"}, environment("PRIVATE=true")); err != nil || s.Access.Private || !s.Telemetry.LogUsers {
		t.Errorf("-private=false -log-users: %+v, %v", s, err)
	}
}

// TestLists checks that a list is separated by commas, and that its flag may be
// repeated.
func TestLists(t *testing.T) {
	want := []string{"https://a.example", "https://b.example", "*"}
	for _, c := range []struct {
		args []string
		env  string
	}{
		{nil, "CORS_ORIGIN=https://a.example, https://b.example,*"},
		{[]string{"-cors-origin", "https://a.example", "-cors-origin", "https://b.example,*"}, "CORS_ORIGIN=https://c.example"},
	} {
		if s, err := settings.Parse(c.args, environment(c.env)); err != nil || !slices.Equal(s.Server.Origins, want) {
			t.Errorf("%q, %s: %q, %v", c.args, c.env, s.Server.Origins, err)
		}
	}
}

// TestNetworks checks that proxies are named by networks or addresses.
func TestNetworks(t *testing.T) {
	s, err := settings.Parse([]string{"-trust-proxy", "10.0.0.0/8, 192.0.2.1", "-trust-proxy", "2001:db8::/32"}, environment("TRUST_PROXY=127.0.0.1"))
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/32")}
	if err != nil || !slices.Equal(s.Access.Proxies, want) {
		t.Errorf("the proxies are %v, %v, want %v", s.Access.Proxies, err, want)
	}
	for _, text := range []string{"1", "10.0.0.0/33", "proxy.example", "10.0.0.1,", "::ffff:10.0.0.0/104"} {
		if _, err := settings.Parse([]string{"-trust-proxy", text}, environment()); err == nil {
			t.Errorf("-trust-proxy %s is accepted", text)
		}
	}
	if s, err := settings.Parse([]string{"-trust-proxy="}, environment("TRUST_PROXY=127.0.0.1")); err != nil || len(s.Access.Proxies) > 0 {
		t.Errorf("an empty flag leaves %v, %v", s.Access.Proxies, err)
	}
}

// TestMistakes checks that an error names the flag or variable of the value, shows the
// value, and says what must hold, in one line.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  []string
		want string
	}{
		{[]string{"-port", "80"}, nil, "flag provided but not defined: -port"},
		{[]string{"-addr"}, nil, "flag needs an argument: -addr"},
		{[]string{"-private", "false"}, nil, `"false" is not a flag`},
		{[]string{"-seats", "10"}, nil, "-seats 10: must be ROWSxSEATS, such as 10x10"},
		{[]string{"-seats", "0x10"}, nil, "-seats 0x10: must be ROWSxSEATS, such as 10x10"},
		{[]string{"--lock-ttl", "721h"}, nil, "-lock-ttl 721h: must be a duration from 1ms to 720h, such as 90s"},
		{[]string{"-lock-ttl="}, nil, `-lock-ttl "": must be a duration from 1ms to 720h, such as 90s`},
		{nil, []string{"LOCK_TTL=so\nsoon"}, `LOCK_TTL "so\nsoon": must be a duration from 1ms to 720h, such as 90s`},
		{[]string{"-private=perhaps"}, nil, "-private perhaps: must be true or false"},
		{nil, []string{"RATE=NaN"}, "RATE NaN: must be a number of requests a second, or 0 for no limit"},
		{[]string{"-seats", "2x2"}, []string{"EVENTS_FILE=x.json"}, "-seats 2x2: must not be given with EVENTS_FILE: the event file lists the seats"},
		{nil, []string{"TLS_KEY=key.pem"}, "TLS_KEY key.pem: needs -tls-cert, the certificate"},
		{[]string{"-drain", "5s"}, []string{"DRAIN_DELAY=5s"}, "DRAIN_DELAY 5s: must be shorter than -drain, which is 5s"},
		{[]string{"-redis-rebuild"}, nil, "-redis-rebuild: needs -redis, the server to use"},
		{[]string{"-forget", "hamlet"}, nil, "-forget hamlet: needs -data, -redis or -postgres, from which it removes the event"},
		{[]string{"-data", "x", "-forget="}, nil, `-forget "": must be the id of an event`},
		{[]string{"-data", "x", "-yes"}, nil, "-yes: needs -forget, the event to remove"},
		{[]string{"-data", "x", "-export", "-forget", "hamlet"}, nil, "-forget hamlet: must not be given together with -export"},
		{nil, []string{"REDIS_WAIT=1"}, "REDIS_WAIT 1: needs -redis, the server to use"},
		{[]string{"-data", "x"}, []string{"REDIS_URL=redis://user:hunter2@x"}, "-data and REDIS_URL: must not be given together, because seats are kept in one place"},
		{nil, []string{"AUTH_BACKEND_KEY=hunter2"}, "AUTH_BACKEND_KEY: must have 32 characters or more, such as the output of openssl rand -base64 32, or be two such keys, separated by a comma"},
		{nil, []string{"METRICS_ADDR=127.0.0.1:8080"}, "METRICS_ADDR 127.0.0.1:8080: must differ from -addr, which buyers reach"},
	} {
		_, err := settings.Parse(c.args, environment(c.env...))
		if _, ok := errors.AsType[*settings.Error](err); !ok || err.Error() != c.want {
			t.Errorf("%q %q: %v\nwant %s", c.args, c.env, err, c.want)
		}
	}
	if _, err := settings.Parse([]string{"--help"}, environment()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}

// TestWrong checks that code that uses a value can refuse it in the same form, and that
// secrets are not shown.
func TestWrong(t *testing.T) {
	s, err := settings.Parse([]string{"-seats", "9x9"}, environment("REDIS_URL=redis://user:hunter2@x"))
	if err != nil {
		t.Fatal(err)
	}
	reason := errors.New("must be good")
	for got, want := range map[error]string{
		s.Events.Wrong("seats", reason):      "-seats 9x9: must be good",
		s.Events.Wrong("lock-ttl", reason):   "-lock-ttl: must be good", // a default
		s.Redis.Wrong("redis", reason):       "REDIS_URL: must be good",
		s.Postgres.Wrong("postgres", reason): "-postgres: must be good",
	} {
		if _, ok := errors.AsType[*settings.Error](got); !ok || got.Error() != want || !errors.Is(got, reason) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// TestLambda checks that a function reads only the environment, and only settings that
// are declared for Lambda in the groups that it passes.
func TestLambda(t *testing.T) {
	var redis settings.Redis
	var events settings.Events
	var gateway settings.Gateway
	var telemetry settings.Telemetry
	read := func(env ...string) error {
		redis, events, gateway, telemetry = settings.Redis{}, settings.Events{}, settings.Gateway{}, settings.Telemetry{}
		return settings.ReadLambda(environment(env...), &redis, &events, &gateway, &telemetry)
	}
	const url = "REDIS_URL=redis://x"
	if err := read(url, "REDIS_WAIT=1", "BASE_PATH=/shop", "SEAT_LIMIT=4", "LOG_USERS=true"); err != nil {
		t.Fatal(err)
	}
	if redis.URL != "redis://x" || redis.Replicas != 1 || events.LockTTL != time.Minute || events.SeatLimit != 4 ||
		gateway.BasePath != "/shop" || !telemetry.LogUsers || telemetry.MetricsNamespace != "Seatlock" {
		t.Errorf("%+v %+v %+v %+v", redis, events, gateway, telemetry)
	}
	// Settings of the runner alone and of other groups are not read.
	if err := read(url, "SEATS=x", "REDIS_START=x", "LOG_LEVEL=x", "METRICS_ADDR=x", "RATE=x", "POSTGRES_URL=x"); err != nil || events.Rows != 0 || telemetry.MetricsAddr != "" {
		t.Errorf("%v, %+v %+v", err, events, telemetry)
	}
	if err := read(url, "METRICS_NAMESPACE=none"); err != nil || telemetry.MetricsNamespace != "" {
		t.Errorf("%v, %+v", err, telemetry)
	}
	for env, want := range map[string]string{
		"":                                "REDIS_URL is not set: ",
		url + " LOCK_TTL=soon":            "LOCK_TTL soon: must be a duration",
		url + " BASE_PATH=shop":           "BASE_PATH shop: must begin with a slash and not end with one",
		url + " BASE_PATH=/":              "BASE_PATH /: must begin with a slash and not end with one",
		url + " METRICS_NAMESPACE=a:b":    "METRICS_NAMESPACE a:b: must be 1 to 255 letters, digits and . - _ / #",
		url + " REDIS_ALLOW_EVICTION=yes": "REDIS_ALLOW_EVICTION yes: must be true or false",
	} {
		if err := read(strings.Fields(env)...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", env, err, want)
		}
	}
	if s, err := settings.Parse(nil, environment("BASE_PATH=shop", "METRICS_NAMESPACE=a:b")); err != nil || s.Telemetry.MetricsNamespace != "" {
		t.Errorf("the runner reads settings of Lambda alone: %+v, %v", s.Telemetry, err)
	}
}

// TestIssuers checks that an issuer is refused if its keys could be replaced on the
// way.
func TestIssuers(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://login.example": true, "http://localhost:1": true, "http://127.0.0.1:1/x": true, "http://[::1]:1": true,
		"http://login.example": false, "login.example": false, "https://": false, "ftp://localhost": false, ":": false,
	} {
		_, err := settings.Parse([]string{"-auth-issuer", url, "-auth-audience", "shop", "-confirm-by", "buyer"}, environment())
		if (err == nil) != ok {
			t.Errorf("%s: %v, want it accepted: %v", url, err, ok)
		}
	}
}

// TestClientIsNoAudience checks that the ID tokens of the page cannot be valid for API
// calls.
func TestClientIsNoAudience(t *testing.T) {
	for client, ok := range map[string]bool{"page": true, "shop": false} {
		_, err := settings.Parse([]string{"-auth-issuer", "https://login.example", "-auth-audience", "shop", "-auth-client", client, "-confirm-by", "buyer"}, environment())
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "-auth-client shop: must differ from -auth-audience") {
			t.Errorf("the client %s: %v, want it accepted: %v", client, err, ok)
		}
	}
}

// TestSomebodyConfirms checks the default of -confirm-by, and that a program does not
// start if nobody could confirm. The error says what to set.
func TestSomebodyConfirms(t *testing.T) {
	issuer := []string{"-auth-issuer", "https://login.example", "-auth-audience", "shop"}
	backend, operator := "AUTH_BACKEND_KEY="+strings.Repeat("b", 32), "OPERATOR_KEY="+strings.Repeat("o", 32)
	for _, c := range []struct {
		args []string
		env  string
		want string // the value, or a part of the error
	}{
		{nil, "", "buyer"},
		{nil, operator, "buyer"},
		{nil, backend, "backend"},
		{issuer, backend, "backend"},
		{issuer, operator, "backend"},
		{issuer, "BACKEND_CLAIM=scope=seats", "backend"},
		{issuer, "OPERATOR_CLAIM=roles=operator", "backend"},
		{issuer, "CONFIRM_BY=buyer", "buyer"},
		{issuer, "", "nobody could confirm a booking: set AUTH_BACKEND_KEY, BACKEND_CLAIM, OPERATOR_KEY or OPERATOR_CLAIM; or CONFIRM_BY=buyer"},
		{[]string{"-confirm-by", "backend"}, "", "-confirm-by backend: nobody could confirm"},
		{[]string{"-confirm-by", "payment"}, backend, "-confirm-by payment: nobody could confirm"},
		{[]string{"-confirm-by", "payment"}, operator, "payment"},
		{[]string{"-checkout", "till"}, "", "payment"},
		{append([]string{"-checkout", "till"}, issuer...), "", "payment"},
		{[]string{"-checkout", "till", "-confirm-by", "buyer"}, "", "buyer"},
		{[]string{"-pay-within", "5m"}, "", "-pay-within 5m: needs -checkout"},
		{[]string{"-checkout", "stripe"}, "", "-checkout stripe: needs STRIPE_KEY"},
		{[]string{"-checkout", "stripe"}, "STRIPE_KEY=sk_test_1 STRIPE_WEBHOOK_SECRET=whsec_1,whsec_2", "payment"},
		{[]string{"-checkout", "stripe"}, "STRIPE_KEY=sk_test_1 STRIPE_WEBHOOK_SECRET=whsec_1,whsec_2,whsec_3", "STRIPE_WEBHOOK_SECRET: must be one secret, or two"},
		{[]string{"-checkout", "stripe"}, "STRIPE_KEY=sk_live_1 STRIPE_URL=http://127.0.0.1:1", "is for tests"},
		{[]string{"-checkout", "till"}, "STRIPE_KEY=sk_test_1", "STRIPE_KEY: needs -checkout stripe"},
		{[]string{"-operator-claim", "roles=operator"}, "", "needs -auth-issuer"},
	} {
		s, err := settings.Parse(c.args, environment(strings.Fields(c.env)...))
		if got := fmt.Sprint(s.Access.ConfirmBy, err); got != c.want+"<nil>" && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%q with %s: %s, want %s", c.args, c.env, got, c.want)
		}
	}
}

// TestPaymentsOnLambda checks the settings of the function that takes payments, and
// that the others only read that payments exist, which then confirm.
func TestPaymentsOnLambda(t *testing.T) {
	const all = "CHECKOUT=stripe INSTALLATION=shop STRIPE_KEY=sk_test_1"
	for env, want := range map[string]string{
		all: "",
		all + " PAY_WITHIN=5m PAY_WORKERS=8 STRIPE_WEBHOOK_SECRET=whsec_1,whsec_2 RETURN_ORIGINS=https://a.example,https://b.example": "",
		"": "CHECKOUT is not set",
		"CHECKOUT=till INSTALLATION=shop STRIPE_KEY=sk_test_1": "CHECKOUT till: must be stripe on Lambda",
		"CHECKOUT=stripe STRIPE_KEY=sk_test_1":                 "INSTALLATION is not set",
		"CHECKOUT=stripe INSTALLATION=shop":                    "STRIPE_KEY is not set",
		all + " RETURN_ORIGINS=shop.example":                   "RETURN_ORIGINS shop.example: must be a scheme and a host",
		all + " PAY_WORKERS=0":                                 "PAY_WORKERS 0: must be",
	} {
		err := settings.ReadLambda(environment(strings.Fields(env)...), new(settings.Checkout))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", env, err, want)
		}
	}
	for env, want := range map[string]string{"CHECKOUT=stripe": "payment", "CHECKOUT=stripe CONFIRM_BY=backend": "backend", "": "backend"} {
		pay := new(settings.PaymentsElsewhere)
		gateway := &settings.GatewayAccess{Paid: &pay.Payments}
		if err := settings.ReadLambda(environment(strings.Fields(env+" BACKEND_CLAIM=scope=serve")...), pay, gateway); err != nil || gateway.ConfirmBy != want {
			t.Errorf("%s: %v, and %q confirm, want %s", env, err, gateway.ConfirmBy, want)
		}
	}
	gateway := &settings.GatewayAccess{Paid: &settings.Payments{Checkout: "stripe"}}
	if err := settings.ReadLambda(environment(), gateway); err != nil {
		t.Errorf("where payments confirm, nobody else needs to: %v", err)
	}
}

// TestSomebodyConfirmsOnLambda checks that only credentials that get past the gateway
// count: keys do not with an authorizer, and tokens do not without one.
func TestSomebodyConfirmsOnLambda(t *testing.T) {
	backend, operator := "AUTH_BACKEND_KEY="+strings.Repeat("b", 32), "OPERATOR_KEY="+strings.Repeat("o", 32)
	sessions := "SESSIONS=true SESSION_KEY=" + strings.Repeat("s", 32)
	for env, want := range map[string]string{
		"":                           "nobody could confirm a booking: set AUTH_BACKEND_KEY",
		"CONFIRM_BY=payment":         "nobody could confirm a booking: set OPERATOR_KEY or OPERATOR_CLAIM",
		"CONFIRM_BY=buyer":           "",
		"BACKEND_CLAIM=scope=seats":  "",
		"OPERATOR_CLAIM=roles=o":     "",
		backend:                      "lets no key through",
		operator:                     "lets no key through",
		backend + " AUTHORIZER=none": "",
		backend + " BACKEND_CLAIM=scope=seats CONFIRM_BY=payment": "nobody could confirm",
		"BACKEND_CLAIM=scope=seats AUTHORIZER=none":               "claims come from tokens, which are not verified",
		"AUTHORIZER=perhaps":                                      "AUTHORIZER perhaps: must be jwt or none",
		"SESSIONS=true " + backend:                                "SESSIONS: needs SESSION_KEY",
		"SESSION_KEY=" + strings.Repeat("s", 32):                  "SESSION_KEY: needs SESSIONS",
		sessions + " AUTHORIZER=jwt " + backend:                   "AUTHORIZER jwt: must be none with SESSIONS",
		sessions + " " + backend:                                  "",
		sessions + " " + operator:                                 "",
		sessions + " BACKEND_CLAIM=scope=seats":                   "claims come from tokens, which are not verified",
		sessions + " CONFIRM_BY=buyer":                            "",
	} {
		err := settings.ReadLambda(environment(strings.Fields(env)...), new(settings.GatewayAccess))
		if got := fmt.Sprint(err); got != "<nil>" && want == "" || !strings.Contains(got, want) {
			t.Errorf("with %q: %s, want %q", env, got, want)
		}
	}
}

// TestKeys checks that a key may have a successor, and that no key has two meanings.
func TestKeys(t *testing.T) {
	a, b, c := strings.Repeat("a", 32), strings.Repeat("b", 32), strings.Repeat("c", 32)
	s, err := settings.Parse(nil, environment("AUTH_BACKEND_KEY="+a+", "+b, "OPERATOR_KEY="+c))
	if err != nil || !slices.Equal(s.Access.BackendKeys, []string{a, b}) || !slices.Equal(s.Access.OperatorKeys, []string{c}) {
		t.Errorf("%+v, %v", s.Access, err)
	}
	for _, env := range [][]string{{"AUTH_BACKEND_KEY=" + a + "," + b + "," + c}, {"AUTH_BACKEND_KEY=" + a + ","}, {"AUTH_BACKEND_KEY=" + a, "OPERATOR_KEY=" + c + "," + a}} {
		if _, err := settings.Parse(nil, environment(env...)); err == nil || strings.Contains(err.Error(), a) {
			t.Errorf("%q: %v, want an error without a key", env, err)
		}
	}
}

// TestLimitOfKnownUsers checks that there is a default limit where users are known, and
// none where callers invent them.
func TestLimitOfKnownUsers(t *testing.T) {
	signIn := []string{"-auth-issuer", "https://login.example", "-auth-audience", "shop", "-confirm-by", "buyer"}
	for _, c := range []struct {
		args []string
		want int
	}{{nil, 0}, {signIn, 10}, {append(signIn, "-seat-limit", "0"), 0}, {append(signIn, "-seat-limit", "4"), 4}} {
		if s, err := settings.Parse(c.args, environment()); err != nil || s.Events.SeatLimit != c.want {
			t.Errorf("%q: %d, %v, want %d", c.args, s.Events.SeatLimit, err, c.want)
		}
	}
}

// TestEmptyFlags checks that an empty flag overrides its variable.
func TestEmptyFlags(t *testing.T) {
	env := environment("AUTH_ISSUER=https://login.example", "AUTH_AUDIENCE=shop", "REDIS_URL=redis://x", "METRICS_ADDR=127.0.0.1:9")
	s, err := settings.Parse([]string{"-auth-issuer", "", "-auth-audience=", "-redis", "", "-metrics-addr="}, env)
	if err != nil || s.Access.Issuer != "" || s.Access.Audience != "" || s.Redis.URL != "" || s.Telemetry.MetricsAddr != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestEveryCheckIsReached checks that every setting with a Must refuses a wrong
// value, by flag and by variable.
func TestEveryCheckIsReached(t *testing.T) {
	const bad = "\x00" // only a plain text can have this value
	for _, s := range settings.ForRunner() {
		if s.Must() == "" {
			continue
		}
		refused := func(name string, args []string, env ...string) {
			t.Helper()
			if _, err := settings.Parse(args, environment(env...)); err == nil || !strings.HasPrefix(err.Error(), name) || !strings.HasSuffix(err.Error(), ": "+s.Must()) {
				t.Errorf("%s: %v, want %s", name, err, s.Must())
			}
		}
		if s.Flag != "" {
			refused("-"+s.Flag, []string{"-" + s.Flag + "=" + bad})
		}
		if s.Env != "" {
			refused(s.Env, nil, s.Env+"="+bad)
		}
	}
}
