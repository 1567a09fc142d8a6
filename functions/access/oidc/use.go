package oidc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"seatlock/functions/access"
)

// A header is the part of a token's header that the library does not check.
type header struct {
	Type string `json:"typ"`
	Key  string `json:"kid"`
}

func headerOf(token string) (header, error) {
	var h header
	encoded, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(text, &h)
}

// keyID returns the id of the key that the token names, or "".
func keyID(token string) string {
	h, err := headerOf(token)
	if err != nil {
		return ""
	}
	return h.Key
}

// checkUse checks the type and the start of a token whose signature has been verified.
// An issuer signs other tokens with the same key, such as logout tokens; package access
// refuses those that are recognizable by their claims.
func checkUse(token string, claims map[string]any) error {
	h, err := headerOf(token)
	if err != nil {
		return err
	}
	if !access.IsAccessType(h.Type) {
		return fmt.Errorf("a token of type %q is not an access token", h.Type)
	}
	// The library accepts one that becomes valid minutes from now.
	if begin, ok := claims["nbf"].(float64); ok && time.Unix(int64(begin), 0).After(time.Now().Add(skew)) {
		return errors.New("the token is not valid yet")
	}
	return nil
}
