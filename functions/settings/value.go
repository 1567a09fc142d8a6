package settings

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A value writes a setting's value to a field.
type value struct {
	read    func(text string) bool // writes the value, and reports whether the text is valid
	must    string                 // what the error says if it is not valid
	boolean bool                   // the flag alone means true
	list    bool                   // the flag may be repeated
}

func text(into *string) value { return checked(into, func(string) bool { return true }, "") }

func checked(into *string, ok func(string) bool, must string) value {
	return value{must: must, read: func(text string) bool {
		*into = text
		return ok(text)
	}}
}

func yesNo(into *bool) value {
	v := parsed(into, strconv.ParseBool, func(bool) bool { return true }, "must be true or false")
	v.boolean = true
	return v
}

func number(into *int, least int, must string) value {
	return parsed(into, strconv.Atoi, func(n int) bool { return n >= least }, must)
}

func rate(into *float64, most float64, must string) value {
	parse := func(text string) (float64, error) { return strconv.ParseFloat(text, 64) }
	return parsed(into, parse, func(n float64) bool { return n >= 0 && n <= most }, must)
}

func duration(into *time.Duration, least, most time.Duration, must string) value {
	return parsed(into, time.ParseDuration, func(d time.Duration) bool { return d >= least && d <= most }, must)
}

// parsed reads a value with parse, if ok accepts it.
func parsed[T any](into *T, parse func(string) (T, error), ok func(T) bool, must string) value {
	return value{must: must, read: func(text string) bool {
		v, err := parse(text)
		*into = v
		return err == nil && ok(v)
	}}
}

// list reads values separated by commas, each accepted by ok.
func list(into *[]string, ok func(string) bool, must string) value {
	return value{must: must, list: true, read: func(text string) bool {
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

// networks reads networks and addresses separated by commas.
func networks(into *[]netip.Prefix, must string) value {
	var texts []string
	v := list(&texts, func(text string) bool { _, ok := network(text); return ok }, must)
	read := v.read
	v.read = func(text string) bool {
		*into = nil
		if text == "" {
			return true
		}
		if !read(text) {
			return false
		}
		for _, t := range texts {
			n, _ := network(t)
			*into = append(*into, n)
		}
		return true
	}
	return v
}

// network reads a network, or an address as a network of its own.
func network(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr.WithZone("").Unmap(), addr.Unmap().BitLen()), true
	}
	n, err := netip.ParsePrefix(text)
	return n, err == nil && !n.Addr().Is4In6()
}

// choice reads one of the names.
func choice[T any](into *T, names map[string]T, must string) value {
	return value{must: must, read: func(text string) (ok bool) {
		*into, ok = names[text]
		return ok
	}}
}
