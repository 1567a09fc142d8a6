package fake

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// params are the parameters of a call: names such as "line_items[0][quantity]" and
// their values.
type params struct{ url.Values }

// parse returns the parameters of a query and a body. In known names, "[]" stands for
// the index of a list or the key of metadata. An unknown name is an error.
func parse(query, body string, known []string) (params, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return params{}, badParam("", "The query could not be parsed.")
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		return params{}, badParam("", "The body could not be parsed.")
	}
	maps.Copy(values, form)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		general := metadataKey.ReplaceAllString(index.ReplaceAllString(name, "[]"), "$1[]")
		if general != "expand[]" && !slices.Contains(known, general) {
			return params{}, &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: "parameter_unknown", param: name,
				message: "Received unknown parameter: " + name}
		}
		if values.Get(name) == "" && !metadataKey.MatchString(name) { // an empty value of metadata removes it
			return params{}, badParam(name, "You passed an empty string for '"+name+"'.")
		}
	}
	return params{values}, nil
}

var (
	index       = regexp.MustCompile(`\[\d*\]`)
	metadataKey = regexp.MustCompile(`^(metadata|.*\[metadata\])\[[^\[\]]*\]$`)
)

// badParam returns the error for a parameter with an invalid value.
func badParam(name, message string) error {
	return &apiError{status: http.StatusBadRequest, kind: invalidRequest, param: name, message: message}
}

// missingParam returns the error for a missing required parameter.
func missingParam(name string) error {
	return &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: "parameter_missing", param: name, message: "Missing required param: " + name + "."}
}

// number returns the parameter as a number from low to high, or def if it is not set.
func (p params) number(name string, def, low, high int64) (int64, error) {
	if !p.Has(name) {
		return def, nil
	}
	n, err := strconv.ParseInt(p.Get(name), 10, 64)
	if err != nil || n < low || n > high {
		return 0, &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: "parameter_invalid_integer", param: name,
			message: fmt.Sprintf("Invalid integer: %s; it must be %d to %d", p.Get(name), low, high)}
	}
	return n, nil
}

// metadata returns the metadata of that name, such as "payment_intent_data[metadata]",
// within Stripe's bounds.
func (p params) metadata(name string) (map[string]string, error) {
	m := make(map[string]string)
	for param, values := range p.Values {
		key, ok := strings.CutPrefix(param, name+"[")
		if !ok {
			continue
		}
		key = strings.TrimSuffix(key, "]")
		if utf8.RuneCountInString(key) > 40 || strings.ContainsAny(key, "[]") {
			return nil, badParam(param, "Metadata keys can be up to 40 characters, without square brackets.")
		}
		if utf8.RuneCountInString(values[0]) > 500 {
			return nil, badParam(param, "Metadata values can be up to 500 characters, but you passed in a value that is longer.")
		}
		m[key] = values[0]
	}
	if len(m) > 50 {
		return nil, badParam(name, "Metadata can have up to 50 keys.")
	}
	return m, nil
}

// expands returns the remainders, after prefix, of the names of objects to include in
// full.
func (p params) expands(prefix string) []string {
	var names []string
	for param, values := range p.Values {
		if index.ReplaceAllString(param, "[]") != "expand[]" {
			continue
		}
		for _, value := range values {
			if name, ok := strings.CutPrefix(value, prefix); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// list returns a page of objects, newest first as Stripe lists them. all is in order of
// creation.
func list[T any](p params, path string, all []T, id func(T) string, created func(T) time.Time, render func(T) object) (object, error) {
	limit, err := p.number("limit", 10, 1, 100)
	if err != nil {
		return nil, err
	}
	from, err := p.number("created[gte]", 0, 0, 1<<40)
	if err != nil {
		return nil, err
	}
	to, err := p.number("created[lte]", 1<<40, 0, 1<<40)
	if err != nil {
		return nil, err
	}
	after := p.Get("starting_after")
	started := after == ""
	page := []object{}
	more := false
	for _, o := range slices.Backward(all) {
		switch at := created(o).Unix(); {
		case !started:
			started = id(o) == after
		case at < from || at > to:
		case int64(len(page)) == limit:
			more = true
		default:
			page = append(page, render(o))
		}
	}
	if !started {
		return nil, missing("object", after)
	}
	return object{"object": "list", "url": path, "has_more": more, "data": page}, nil
}
