package settings

import (
	"cmp"
	"slices"
)

// The values of Authorizer: what the gateway in front of a Lambda function does with
// tokens.
const (
	checksTokens = "jwt"
	checksNone   = "none"
)

// GatewayAccess is the part of [Access] that a Lambda function reads: either the
// gateway in front verifies tokens, or there are guests.
type GatewayAccess struct {
	Access

	Authorizer string // jwt or none

	Paid *Payments // read before; nil: there are no payments
}

func (g *GatewayAccess) declare() (string, []Setting) {
	title, all := g.Access.declare()
	return title, append(all, Setting{Env: "AUTHORIZER", ReadBy: ByLambda,
		into: checked(&g.Authorizer, func(what string) bool { return slices.Contains([]string{"", checksTokens, checksNone}, what) }, "must be jwt or none"),
		Usage: "how the gateway's routes check tokens: jwt lets only the issuer's tokens through, so that claims count and keys cannot be used; " +
			"with none, it is the other way round. The default is jwt, or none with SESSIONS",
	})
}

// check checks that callers can get past the gateway with the tokens that the settings
// allow.
func (g *GatewayAccess) check() error {
	if g.payments = g.Paid != nil && g.Paid.Checkout != ""; g.payments {
		g.ConfirmBy = cmp.Or(g.ConfirmBy, byPayment)
	}
	g.ConfirmBy = cmp.Or(g.ConfirmBy, byBackend)
	switch {
	case g.Sessions && len(g.SessionKeys) == 0:
		return g.wrong("sessions", "needs SESSION_KEY: copies of a function would not know each other's guests")
	case g.Sessions && g.Authorizer == checksTokens:
		return g.wrong("AUTHORIZER", "must be none with SESSIONS, since a gateway that asks for tokens lets no guest through")
	case !g.Sessions && len(g.SessionKeys) > 0:
		return g.wrong("SESSION_KEY", "needs SESSIONS")
	}
	if g.Authorizer == "" {
		g.Authorizer = checksTokens
		if g.Sessions {
			g.Authorizer = checksNone
		}
	}
	if err := g.checkKeys(); err != nil {
		return err
	}
	keys := g.Authorizer == checksNone
	switch {
	case g.somebodyConfirms(keys, !keys):
		return nil
	case !g.somebodyConfirms(true, true):
		return g.wrong("confirm-by", "nobody could confirm a booking: set "+g.waysOut())
	case keys:
		return g.wrong("confirm-by", "nobody could confirm a booking: claims come from tokens, which are not verified if AUTHORIZER is none; set AUTH_BACKEND_KEY or OPERATOR_KEY")
	}
	return g.wrong("confirm-by", "nobody could confirm a booking: a gateway that checks tokens lets no key through; set BACKEND_CLAIM or OPERATOR_CLAIM, or AUTHORIZER=none if the routes have no authorizer")
}
