package access

import (
	"slices"
	"strings"
)

// A Claim is a claim of a token and the value that it must have.
type Claim struct{ Name, Value string }

// in reports whether the claims have the Claim. A list matches if one of its elements
// is the value, and the claims scope and scp if one of their words is.
func (c Claim) in(claims map[string]any) bool {
	if c.Name == "" {
		return false
	}
	switch v := claims[c.Name].(type) {
	case string:
		if c.Name == "scope" || c.Name == "scp" {
			return slices.Contains(strings.Fields(v), c.Value)
		}
		return v == c.Value
	case []string:
		return slices.Contains(v, c.Value)
	case []any:
		return slices.Contains(v, any(c.Value))
	}
	return false
}

// isAccessToken reports whether a token with the claims was issued for API calls. An ID
// token tells a page who has signed in, and a logout token that somebody has left.
// Issuers sign them with the same key, and often for the same audience.
func isAccessToken(claims map[string]any) bool {
	has := func(name string) bool { _, ok := claims[name]; return ok }
	if has("events") {
		return false
	}
	if use, ok := claims["token_use"]; ok { // Cognito
		return use == "access"
	}
	if typ, ok := claims["typ"]; ok { // Keycloak
		return typ == "Bearer"
	}
	return !slices.ContainsFunc([]string{"nonce", "at_hash", "c_hash", "s_hash"}, has)
}

// ParseClaim returns the Claim of a text such as roles=operator, or the zero Claim for
// an empty text.
func ParseClaim(text string) Claim {
	name, value, _ := strings.Cut(text, "=")
	return Claim{name, value}
}
