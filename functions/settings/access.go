package settings

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Who may confirm, as ConfirmBy says it.
const (
	byBuyer   = "buyer"
	byBackend = "backend"
	byPayment = "payment"
)

// Access holds the settings of who may call, and how often. A Lambda function reads
// [GatewayAccess].
type Access struct {
	origins
	payments bool // buyers pay here

	Issuer, Audience string // of OpenID Connect tokens; both empty: no tokens are accepted
	BackendKeys      []string
	OperatorKeys     []string
	BackendClaim     string // NAME=VALUE, or empty: no token has the role of a back end
	OperatorClaim    string
	Sessions         bool     // callers without sign-in become guests
	SessionKeys      []string // of sessions; empty: random
	Guests           int      // new guests of one address in an hour
	Unbought         int      // seats that one user may lock in an hour without buying them; 0 is no limit
	Client, Secret   string   // of the page at the issuer; empty: nobody signs in on the page
	PublicURL        string   // of the page, as browsers know it; empty: what the request says
	ConfirmBy        string   // buyer, backend or payment
	Private          bool     // lists need a token too
	Rate             float64  // requests a second; 0 is no limit
	ByteRate         float64  // bytes a second; 0 is no limit
	Proxies          []netip.Prefix
}

func (a *Access) declare() (string, []Setting) {
	return "Who may call", []Setting{
		{Flag: "auth-issuer", Env: "AUTH_ISSUER",
			into:  checked(&a.Issuer, secure, "must be the https address of an OpenID Connect issuer (http only on this machine)"),
			Usage: "accept tokens of the OpenID Connect issuer at `URL`; calls that change a seat then need a token"},
		{Flag: "auth-audience", Env: "AUTH_AUDIENCE", into: text(&a.Audience),
			Usage: "accept only tokens with the audience `NAME`, which is the shop's name at the issuer"},
		// Keys have no flags: every user of a machine can see its command lines.
		{Env: "AUTH_BACKEND_KEY", Secret: true, ReadBy: ByBoth, into: keys(&a.BackendKeys),
			Usage: "a token whose bearer is the shop's back end and may act for every user; two, separated by a comma, while you replace one"},
		{Env: "OPERATOR_KEY", Secret: true, ReadBy: ByBoth, into: keys(&a.OperatorKeys),
			Usage: "a token whose bearer is an operator; two, separated by a comma, while you replace one"},
		{Flag: "backend-claim", Env: "BACKEND_CLAIM", ReadBy: ByBoth, into: claim(&a.BackendClaim),
			Usage: "treat the bearer of a verified token with the claim `NAME=VALUE` as the shop's back end"},
		{Flag: "operator-claim", Env: "OPERATOR_CLAIM", ReadBy: ByBoth, into: claim(&a.OperatorClaim),
			Usage: "treat the bearer of a verified token with the claim `NAME=VALUE` as an operator"},
		{Flag: "confirm-by", Env: "CONFIRM_BY", ReadBy: ByBoth,
			into: checked(&a.ConfirmBy, func(who string) bool { return slices.Contains([]string{"", byBuyer, byBackend, byPayment}, who) }, "must be buyer, backend or payment"),
			Usage: "let `WHO` confirm bookings: buyer, backend (the back end alone) or payment (no caller); operators always may. " +
				"The default is payment with -checkout, otherwise buyer if nobody signs in, otherwise backend"},
		{Flag: "auth-client", Env: "AUTH_CLIENT", into: text(&a.Client),
			Usage: "let users sign in on the page, which is the client `ID` at the issuer; must differ from -auth-audience"},
		{Env: "AUTH_CLIENT_SECRET", Secret: true, into: text(&a.Secret),
			Usage: "the client's secret at the issuer, if it has one"},
		{Flag: "public-url", Env: "PUBLIC_URL", ReadBy: ByBoth,
			into:  checked(&a.PublicURL, secure, "must be the https address of the page (http only on this machine)"),
			Usage: "the `URL` at which browsers reach the page, and to which they return from the issuer and from a payment; if it is https, cookies are sent over HTTPS only. Without it, the page is at the host that a request names"},
		{Flag: "sessions", Env: "SESSIONS", Default: "false", ReadBy: ByBoth, into: yesNo(&a.Sessions),
			Usage: "make each browser a guest, and do not trust the userId of a request"},
		{Env: "SESSION_KEY", Secret: true, ReadBy: ByBoth, into: keys(&a.SessionKeys),
			Usage: "the key that seals the cookies of guests and users who signed in on the page; two, separated by a comma and the new one first, while you replace one. Without it, they are lost when the program stops"},
		{Flag: "guests", Env: "GUESTS", Default: "100",
			into:  number(&a.Guests, 1, "must be a number of guests, at least 1"),
			Usage: "with -sessions: let an address have `NUMBER` new guests an hour"},
		{Flag: "unbought", Env: "UNBOUGHT", Default: "0",
			into:  number(&a.Unbought, 0, "must be a number of seats, or 0 for no limit"),
			Usage: "let a user lock `NUMBER` seats an hour without buying them, and an address ten times as many; 0 means no limit. The default is 100 where users sign in or are guests"},
		{Flag: "private", Env: "PRIVATE", Default: "false", into: yesNo(&a.Private),
			Usage: "require a token for lists too; with -sessions, a guest's is enough, and anybody can be a guest"},
		{Flag: "rate", Env: "RATE", Default: "0",
			into:  rate(&a.Rate, 1e6, "must be a number of requests a second, or 0 for no limit"),
			Usage: "allow each client `NUMBER` requests a second, and twice as many at once; 0 means no limit"},
		{Flag: "byte-rate", Env: "BYTE_RATE", Default: "0",
			into:  rate(&a.ByteRate, 1e12, "must be a number of bytes a second, or 0 for no limit"),
			Usage: "answer each client address with `NUMBER` bytes a second, and ten times as many at once; 0 means no limit"},
		{Flag: "trust-proxy", Env: "TRUST_PROXY",
			into:  networks(&a.Proxies, "must be the address of a proxy or a network of proxies, such as 10.0.0.0/8"),
			Usage: "trust X-Forwarded-For from the proxies in `NETWORK`, such as 10.0.0.0/8; for several, repeat the flag or separate them with commas"},
	}
}

