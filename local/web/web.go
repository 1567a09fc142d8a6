// Package web serves the seat map page, on which people see an event and lock seats, and
// the element <seatlock-map>, with which a shop shows the seat map in its own pages. The
// sources are plain modules in the folder page. They are embedded, and bundled at the first
// request for one of them. The package knows nothing about seats: page and element call the
// API as any other client does. It also serves the schema of event files.
package web

import (
	"bytes"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"

	"seatlock/functions/static"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
)

// pagePolicy lets the page load its own files and call its own server. It forbids inline
// scripts and styles, other hosts, and frames around the page.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors "

// How long browsers and caches may keep a file.
const (
	untilChanged = "public, max-age=31536000, immutable"               // its name has a hash of its content
	shortly      = "public, max-age=300, stale-while-revalidate=86400" // a new version reaches shops within minutes
	never        = "no-cache"                                          // revalidated each time
)

// mediaTypes makes content types independent of the machine's table.
var mediaTypes = map[string][]string{
	".html": {"text/html; charset=utf-8"},
	".css":  {"text/css; charset=utf-8"},
	".js":   {"text/javascript; charset=utf-8"},
	".json": {"application/schema+json"},
	".svg":  {"image/svg+xml"},
	".ts":   {"text/plain; charset=utf-8"},
}

// Config configures Pages.
type Config struct {
	// FrameAncestors are the origins whose pages may show the seats in a frame, such as
	// https://shop.example. Without any, no frame is served.
	FrameAncestors []string
}

// Pages serves the page, the element, and the files of both. It is safe for concurrent
// use.
type Pages struct {
	files func() folder // bundles the sources in its first call
}

// A file is the answer at a path.
type file struct {
	*static.Content
	mediaType []string
	cache     string
	policy    string // Content-Security-Policy
	foreign   bool   // pages of other origins may load it
	location  string // its name with a hash, if this one has none
}

// New returns the page and the element.
func New(c Config) *Pages {
	return &Pages{sync.OnceValue(func() folder {
		b, err := bundled()
		if err != nil {
			panic(err) // the sources are faulty; tests find that
		}
		return filesOf(c, b)
	})}
}

// A folder is files by their paths.
type folder map[string]file

// filesOf returns all files of a server by path.
func filesOf(c Config, b bundle) folder {
	p := make(folder)
	p.add("/event-file.schema.json", venue.Schema(), never)
	p.add("/page/icon.svg", read("icon.svg"), never)
	index := read("index.html")
	for name, body := range b.page {
		p.add("/page/"+name, body, untilChanged)
		index = bytes.ReplaceAll(index, []byte(`"page/`+unhashed(name)+`"`), []byte(`"page/`+name+`"`))
	}
	p.add("/", index, never)
	p.addElement(b)
	if len(c.FrameAncestors) > 0 {
		p.addFrame(c.FrameAncestors)
	}
	return p
}

// add adds a file of the page.
func (p folder) add(at string, body []byte, cache string) {
	mediaType := mediaTypes[path.Ext(at)]
	if mediaType == nil {
		mediaType = mediaTypes[".html"]
	}
	p[at] = file{Content: static.New(body), mediaType: mediaType, cache: cache, policy: pagePolicy + "'none'"}
}

// hashed matches a name with the hash of the content.
var hashed = regexp.MustCompile(`^(.+)-[0-9A-Z]{8}(\.[a-z]+)$`)

// unhashed returns a name without the hash.
func unhashed(name string) string { return hashed.ReplaceAllString(name, "$1$2") }

// read returns an embedded file, which must exist.
func read(name string) []byte {
	body, err := sources.ReadFile("page/" + name)
	if err != nil {
		panic(err) // cannot happen: go:embed requires the folder
	}
	return body
}

// isOurs reports whether the path belongs to this package.
func isOurs(at string) bool {
	return at == "/" || strings.HasPrefix(at, "/page/") || strings.HasPrefix(at, "/embed/") || at == "/event-file.schema.json"
}

// Handler serves the page at "/", its files below "/page/", the element below "/embed/"
// and the JSON Schema of event files, and passes every other request to next. Page and
// element find the API by relative URLs.
func (p *Pages) Handler(next telemetry.Handler) telemetry.Handler {
	return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		if r.URL.Path == "/page/qr.svg" && r.Method == "GET" {
			serveCode(w, r)
			return telemetry.Outcome{}
		}
		if r.Method != "GET" && r.Method != "HEAD" || !isOurs(r.URL.Path) {
			return next(w, r)
		}
		f, known := p.find(r.URL.Path)
		if !known {
			return next(w, r)
		}
		f.serve(w, r)
		return telemetry.Outcome{}
	}
}

// find returns the file at a path. A name with another hash belongs to another version of
// the program, which may run beside this one for a while: find returns this version's file,
// but browsers must not cache it under that name. So a module can get a table of messages
// that lacks some keys, and then shows the keys.
func (p *Pages) find(at string) (file, bool) {
	files := p.files()
	f, known := files[at]
	if known || !hashed.MatchString(at) {
		return f, known
	}
	for name, f := range files {
		if name != at && hashed.MatchString(name) && unhashed(name) == unhashed(at) {
			f.cache = "no-store"
			return f, true
		}
	}
	return file{}, false
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", f.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", f.cache)
	if f.location != "" {
		h.Set("Content-Location", f.location)
	}
	if f.foreign {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	} else {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
	}
	f.Serve(w, r, f.mediaType)
}
