// Package web serves the seat map page, on which people see an event and lock
// seats. The page is embedded and needs no build step. The package knows nothing
// about seats: the page calls the API as any other client does. It also serves the
// schema of event files.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"

	"seatlock/functions/static"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
)

//go:embed page
var files embed.FS

// policy lets the page load its own files and call its own server. It forbids inline
// scripts and styles, other hosts, and frames around the page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mediaTypes makes the types independent of the machine's table.
var mediaTypes = map[string][]string{
	".html": {"text/html; charset=utf-8"},
	".css":  {"text/css; charset=utf-8"},
	".js":   {"text/javascript; charset=utf-8"},
	".svg":  {"image/svg+xml"},
}

// An asset is a file of the page.
type asset struct {
	*static.Content
	mediaType []string
}

// Handler serves the page at "/", its files below "/page/", and the JSON Schema of
// event files, and leaves every other request to next. The page finds the API by
// relative URLs.
func Handler(next telemetry.Handler) telemetry.Handler {
	assets := load()
	return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		a, known := assets[r.URL.Path]
		if !known || r.Method != "GET" && r.Method != "HEAD" {
			return next(w, r)
		}
		a.serve(w, r)
		return telemetry.Outcome{}
	}
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	a.Serve(w, r, a.mediaType)
}

// load reads the embedded files, which cannot fail.
func load() map[string]asset {
	assets := map[string]asset{"/event-file.schema.json": {static.New(venue.Schema()), []string{"application/schema+json"}}}
	fs.WalkDir(files, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		a := asset{static.New(body), mediaTypes[path.Ext(name)]}
		if name == "page/index.html" {
			assets["/"] = a
			return nil
		}
		assets["/"+name] = a
		return nil
	})
	return assets
}
