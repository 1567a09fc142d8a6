package main

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc"
)

// guardSettings are the flags about who may call and how often, checked.
type guardSettings struct {
	issuer, audience, backendKey string
	private                      bool
	rate                         float64
	proxies                      int
}

// shortestKey is the least length of a back end's key: 32 characters of
// base64 are 192 bits.
const shortestKey = 32

// greetTime bounds how long the start waits for the issuer of tokens.
const greetTime = 3 * time.Second

var guardFlags = []cli.Flag{
	&cli.StringFlag{Name: "auth-issuer", Usage: "take tokens of the OpenID Connect issuer at `URL`; who changes a seat then needs one", Sources: cli.EnvVars("AUTH_ISSUER")},
	&cli.StringFlag{Name: "auth-audience", Usage: "for whom tokens must be made, the `NAME` of the shop at the issuer", Sources: cli.EnvVars("AUTH_AUDIENCE")},
	&cli.BoolFlag{Name: "private", Usage: "lists need a token too", Sources: cli.EnvVars("PRIVATE")},
	&cli.FloatFlag{Name: "rate", Usage: "the most requests a second of one client, as `NUMBER`, and twice that at once; 0 is no bound", Sources: cli.EnvVars("RATE")},
	&cli.IntFlag{Name: "trust-proxy", Usage: "believe X-Forwarded-For of this `NUMBER` of proxies in front", Sources: cli.EnvVars("TRUST_PROXY")},
}

func settleGuard(c *cli.Command) (guardSettings, error) {
	g := guardSettings{
		issuer:   c.String("auth-issuer"),
		audience: c.String("auth-audience"),
		// It has no flag: a command line can be seen by every user of the machine.
		backendKey: os.Getenv("AUTH_BACKEND_KEY"),
		private:    c.Bool("private"),
		rate:       c.Float("rate"),
		proxies:    c.Int("trust-proxy"),
	}
	switch {
	case g.issuer != "" && g.audience == "":
		return g, usage("-auth-issuer needs -auth-audience, or tokens for any other site of that issuer would be taken")
	case g.issuer == "" && g.audience != "":
		return g, usage("-auth-audience needs -auth-issuer")
	case g.issuer != "" && !secure(g.issuer):
		return g, usage("-auth-issuer %s: it is the https address of an OpenID Connect issuer (http only on this machine)", g.issuer)
	case g.backendKey != "" && len(g.backendKey) < shortestKey:
		return g, usage("AUTH_BACKEND_KEY has %d characters; take %d or more, such as those of: openssl rand -base64 32", len(g.backendKey), shortestKey)
	case g.private && g.issuer == "" && g.backendKey == "":
		return g, usage("-private needs -auth-issuer or AUTH_BACKEND_KEY, or nobody could call")
	case g.rate < 0 || g.rate > 1e6:
		return g, usage("-rate %v: it is a number of requests a second, or 0 for no bound", g.rate)
	case g.proxies < 0:
		return g, usage("-trust-proxy %d: it is a number of proxies", g.proxies)
	}
	return g, nil
}

// secure tells whether nobody on the way can put in keys of their own.
func secure(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip.IsLoopback())
}

// open makes the policy. It logs an error if the issuer does not answer: requests
// that need the issuer fail until it does.
func (g guardSettings) open(ctx context.Context, log *slog.Logger) access.Policy {
	p := access.Policy{BackendKey: g.backendKey, Private: g.private, Proxies: g.proxies}
	if g.rate > 0 {
		p.Rate = access.NewRate(g.rate)
	}
	if g.issuer == "" {
		return p
	}
	tokens := oidc.New(g.issuer, g.audience, log)
	p.Tokens = tokens
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	if err := tokens.Discover(ctx); err != nil {
		log.Error("the issuer of tokens does not answer as it should; nobody can sign in until it does", "issuer", g.issuer, "error", err)
	}
	return p
}

// believed says in the start-up line whose word is taken for who a user is.
func (g guardSettings) believed() string {
	switch {
	case g.issuer != "" && g.backendKey != "":
		return "signed in at " + g.issuer + ", or named by the back end with the key"
	case g.issuer != "":
		return "signed in at " + g.issuer
	case g.backendKey != "":
		return "named by the back end with the key"
	}
	return "whoever a userId names, unchecked: fit behind your own back end only"
}
