package booking

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
)

// A constant is an answer that stays the same while the program runs. Constants
// may share pieces.
type constant struct {
	pieces [][]byte
	length int
	etag   string
}

func newConstant(pieces ...[]byte) constant {
	c := constant{pieces: pieces}
	sum := sha256.New()
	for _, piece := range pieces {
		c.length += len(piece)
		sum.Write(piece)
	}
	c.etag = `"` + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`
	return c
}

// serve answers with the constant, or with 304 if the client has it already.
func (c constant) serve(w http.ResponseWriter, r *http.Request, mediaType []string) {
	h := w.Header()
	h.Set("ETag", c.etag)
	h.Set("Cache-Control", "no-cache") // it may be kept, but a restarted program may have another
	if matches(r.Header.Get("If-None-Match"), c.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = mediaType
	h.Set("Content-Length", strconv.Itoa(c.length))
	if r.Method != "HEAD" {
		for _, piece := range c.pieces {
			w.Write(piece) // a client that has gone needs no answer
		}
	}
}
