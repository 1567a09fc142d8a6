package venue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A span is one item of a range: a single name, or all numbers or letters from one to
// another.
type span struct {
	name     string // a single name, if not empty
	from, to int    // to may be less: the span is descending
	step     int    // at least 1
	style    style
	width    int  // numbers are padded with zeros to this width
	aisle    bool // there is an aisle before the span
}

// A style is how a span writes a number.
type style uint8

const (
	digits  style = iota
	upper         // A, B … Z, AA, AB …
	lower         // a, b … z, aa, ab …
	doubled       // AA, BB, CC …: from and to are its letters, and width is how often each is repeated
)

// A nameRange is a short form of names: "A-H", "1-6|7-12", "42-34", "A,C,BOX".
type nameRange []span

// rangeForm ends the errors about the form of a range.
const rangeForm = "write a range like A-H, 1-6,9-14 or 1-6|7-12"

// parseRange parses a range without expanding it, so that the number of names can be
// checked first.
func parseRange(r rangeJSON) (nameRange, error) {
	if r.list != nil {
		return parseList(r.list)
	}
	text := norm.NFC.String(r.text)
	if strings.Trim(text, " ") == "" {
		return nil, errors.New("must not be empty; " + rangeForm)
	}
	var spans nameRange
	for aisle := false; ; {
		end := strings.IndexAny(text, ",|")
		item := text
		if end >= 0 {
			item = text[:end]
		}
		s, err := parseSpan(strings.Trim(item, " "))
		if err != nil {
			return nil, err
		}
		s.aisle = aisle
		spans = append(spans, s)
		if end < 0 {
			return spans, nil
		}
		aisle = text[end] == '|'
		text = text[end+1:]
	}
}

// parseList parses a range that is a list of names, in which "|" is an aisle.
func parseList(names []string) (nameRange, error) {
	var spans nameRange
	aisle := false
	for _, name := range names {
		if name == "|" {
			if aisle || spans == nil {
				return nil, errors.New(`an aisle, "|", must be between two seats`)
			}
			aisle = true
			continue
		}
		name = norm.NFC.String(name)
		if err := checkName(name); err != nil {
			return nil, err
		}
		spans = append(spans, span{name: name, step: 1, aisle: aisle})
		aisle = false
	}
	if spans == nil || aisle {
		return nil, errors.New("must begin and end with a name")
	}
	return spans, nil
}

// checkName checks the name of a row or of a seat in its row.
func checkName(name string) error {
	if name == "" || len(name) > maxLabel || strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%s is not a name; a name is 1 to %d bytes of printable text without a space at either end", Shown(name), maxLabel)
	}
	return nil
}

func parseSpan(item string) (span, error) {
	if item == "" {
		return span{}, errors.New("an item is empty; " + rangeForm)
	}
	from, to, isSpan := strings.Cut(item, "-")
	if !isSpan {
		return span{name: item, step: 1}, checkName(item)
	}
	s := span{step: 1}
	to, step, steps := strings.Cut(to, ":")
	if steps {
		if !every(step, isDigit) || len(step) > 9 || strings.Trim(step, "0") == "" {
			return span{}, fmt.Errorf("%s: a step must be a number from 1, as in 1-29:2", Shown(item))
		}
		s.step, _ = strconv.Atoi(step) // digits alone, and few: cannot fail
	}
	switch {
	case every(from, isDigit) && every(to, isDigit) && len(from) <= 9 && len(to) <= 9:
		s.from, _ = strconv.Atoi(from)
		s.to, _ = strconv.Atoi(to)
		switch { // 01-12 and 12-01 keep the zeros
		case from[0] == '0':
			s.width = len(from)
		case to[0] == '0':
			s.width = len(to)
		}
	case alike(from) && alike(to) && len(from) == len(to) && from[0] != to[0] && isUpper(from[0]) == isUpper(to[0]):
		s.style, s.from, s.to, s.width = doubled, int(from[0]), int(to[0]), len(from)
	case every(from, isUpper) && every(to, isUpper) && len(from) <= 3 && len(to) <= 3:
		s.style, s.from, s.to = upper, number(from), number(to)
	case every(from, isLower) && every(to, isLower) && len(from) <= 3 && len(to) <= 3:
		s.style, s.from, s.to = lower, number(strings.ToUpper(from)), number(strings.ToUpper(to))
	default:
		return span{}, fmt.Errorf("%s goes neither from a number to a number nor from letters to letters of the same case; a name that contains a dash must be in a list, as [%s]", Shown(item), Shown(item))
	}
	return s, nil
}

// alike reports whether the text consists of two or three times the same letter from A
// to Z, or from a to z.
func alike(s string) bool {
	return (len(s) == 2 || len(s) == 3) && (isUpper(s[0]) || isLower(s[0])) && strings.Trim(s, s[:1]) == ""
}

// count returns the number of names.
func (r nameRange) count() int {
	n := 0
	for _, s := range r {
		n += s.count()
	}
	return n
}

func (s span) count() int {
	if s.name != "" {
		return 1
	}
	return max(s.to-s.from, s.from-s.to)/s.step + 1
}

// names expands the range. A repeated name is an error. The aisles are the indexes of
// the names after an aisle mark.
func (r nameRange) names() (names []string, aisles []int, err error) {
	names = make([]string, 0, r.count())
	seen := make(map[string]bool, cap(names))
	for _, s := range r {
		if s.aisle {
			aisles = append(aisles, len(names))
		}
		for i := range s.count() {
			name := s.at(i)
			if seen[name] {
				return nil, nil, fmt.Errorf("%s is listed twice", Shown(name))
			}
			seen[name] = true
			names = append(names, name)
		}
	}
	return names, aisles, nil
}

// hasAisle reports whether the range has an aisle mark.
func (r nameRange) hasAisle() bool {
	for _, s := range r {
		if s.aisle {
			return true
		}
	}
	return false
}

// at returns the ith name of the span, counted from 0.
func (s span) at(i int) string {
	n := s.from + i*s.step
	if s.to < s.from {
		n = s.from - i*s.step
	}
	switch {
	case s.name != "":
		return s.name
	case s.style == upper:
		return letters(n)
	case s.style == lower:
		return strings.ToLower(letters(n))
	case s.style == doubled:
		return strings.Repeat(string(rune(n)), s.width)
	}
	text := strconv.Itoa(n)
	return strings.Repeat("0", max(0, s.width-len(text))) + text
}

// letters returns the nth of A, B … Z, AA, AB …, counted from 1.
func letters(n int) string {
	var name []byte
	for ; n > 0; n = (n - 1) / 26 {
		name = append([]byte{byte('A' + (n-1)%26)}, name...)
	}
	return string(name)
}

// number is the inverse of letters: A is 1, AA is 27.
func number(letters string) int {
	n := 0
	for i := range len(letters) {
		n = n*26 + int(letters[i]-'A') + 1
	}
	return n
}

func every(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return s != ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

// A rangeJSON is a range in an event file: a text, or a list of names.
type rangeJSON struct {
	text string
	list []string
}
