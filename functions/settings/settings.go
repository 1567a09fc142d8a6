// Package settings declares every setting of the programs once: its flag, its
// environment variable, its default, its help text and what its value must be. The
// runner reads settings from flags and the environment, and Lambda functions from the
// environment only.
//
// A group of settings is a struct whose fields are the checked values. A new setting is
// one more entry in the declare method of its group, and a field.
//
// The package must not know what the values are used for: it knows no store, no HTTP
// server and no Lambda.
package settings

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Setting is the declaration of one setting.
type Setting struct {
	Flag    string // without the dash; empty if there is only a variable
	Env     string // empty if there is only a flag
	Default string // as a user would write it; empty for the zero value
	Usage   string // for -h; the word in back quotes stands for the value
	ReadBy  Reader

	// Needed says why a Lambda function does not start without the setting. It is
	// empty if the function does.
	Needed string

	// Secret keeps the value out of errors.
	Secret bool

	into value
}

// Must returns the error text for a wrong value, "must be …", or "" if every value is
// allowed.
func (s Setting) Must() string { return s.into.must }

// A Reader identifies the programs that read a setting.
type Reader int

// The runner is the program local. The Lambda functions are those in functions.
const (
	ByRunner Reader = iota
	ByLambda
	ByBoth
)

// key identifies the setting within its group.
func (s Setting) key() string {
	if s.Flag != "" {
		return s.Flag
	}
	return s.Env
}

// A Group is the settings of one part of a program.
type Group interface {
	// declare returns the group's name and settings, which write to its fields.
	declare() (title string, settings []Setting)
	// check checks settings of the group together.
	check() error
	// came records that the value of a setting came from a flag or a variable.
	came(key string, o origin)
}

// An Error is a mistake in the settings of a program: one that does not exist, is
// missing or has a wrong value.
type Error struct{ reason error }

func (e *Error) Error() string { return e.reason.Error() }

func (e *Error) Unwrap() error { return e.reason }

// An origin is the flag or the variable that a value came from.
type origin struct {
	name  string // "-rate" or "RATE"
	value string // as it was given; empty if errors must not or need not show it
}

func (o origin) wrong(reason error) error {
	if o.value == "" {
		return &Error{fmt.Errorf("%s: %w", o.name, reason)}
	}
	return &Error{fmt.Errorf("%s %s: %w", o.name, o.value, reason)}
}

// origins are the origins of a group's values that are not defaults, by key.
type origins map[string]origin

func (os *origins) came(key string, o origin) {
	if *os == nil {
		*os = make(origins)
	}
	(*os)[key] = o
}

// given reports whether the setting with the flag was set.
func (os origins) given(flag string) bool {
	_, ok := os[flag]
	return ok
}

// name returns the flag or variable that set the setting with the flag.
func (os origins) name(flag string) string {
	if o, ok := os[flag]; ok {
		return o.name
	}
	return "-" + flag
}

// Wrong returns an [Error] that names the setting with the flag, its value and the
// reason. It is for reasons that only code that uses the value can find.
func (os origins) Wrong(flag string, reason error) error {
	o := os[flag]
	o.name = os.name(flag)
	return o.wrong(reason)
}

func (os origins) wrong(flag, reason string) error { return os.Wrong(flag, errors.New(reason)) }

// fill sets the groups' fields from flags, else from the environment, else to
// the defaults, and checks them. It skips settings that the reader does not read.
func fill(groups []Group, reader Reader, flags map[string]string, getenv func(string) string) error {
	for _, g := range groups {
		_, declared := g.declare()
		for _, s := range declared {
			if s.ReadBy != reader && s.ReadBy != ByBoth {
				continue
			}
			if err := s.fill(g, reader, flags, getenv); err != nil {
				return err
			}
		}
		if err := g.check(); err != nil {
			return err
		}
	}
	return nil
}

func (s Setting) fill(g Group, reader Reader, flags map[string]string, getenv func(string) string) error {
	var o origin
	text, ok := flags[s.Flag]
	if ok {
		o.name = "-" + s.Flag
	} else if s.Env != "" {
		if text = getenv(s.Env); text != "" {
			o.name = s.Env
		}
	}
	if o.name == "" {
		if s.Needed != "" && reader == ByLambda {
			return &Error{fmt.Errorf("%s is not set: %s", s.Env, s.Needed)}
		}
		if s.Default != "" && !s.into.read(s.Default) {
			panic("settings: the default of " + s.key() + " is not a value")
		}
		return nil
	}
	if !s.Secret {
		o.value = readable(text)
	}
	if !s.into.read(text) {
		return o.wrong(errors.New(s.into.must))
	}
	if s.into.boolean {
		o.value = "" // the name is enough
	}
	g.came(s.key(), o)
	return nil
}

// readable returns the text, quoted if it is empty or would be unclear within a
// line.
func readable(text string) string {
	if quoted := strconv.Quote(text); text == "" || strings.Contains(text, " ") || quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

// readBy returns the settings in the groups that the reader reads.
func readBy(reader Reader, groups []Group) []Setting {
	var all []Setting
	for _, g := range groups {
		_, declared := g.declare()
		for _, s := range declared {
			if s.ReadBy == reader || s.ReadBy == ByBoth {
				all = append(all, s)
			}
		}
	}
	return all
}
