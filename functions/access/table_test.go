package access_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc/issuertest"
	"seatlock/functions/internal/lambdahttp"
	"seatlock/functions/problem"
)

const (
	operatorKey = "another-of-thirty-two-characters"
	nextKey     = "the-next-one-of-thirty-two-or-more"
)

var every = []access.Action{access.Look, access.Buy, access.Confirm, access.Serve, access.Operate}

// A row of the table is a caller and the answer to each action, in the order of every:
// y is yes, 401 is unauthenticated, 403 is forbidden.
type row struct{ caller, may string }

// modes are the ways to set up a server, each with its table of who may do what.
var modes = []struct {
	name   string
	policy access.Policy
	tokens bool // whether tokens of an issuer are accepted
	rows   []row
}{
	{"open", access.Policy{OperatorKeys: []string{operatorKey}}, false, []row{
		{"nobody", "y y y 401 401"},
		{"a wrong key", "y y y 401 401"},
		{"operator's key", "y y y y y"},
	}},
	{"open, nothing else", access.Policy{}, false, []row{
		{"nobody", "y y y 401 401"},
		{"operator's key", "y y y 401 401"},
	}},
	{"back end", access.Policy{BackendKeys: []string{nextKey, backendKey}}, false, []row{
		{"nobody", "y 401 401 401 401"},
		{"a wrong key", "y 401 401 401 401"},
		{"back end's key", "y y y y 403"},
		{"back end's next key", "y y y y 403"},
		{"operator's key", "y 401 401 401 401"},
	}},
	{"everybody signs in", everybody(access.ConfirmByDefault), true, []row{
		{"nobody", "y 401 401 401 401"},
		{"a wrong key", "y 401 401 401 401"},
		{"ann", "y y 403 403 403"},
		{"token without a subject", "y 401 401 401 401"},
		{"ID token", "y 401 401 401 401"},
		{"sign-out token", "y 401 401 401 401"},
		{"back end's key", "y y y y 403"},
		{"back end's token", "y y y y 403"},
		{"operator's key", "y y y y y"},
		{"operator's token", "y y y y y"},
		{"token of a back end that claims to be an operator elsewhere", "y y y y 403"},
		{"trainee in a group whose name has a space", "y y 403 403 403"},
		{"group whose name is a list of groups", "y y 403 403 403"},
		{"text in brackets", "y y 403 403 403"},
		{"text in quotes", "y y 403 403 403"},
		{"operator among groups with spaces and brackets", "y y y y y"},
		{"token of another type", "y 401 401 401 401"},
	}},
	{"claims that are no text", claimed("admin=true", "level=7"), true, []row{
		{"text true", "y y y y y"},
		{"true", "y y 403 403 403"},
		{"list of true", "y y 403 403 403"},
		{"text 7", "y y y y 403"},
		{"7", "y y 403 403 403"},
	}},
	{"buyers confirm", everybody(access.ConfirmByBuyer), true, []row{
		{"nobody", "y 401 401 401 401"},
		{"ann", "y y y 403 403"},
		{"back end's token", "y y y y 403"},
		{"operator's token", "y y y y y"},
	}},
	{"payments confirm", everybody(access.ConfirmByPayment), true, []row{
		{"nobody", "y 401 401 401 401"},
		{"ann", "y y pay 403 403"},
		{"back end's key", "y y pay y 403"},
		{"back end's token", "y y pay y 403"},
		{"operator's key", "y y y y y"},
	}},
	{"private", private(everybody(access.ConfirmByDefault)), true, []row{
		{"nobody", "401 401 401 401 401"},
		{"a wrong key", "401 401 401 401 401"},
		{"token without a subject", "401 401 401 401 401"},
		{"ann", "y y 403 403 403"},
		{"back end's key", "y y y y 403"},
		{"operator's key", "y y y y y"},
	}},
}

func everybody(by access.ConfirmBy) access.Policy {
	return access.Policy{
		BackendKeys: []string{backendKey}, OperatorKeys: []string{operatorKey}, ConfirmBy: by,
		BackendClaim: access.ParseClaim("scope=seats.serve"), OperatorClaim: access.ParseClaim("roles=operator"),
	}
}

