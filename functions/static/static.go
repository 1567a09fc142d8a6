// Package static answers requests with content that does not change while the program
// runs. It also has functions that other answers need for compression and validation.
package static

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
)

// Content is an answer that does not change. It is compressed when a client first
// accepts that. Contents may share pieces. Content is safe for concurrent use.
type Content struct {
	plain variant
	zstd  variant
	gzip  variant
	short bool // too short to be compressed
}

// New returns content that consists of the pieces. The caller must not change
// them.
func New(pieces ...[]byte) *Content {
	length := 0
	sum := sha256.New()
	for _, piece := range pieces {
		length += len(piece)
		sum.Write(piece)
	}
	tag := hex.EncodeToString(sum.Sum(nil)[:12])
	return &Content{
		plain: variant{pieces: pieces, etag: []string{`"` + tag + `"`}, length: []string{strconv.Itoa(length)}},
		zstd:  variant{encoding: []string{"zstd"}, etag: []string{`"` + tag + `-zstd"`}},
		gzip:  variant{encoding: Gzip, etag: []string{`"` + tag + `-gzip"`}, compress: gzipped},
		short: length < Worthwhile,
	}
}

// WithZstd makes c use zstd for clients that accept it, and returns c. The function
// compresses in that format; nil changes nothing. It must be called before Serve. The
// choice is the program's, because a zstd library is as large as all that a Lambda
// function may still add to its package.
func (c *Content) WithZstd(compress func([]byte) []byte) *Content {
	c.zstd.compress = compress
	return c
}

// Serve answers with the content, or with 304 if the client has it already. The media
// type is in the form of a header's values. A Cache-Control that is already set is
// kept.
func (c *Content) Serve(w http.ResponseWriter, r *http.Request, mediaType []string) {
	v := c.variant(r.Header)
	h := w.Header()
	Vary(h)
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = noCache
	}
	h["Etag"] = v.etag
	for _, have := range []*variant{&c.plain, &c.zstd, &c.gzip} {
		if Matches(r.Header, have.etag[0]) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	v.make(c.plain.pieces)
	h["Content-Type"] = mediaType
	h["Content-Length"] = v.length
	if v.encoding != nil {
		h["Content-Encoding"] = v.encoding
	}
	if r.Method != "HEAD" {
		for _, piece := range v.pieces {
			w.Write(piece) // a client that has gone needs no answer
		}
	}
}

// noCache lets a client keep the content, but it must validate it each time, since a
// restarted program may have other content.
var noCache = []string{"no-cache"}
