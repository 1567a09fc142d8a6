package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"seatlock/lockstore"
)

// WithGatewayClaims returns a context for a request whose token API Gateway has
// verified. The gateway passes on every claim as text: a list looks like text in
// brackets, and true like "true". WithGatewayClaims therefore reads the claims from the
// token itself, in authorization, the header in which the gateway found it. If that
// token is not the one that the gateway has verified, only claims that must be text
// count.
func WithGatewayClaims(ctx context.Context, authorization string, texts map[string]string) context.Context {
	typ, claims, ok := payload(authorization)
	if !ok || !sameClaims(claims, texts) {
		return WithToken(ctx, Token{Subject: lockstore.UserID(texts["sub"]), Claims: onlyTexts(texts)})
	}
	var t Token
	if subject, ok := claims["sub"].(string); ok && IsAccessType(typ) {
		t.Subject = lockstore.UserID(subject)
	}
	t.Claims = claims
	return WithToken(ctx, t)
}

// payload returns the type and the claims of the token in the header, with or without
// the scheme, since the gateway accepts both. It verifies nothing.
func payload(authorization string) (typ string, claims map[string]any, ok bool) {
	token := strings.TrimSpace(authorization)
	if scheme, rest, found := strings.Cut(token, " "); found && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", nil, false
	}
	var header struct {
		Type string `json:"typ"`
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) {
		return "", nil, false
	}
	return header.Type, claims, claims != nil
}

func decodePart(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

// sameClaims reports whether the gateway's texts can have come from the claims.
func sameClaims(claims map[string]any, texts map[string]string) bool {
	for name := range texts {
		if _, ok := claims[name]; !ok {
			return false
		}
	}
	for name, v := range claims {
		text, ok := texts[name]
		switch v := v.(type) {
		case string:
			if !ok || v != text {
				return false
			}
		case []any:
			if list, all := asTexts(v); all && (!ok || "["+strings.Join(list, " ")+"]" != text) {
				return false
			}
		}
	}
	return true
}

// asTexts returns the list as strings, if all its elements are.
func asTexts(list []any) (texts []string, all bool) {
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}

// onlyTexts returns the claims without values that may have been something other than
// text: lists, objects, numbers, true, false and null.
func onlyTexts(texts map[string]string) map[string]any {
	claims := make(map[string]any, len(texts))
	for name, text := range texts {
		claims[name] = text
		if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "map[") || json.Valid([]byte(text)) {
			claims[name] = nil // its presence may matter
		}
	}
	return claims
}

// IsAccessType reports whether a token whose header has the type may be an access token.
func IsAccessType(typ string) bool {
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "", "jwt", "at+jwt":
		return true
	}
	return false
}