func claimed(operator, backend string) access.Policy {
	return access.Policy{OperatorClaim: access.ParseClaim(operator), BackendClaim: access.ParseClaim(backend)}
}

func private(p access.Policy) access.Policy {
	p.Private = true
	return p
}

// keysOf are the callers with a key.
var keysOf = map[string]string{
	"nobody": "", "a wrong key": "not-a-key-of-anybody-in-this-table", "back end's key": backendKey,
	"back end's next key": nextKey, "operator's key": operatorKey,
}

// claimsOf are the callers with a token, and the differences of their claims from
// ann's.
var claimsOf = map[string]map[string]any{
	"ann":                     {"roles": []string{"buyer"}, "scope": "openid"},
	"token without a subject": {"sub": nil, "roles": []string{"operator"}},
	"ID token":                {"nonce": "n-0S6_WzA2Mj", "roles": []string{"operator"}},
	"sign-out token":          {"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}},
	"back end's token":        {"sub": "shop", "scope": "openid seats.serve"},
	"operator's token":        {"sub": "olga", "roles": []string{"cook", "operator"}},
	"token of a back end that claims to be an operator elsewhere": {"sub": "shop", "scope": "seats.serve operator", "groups": []string{"operator"}, "roles": "not operator"},
	"trainee in a group whose name has a space":                   {"roles": []string{"trainee operator"}},
	"group whose name is a list of groups":                        {"roles": []string{"[operator]"}},
	"text in brackets":                                            {"roles": "[operator]"},
	"text in quotes":                                              {"roles": `"operator"`},
	"operator among groups with spaces and brackets":              {"sub": "olga", "roles": []string{"trainee cook", "[x y]", "operator"}},
	"token of another type":                                       {"typ": "ID", "roles": []string{"operator"}},
	"text true":                                                   {"sub": "olga", "admin": "true"},
	"true":                                                        {"admin": true},
	"list of true":                                                {"admin": []any{true}},
	"text 7":                                                      {"sub": "shop", "level": "7"},
	"7":                                                           {"level": 7},
}

// TestTable checks the whole table: every caller and every action.
func TestTable(t *testing.T) {
	i := issuertest.New(t)
	for _, m := range modes {
		p := m.policy
		if m.tokens {
			p.Tokens = tokensOf(i)
		}
		for _, row := range m.rows {
			token, isKey := keysOf[row.caller]
			if !isKey {
				token = i.Token("first", claimsOf[row.caller])
			}
			for n, want := range strings.Fields(row.may) {
				r := httptest.NewRequest("POST", "/", nil)
				if token != "" {
					r.Header.Set("Authorization", "Bearer "+token)
				}
				if got := answer(p.Check(r, every[n])); got != want {
					t.Errorf("%s: %s, action %d: %s, want %s", m.name, row.caller, every[n], got, want)
				}
			}
		}
	}
}

// TestTableOnLambda checks the table again, with callers whose tokens a gateway has
// verified and whose claims it passes on as text.
func TestTableOnLambda(t *testing.T) {
	i := issuertest.New(t)
	for _, m := range modes {
		if !m.tokens {
			continue
		}
		p := m.policy
		p.Gateway = true
		for _, row := range m.rows {
			key, isKey := keysOf[row.caller]
			for n, want := range strings.Fields(row.may) {
				var got string
				a := lambdahttp.Adapter{Identify: access.WithGatewayClaims, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					got = answer(p.Check(r, every[n]))
				})}
				var event events.APIGatewayV2HTTPRequest
				event.Version, event.RawPath, event.RequestContext.HTTP.Method = "2.0", "/", "POST"
				event.Headers = map[string]string{"authorization": "Bearer " + key}
				if !isKey {
					event.Headers["authorization"] = "Bearer " + i.Token("first", claimsOf[row.caller])
					event.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
						JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: passed(t, i.Claims(claimsOf[row.caller]))},
					}
				}
				payload, err := json.Marshal(event)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := a.Invoke(t.Context(), payload); err != nil {
					t.Fatal(err)
				}
				// A list ignores a token unless the gateway has verified it, which it
				// does not do on its own route for lists: that has no authorizer.
				if !isKey && every[n] == access.Look && want == "y" && strings.Contains(row.may, "401") {
					want = "401"
				}
				if got != want {
					t.Errorf("%s: %s, action %d: %s, want %s", m.name, row.caller, every[n], got, want)
				}
			}
		}
	}
}

