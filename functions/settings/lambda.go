package settings

import (
	"strconv"
	"strings"
)

// Gateway holds the settings of the gateway in front of a Lambda function.
type Gateway struct {
	origins

	BasePath     string // begins with a slash, or is empty
	CacheSeconds int    // the greatest age of a list from a shared cache
}

func (g *Gateway) declare() (string, []Setting) {
	return "Gateway", []Setting{
		{Env: "BASE_PATH", ReadBy: ByLambda,
			into:  checked(&g.BasePath, isBasePath, "must begin with a slash and not end with one"),
			Usage: "the path that a custom domain maps to the API, such as /tickets"},
		{Env: "CACHE_SECONDS", ReadBy: ByLambda, Default: "0",
			into:  parsed(&g.CacheSeconds, strconv.Atoi, func(n int) bool { return n >= 0 && n <= 60 }, "must be a number of seconds from 0 to 60"),
			Usage: "let a CDN in front answer with lists that are up to `SECONDS` old"},
	}
}

func isBasePath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasSuffix(path, "/")
}

func (g *Gateway) check() error { return nil }

// ReadLambda fills the groups from the environment of a Lambda function. The function
// passes the group of its store and those that every function needs. ReadLambda ignores
// settings that are not declared for Lambda.
func ReadLambda(getenv func(string) string, groups ...Group) error {
	return fill(groups, ByLambda, nil, getenv)
}

// ForLambda returns every setting that a Lambda function can read.
func ForLambda() []Setting {
	return readBy(ByLambda, []Group{new(Redis), new(Postgres), new(Events), new(GatewayAccess), new(Gateway), new(Checkout), new(Telemetry)})
}
