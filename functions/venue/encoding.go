package venue

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// byteOrderMark is what some editors put before text in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// plainJSON returns the text without a byte order mark. If it has another encoding, or
// is another kind of file, the error says how to make an event file from it.
func plainJSON(name string, text []byte) ([]byte, error) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	problem := otherEncoding(text)
	if problem == nil {
		problem = otherFile(text)
	}
	if problem != nil {
		return nil, fmt.Errorf("%s:%w", name, problem)
	}
	return text, nil
}

// otherEncoding returns an error with its position unless the text is UTF-8.
func otherEncoding(text []byte) error {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) || bytes.HasPrefix(text, []byte("{\x00")) || bytes.HasPrefix(text, []byte("\x00{")) {
		return errors.New("1:1: the file is UTF-16; save it as UTF-8")
	}
	if utf8.Valid(text) {
		return nil
	}
	at := 0
	for r, n := utf8.DecodeRune(text); r != utf8.RuneError || n != 1; r, n = utf8.DecodeRune(text[at:]) {
		at += n
	}
	return fmt.Errorf("%s: not UTF-8: the byte %#x, which is %s in Windows-1252; save the file as UTF-8", position(text, at), text[at], Shown(windows1252(text[at])))
}

// windows1252 returns the letter for a byte from 0x80 in Windows-1252, the encoding of
// older Windows programs in the West.
func windows1252(b byte) string {
	const from80 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"
	if b < 0xa0 {
		return string([]rune(from80)[b-0x80])
	}
	return string(rune(b)) // the same as in Latin-1
}

// otherFile returns an error with its position if the text is a table or a plan that
// an importer reads.
func otherFile(text []byte) error {
	head, _, _ := strings.Cut(strings.TrimSpace(string(text[:min(len(text), 4096)])), "\n")
	switch {
	case head == "" || head[0] == '[':
		return nil
	case head[0] != '{' && strings.ContainsAny(head, ",;\t") && !strings.Contains(head, `":`):
		return errors.New(`1:1: not JSON but a table, it seems; use "-import csv FILE" to make an event file from it`)
	case head[0] == '{' && bytes.Contains(text, []byte(`"zones"`)) && bytes.Contains(text, []byte(`"seat_guid"`)):
		return errors.New(`1:1: a pretix seating plan, not an event file; use "-import pretix FILE" to make an event file from it`)
	}
	return nil
}