// passed returns the claims as API Gateway passes them on: a text as it is, a list in
// brackets, and everything else as JSON.
func passed(t *testing.T, claims string) map[string]string {
	t.Helper()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(claims), &raw); err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for name, v := range raw {
		var text string
		var list []any
		switch {
		case json.Unmarshal(v, &text) == nil:
		case json.Unmarshal(v, &list) == nil:
			text = fmt.Sprint(list)
		default:
			text = string(v)
		}
		texts[name] = text
	}
	return texts
}

// TestGatewayWithoutTheToken checks that a token other than the one that the gateway
// has verified gives nobody a role, and that only text claims count then.
func TestGatewayWithoutTheToken(t *testing.T) {
	i := issuertest.New(t)
	p := everybody(access.ConfirmByDefault)
	p.Gateway = true
	operator := "Bearer " + i.Token("first", map[string]any{"roles": []string{"operator"}})
	for _, c := range []struct {
		authorization, roles, want string
	}{
		{"", "operator", "y"},
		{"", "[operator]", "403"},
		{"", "[cook operator]", "403"},
		{"Bearer a.b.c", "operator", "y"},
		{operator, "cook", "403"},
		{operator, "", "403"},
		{operator, "[cook]", "403"},
		{operator, "[operator]", "y"},
		{strings.TrimPrefix(operator, "Bearer "), "[operator]", "y"},
	} {
		texts := passed(t, i.Claims(map[string]any{"roles": c.roles}))
		if c.roles == "" {
			delete(texts, "roles")
		}
		r := httptest.NewRequest("POST", "/", nil)
		r = r.WithContext(access.WithGatewayClaims(r.Context(), c.authorization, texts))
		if got := answer(p.Check(r, access.Operate)); got != c.want {
			t.Errorf("the token %.20q and the text %q: %s, want %s", c.authorization, c.roles, got, c.want)
		}
	}
}

// answer returns the result of a check in the form of a row.
func answer(_ access.Caller, err error) string {
	refusal, ok := errors.AsType[*problem.Refusal](err)
	switch {
	case err == nil:
		return "y"
	case ok && refusal.Kind == problem.Unauthenticated && refusal.Challenge != "":
		return "401"
	case ok && refusal.Kind == problem.Forbidden && refusal.Detail != "":
		return "403"
	case ok && refusal.Kind == problem.PaymentRequired && refusal.Detail != "":
		return "pay"
	}
	return err.Error()
}

// TestFor checks on whose behalf each caller may act, and how each is named in the
// journal.
func TestFor(t *testing.T) {
	i := issuertest.New(t)
	p := everybody(access.ConfirmByDefault)
	p.Tokens = tokensOf(i)
	for _, c := range []struct {
		token, itself, ann, ben, by string // "" is refused
	}{
		{i.Token("first", claimsOf["ann"]), "ann", "ann", "", ""},
		{backendKey, "", "ann", "ben", "backend"},
		{i.Token("first", claimsOf["back end's token"]), "", "ann", "ben", "backend"},
		{operatorKey, "", "ann", "ben", "operator"},
		{i.Token("first", claimsOf["operator's token"]), "", "ann", "ben", "operator:olga"},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", "Bearer "+c.token)
		caller, err := p.Check(r, access.Buy)
		if err != nil {
			t.Fatal(err)
		}
		itself, _ := caller.As("")
		ann, _ := caller.As("ann")
		ben, _ := caller.As("ben")
		if string(itself) != c.itself || string(ann) != c.ann || string(ben) != c.ben || caller.By() != c.by {
			t.Errorf("%s: acts for %q, %q and %q as %q, want %q, %q and %q as %q", c.by, itself, ann, ben, caller.By(), c.itself, c.ann, c.ben, c.by)
		}
	}
}
