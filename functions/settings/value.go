package settings

import (
	"strconv"
	"strings"
	"time"
)

// A value writes a setting's value to a field.
type value struct {
	read    func(text string) bool // writes the value, and reports whether the text is one
	boolean bool                   // the flag alone means true
	list    bool                   // the flag may be repeated
}

func text(into *string) value { return checked(into, func(string) bool { return true }) }

func checked(into *string, ok func(string) bool) value {
	return value{read: func(text string) bool {
		*into = text
		return ok(text)
	}}
}

func yesNo(into *bool) value {
	return value{boolean: true, read: func(text string) (ok bool) {
		*into, ok = parsed(strconv.ParseBool(text))
		return ok
	}}
}

func number(into *int, least int) value {
	return value{read: func(text string) (ok bool) {
		*into, ok = parsed(strconv.Atoi(text))
		return ok && *into >= least
	}}
}

func fraction(into *float64, least, most float64) value {
	return value{read: func(text string) (ok bool) {
		*into, ok = parsed(strconv.ParseFloat(text, 64))
		return ok && *into >= least && *into <= most
	}}
}

func duration(into *time.Duration, least, most time.Duration) value {
	return value{read: func(text string) (ok bool) {
		*into, ok = parsed(time.ParseDuration(text))
		return ok && *into >= least && *into <= most
	}}
}

// list reads values separated by commas, each accepted by ok.
func list(into *[]string, ok func(string) bool) value {
	return value{list: true, read: func(text string) bool {
		*into = nil
		for item := range strings.SplitSeq(text, ",") {
			item = strings.TrimSpace(item)
			if !ok(item) {
				return false
			}
			*into = append(*into, item)
		}
		return true
	}}
}

// choice reads one of the names.
func choice[T any](into *T, names map[string]T) value {
	return value{read: func(text string) (ok bool) {
		*into, ok = names[text]
		return ok
	}}
}

// mustBool is the Must of a yesNo.
const mustBool = "must be true or false"

func parsed[T any](v T, err error) (T, bool) { return v, err == nil }
