package settings

import (
	"net"
	"net/netip"
	"net/url"
)

// Access is the settings of who may call, and how often.
type Access struct {
	origins

	Issuer, Audience string  // of OpenID Connect tokens; both empty: no tokens are accepted
	BackendKey       string  // empty: there is none
	Private          bool    // lists need a token too
	Rate             float64 // requests a second; 0 is no limit
	ByteRate         float64 // bytes a second; 0 is no limit
	Proxies          []netip.Prefix
}

func (a *Access) declare() (string, []Setting) {
	return "Who may call", []Setting{
		{Flag: "auth-issuer", Env: "AUTH_ISSUER",
			into:  checked(&a.Issuer, secure, "must be the https address of an OpenID Connect issuer (http only on this machine)"),
			Usage: "accept tokens of the OpenID Connect issuer at `URL`; calls that change a seat then need a token"},
		{Flag: "auth-audience", Env: "AUTH_AUDIENCE", into: text(&a.Audience),
			Usage: "accept only tokens with the audience `NAME`, which is the shop's name at the issuer"},
		// It has no flag: every user of a machine can see its command lines.
		{Env: "AUTH_BACKEND_KEY", Secret: true,
			into:  checked(&a.BackendKey, unguessable, "must have 32 characters or more, such as those of: openssl rand -base64 32"),
			Usage: "a token whose bearer may act for every user"},
		{Flag: "private", Env: "PRIVATE", Default: "false", into: yesNo(&a.Private),
			Usage: "require a token for lists too"},
		{Flag: "rate", Env: "RATE", Default: "0",
			into:  rate(&a.Rate, 1e6, "must be a number of requests a second, or 0 for no limit"),
			Usage: "allow each client `NUMBER` requests a second, and twice as many at once; 0 means no limit"},
		{Flag: "byte-rate", Env: "BYTE_RATE", Default: "0",
			into:  rate(&a.ByteRate, 1e12, "must be a number of bytes a second, or 0 for no limit"),
			Usage: "answer each client address with `NUMBER` bytes a second, and ten times as many at once; 0 means no limit"},
		{Flag: "trust-proxy", Env: "TRUST_PROXY",
			into:  networks(&a.Proxies, "must be the address of a proxy or a network of proxies, such as 10.0.0.0/8"),
			Usage: "believe X-Forwarded-For from the proxies in `NETWORK`, such as 10.0.0.0/8; for several, repeat the flag or separate them with commas"},
	}
}

func (a *Access) check() error {
	switch {
	case a.Issuer != "" && a.Audience == "":
		return a.wrong("auth-issuer", "needs -auth-audience, or tokens for any other site of that issuer would be accepted")
	case a.Issuer == "" && a.Audience != "":
		return a.wrong("auth-audience", "needs -auth-issuer")
	case a.Private && a.Issuer == "" && a.BackendKey == "":
		return a.wrong("private", "needs -auth-issuer or AUTH_BACKEND_KEY, or nobody could call")
	}
	return nil
}

// unguessable reports whether a key has 192 bits, in base64.
func unguessable(key string) bool { return len(key) >= 32 }

// secure reports whether nobody on the way to the issuer can replace its keys, or
// there is no issuer.
func secure(issuer string) bool {
	if issuer == "" {
		return true
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip.IsLoopback())
}
