package venue

import (
	"errors"
	"fmt"
	"strings"
)

// parsePattern splits a pattern into text and placeholders, the latter with
// their opening brace: "S-{row}{seat}" is "S-", "{row", "{seat".
func parsePattern(pattern string, repeated bool) ([]string, error) {
	var parts []string
	for rest := pattern; rest != ""; {
		text, after, found := strings.Cut(rest, "{")
		if strings.Contains(text, "}") {
			return nil, fmt.Errorf("%s: a } has no matching {", Shown(pattern))
		}
		if text != "" {
			parts = append(parts, text)
		}
		if !found {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		switch {
		case !closed:
			return nil, fmt.Errorf("%s: a { has no matching }", Shown(pattern))
		case name == "section" && !repeated:
			return nil, fmt.Errorf("%s: {section} needs the field section", Shown(pattern))
		case name != "section" && name != "row" && name != "seat":
			return nil, fmt.Errorf("%s: unknown placeholder %s; the placeholders are {section}, {row} and {seat}", Shown(pattern), Shown("{"+name+"}"))
		}
		parts = append(parts, "{"+name)
		rest = tail
	}
	for _, needed := range []string{"{row", "{seat"} {
		if !strings.Contains(strings.Join(parts, " "), needed) {
			return nil, errors.New(Shown(pattern) + ": " + needed + "} is missing: seats would have the same name")
		}
	}
	return parts, nil
}

// appendSeat appends to dst the seat id that the pattern makes from the names.
func appendSeat(dst []byte, pattern []string, section, row, seat string) []byte {
	for _, part := range pattern {
		switch part {
		case "{section":
			dst = append(dst, section...)
		case "{row":
			dst = append(dst, row...)
		case "{seat":
			dst = append(dst, seat...)
		default:
			dst = append(dst, part...)
		}
	}
	return dst
}
