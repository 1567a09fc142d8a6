package static

import (
	"net/http"
	"strconv"
	"strings"
)

// Worthwhile is the length in bytes of the shortest content that is compressed. Shorter
// content fits into one packet uncompressed.
const Worthwhile = 1200

// Gzip is the Content-Encoding of compressed answers, in the form of a header's
// values.
var Gzip = []string{"gzip"}

var acceptEncoding = []string{"Accept-Encoding"}

// Vary adds to the header that the answer depends on Accept-Encoding.
func Vary(h http.Header) {
	if h["Vary"] == nil {
		h["Vary"] = acceptEncoding
		return
	}
	h.Add("Vary", acceptEncoding[0])
}

// AcceptsGzip reports whether the client accepts answers compressed with gzip.
func AcceptsGzip(h http.Header) bool { return accepts(h, Gzip[0]) }

// accepts reports whether the client accepts answers in the coding.
func accepts(h http.Header, coding string) bool {
	given := h["Accept-Encoding"]
	if given == nil {
		return false
	}
	rest := false // accepted by *
	for item := range strings.SplitSeq(strings.Join(given, ","), ",") {
		name, params, _ := strings.Cut(item, ";")
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, coding):
			return accepted(params)
		case name == "*":
			rest = accepted(params)
		}
	}
	return rest
}

// accepted reports whether the parameters of a coding have no weight or one above
// zero.
func accepted(params string) bool {
	name, weight, given := strings.Cut(strings.TrimSpace(params), "=")
	if !given || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return true
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
	return err == nil && q > 0
}

// Matches reports whether the If-None-Match of a request names the tag.
func Matches(h http.Header, etag string) bool {
	for _, given := range h["If-None-Match"] {
		for tag := range strings.SplitSeq(given, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
				return true
			}
		}
	}
	return false
}
