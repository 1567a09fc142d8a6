package web

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"rsc.io/qr"
)

// reference matches the texts that are drawn as QR codes.
var reference = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// serveCode answers GET /page/qr.svg?text=… with a QR code of a booking's reference.
func serveCode(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("text")
	if !reference.MatchString(text) {
		http.Error(w, "The text must be a reference: 1 to 64 letters, digits, underscores, dots and hyphens.", http.StatusBadRequest)
		return
	}
	picture, err := drawCode(text)
	if err != nil {
		http.Error(w, "The code cannot be drawn.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", untilChanged)
	fmt.Fprint(w, picture) // a client that has gone needs no picture
}

// drawCode returns a QR code as an SVG picture, with the margin that readers need. A sixth
// of it may be illegible.
func drawCode(text string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", err
	}
	const margin = 4
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1H%dz", from+margin, y+margin, x-from, from+margin)
			}
		}
	}
	side := code.Size + 2*margin
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path d="%[2]s"/></svg>`, side, &path), nil
}
