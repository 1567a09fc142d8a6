package lockstore

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A UserID names a user: 1 to [MaxUserLen] bytes of printable UTF-8. A store
// compares it byte for byte.
type UserID string

// MaxUserLen is the length in bytes of the longest [UserID].
const MaxUserLen = 128

// Check returns an [*InvalidError] unless the id is valid.
func (id UserID) Check() error {
	if len(id) == 0 || len(id) > MaxUserLen || !printable(string(id)) {
		return invalid("a user id is 1 to %d bytes of printable UTF-8, not %s", MaxUserLen, quote(string(id)))
	}
	return nil
}

// printable reports whether the text is valid UTF-8 and all of it can be printed.
func printable(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' { // most texts are ASCII
			unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
			return utf8.ValidString(text[i:]) && !strings.ContainsFunc(text[i:], unprintable)
		}
	}
	return true
}

// A Ref is a reference that a shop gives to a booking, such as an order number, or
// the reason why a seat is blocked: up to [MaxIDLen] letters, digits, '_', '.' and
// '-'.
type Ref string

// Check returns an [*InvalidError] unless the reference is empty or valid.
func (r Ref) Check() error {
	if r != "" && !plain(string(r), "_.-") {
		return invalid("a reference is up to %d letters, digits, '_', '.' and '-', not %s", MaxIDLen, quote(string(r)))
	}
	return nil
}
