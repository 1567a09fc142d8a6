package venue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A span is one item of a range: a single name, or all numbers or letters
// between two.
type span struct {
	name     string // a single name, if not empty
	from, to int
	letters  bool // A, B … Z, AA …, not 1, 2, 3 …
	width    int  // numbers are padded with zeros to this width
}

// A nameRange is a short form of names: "A-H", "1-14", "01-14,20", "A,C,BOX".
type nameRange []span

// parseRange reads a range and does not expand it, so that the number of names can
// be checked first.
func parseRange(text string) (nameRange, error) {
	if strings.Trim(text, " ") == "" {
		return nil, errors.New("it is missing or empty; write a range like A-H or 1-6,9-14")
	}
	var r nameRange
	for item := range strings.SplitSeq(text, ",") {
		s, err := parseSpan(strings.Trim(item, " "))
		if err != nil {
			return nil, err
		}
		r = append(r, s)
	}
	return r, nil
}

func parseSpan(item string) (span, error) {
	if item == "" {
		return span{}, fmt.Errorf("an item is empty; write a range like A-H or 1-6,9-14")
	}
	from, to, isSpan := strings.Cut(item, "-")
	if !isSpan {
		if !every(item, isNameByte) {
			return span{}, fmt.Errorf("%s is no name; a name is letters, digits, '_' and '.'", Shown(item))
		}
		return span{name: item}, nil
	}
	var s span
	switch {
	case every(from, isDigit) && every(to, isDigit) && len(from) <= 9 && len(to) <= 9:
		s.from, _ = strconv.Atoi(from) // digits alone, and few: cannot fail
		s.to, _ = strconv.Atoi(to)
		if strings.HasPrefix(from, "0") {
			s.width = len(from)
		}
	case every(from, isCapital) && every(to, isCapital) && len(from) <= 3 && len(to) <= 3:
		s.letters, s.from, s.to = true, number(from), number(to)
	default:
		return span{}, fmt.Errorf("%s goes neither from a number to a number nor from capital letters to capital letters", Shown(item))
	}
	if s.from > s.to {
		return span{}, fmt.Errorf("%s runs backwards", Shown(item))
	}
	return s, nil
}

// count returns the number of names.
func (r nameRange) count() int {
	n := 0
	for _, s := range r {
		n += s.to - s.from + 1 // a single name is 0 to 0
	}
	return n
}

// names expands the range. A name that is in it twice is an error.
func (r nameRange) names() ([]string, error) {
	names := make([]string, 0, r.count())
	seen := make(map[string]bool, cap(names))
	for _, s := range r {
		for i := s.from; i <= s.to; i++ {
			name := s.at(i)
			if seen[name] {
				return nil, fmt.Errorf("%s is there twice", Shown(name))
			}
			seen[name] = true
			names = append(names, name)
		}
	}
	return names, nil
}

func (s span) at(i int) string {
	switch {
	case s.name != "":
		return s.name
	case s.letters:
		return letters(i)
	}
	digits := strconv.Itoa(i)
	return strings.Repeat("0", max(0, s.width-len(digits))) + digits
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

func isDigit(c byte) bool   { return '0' <= c && c <= '9' }
func isCapital(c byte) bool { return 'A' <= c && c <= 'Z' }
func isNameByte(c byte) bool {
	return isDigit(c) || isCapital(c) || 'a' <= c && c <= 'z' || c == '_' || c == '.'
}