func (a *Access) check() error {
	switch {
	case a.Issuer != "" && a.Audience == "":
		return a.wrong("auth-issuer", "needs -auth-audience, or tokens for any other site of that issuer would be accepted")
	case a.Issuer == "" && a.Audience != "":
		return a.wrong("auth-audience", "needs -auth-issuer")
	case a.Issuer == "" && a.BackendClaim != "":
		return a.wrong("backend-claim", "needs -auth-issuer, whose tokens have claims")
	case a.Issuer == "" && a.OperatorClaim != "":
		return a.wrong("operator-claim", "needs -auth-issuer, whose tokens have claims")
	case a.Client != "" && a.Issuer == "":
		return a.wrong("auth-client", "needs -auth-issuer")
	case a.Client != "" && a.Client == a.Audience:
		return a.wrong("auth-client", "must differ from -auth-audience: the audience of the page's ID tokens is the client, so they would be accepted for calls")
	case a.Secret != "" && a.Client == "":
		return a.wrong("AUTH_CLIENT_SECRET", "needs -auth-client")
	case len(a.SessionKeys) > 0 && !a.Sessions && a.Client == "":
		return a.wrong("SESSION_KEY", "needs -sessions or -auth-client")
	case a.Private && !a.Closed():
		return a.wrong("private", "needs -auth-issuer, -sessions or AUTH_BACKEND_KEY, or nobody could call")
	}
	if !a.given("unbought") && a.KnowsUsers() {
		a.Unbought = knownUnbought
	}
	switch {
	case a.given("confirm-by"):
	case a.payments:
		a.ConfirmBy = byPayment
	case !a.Closed():
		a.ConfirmBy = byBuyer
	}
	a.ConfirmBy = cmp.Or(a.ConfirmBy, byBackend)
	if err := a.checkKeys(); err != nil {
		return err
	}
	if !a.somebodyConfirms(true, true) {
		ways := a.waysOut()
		if a.ConfirmBy == byPayment {
			ways = "CHECKOUT, " + ways // functions on Lambda do not read it
		}
		return a.wrong("confirm-by", "nobody could confirm a booking: set "+ways)
	}
	return nil
}

// checkKeys checks that no key has two meanings.
func (a *Access) checkKeys() error {
	for _, key := range a.OperatorKeys {
		if slices.Contains(a.BackendKeys, key) {
			return a.wrong("OPERATOR_KEY", "must differ from AUTH_BACKEND_KEY")
		}
	}
	return nil
}

// somebodyConfirms reports whether anybody can confirm, where callers may have keys,
// claims or both.
func (a *Access) somebodyConfirms(keys, claims bool) bool {
	operators := keys && len(a.OperatorKeys) > 0 || claims && a.OperatorClaim != ""
	backends := keys && len(a.BackendKeys) > 0 || claims && a.BackendClaim != ""
	return operators || a.ConfirmBy == byBuyer || a.ConfirmBy == byBackend && backends || a.ConfirmBy == byPayment && a.payments
}

// waysOut returns what to set if nobody could confirm.
func (a *Access) waysOut() string {
	if a.ConfirmBy == byPayment {
		return "OPERATOR_KEY or OPERATOR_CLAIM, or set CONFIRM_BY to backend or buyer"
	}
	return "AUTH_BACKEND_KEY, BACKEND_CLAIM, OPERATOR_KEY or OPERATOR_CLAIM; or CONFIRM_BY=buyer, if buyers may confirm without a payment"
}

// Closed reports whether calls that change seats need a token.
func (a *Access) Closed() bool { return a.KnowsUsers() || len(a.BackendKeys) > 0 }

// KnowsUsers reports whether users sign in or are guests, so that a limit for each user
// is effective.
func (a *Access) KnowsUsers() bool { return a.Issuer != "" || a.Sessions }

// knownUnbought is the default of Unbought where users are known.
const knownUnbought = 100

// paidAccess is [Access] where payments may confirm. The payments are read before it.
type paidAccess struct {
	*Access
	of *Payments
}

func (p *paidAccess) check() error {
	p.payments = p.of.Checkout != ""
	return p.Access.check()
}

// maxKeys is how many keys there may be for one purpose: one and its successor.
const maxKeys = 2

// keys reads one or two keys.
func keys(into *[]string) value {
	v := list(into, unguessable, "must have 32 characters or more, such as the output of openssl rand -base64 32, or be two such keys, separated by a comma")
	read := v.read
	v.list = false
	v.read = func(text string) bool { return read(text) && len(*into) <= maxKeys }
	return v
}

// unguessable reports whether a key has the length of 192 bits in base64.
func unguessable(key string) bool { return len(key) >= 32 && !strings.ContainsAny(key, " \t") }

// claim reads the name of a claim and its value.
func claim(into *string) value {
	return checked(into, func(text string) bool {
		name, value, _ := strings.Cut(text, "=")
		return text == "" || name != "" && value != ""
	}, "must be the name of a claim and its value, such as roles=operator")
}

// secure reports whether nobody on the way to the issuer can replace its keys. It
// accepts an empty issuer.
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
