// Package static answers requests with content that stays the same while the
// program runs, and has what other answers need to be compressed or validated.
package static

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// Content is an answer that stays the same. Contents may share pieces. It is safe
// for concurrent use.
type Content struct {
	pieces [][]byte
	plain  header
	short  bool // too short to be compressed

	once           sync.Once // compresses the content for the first client that accepts it
	compressed     []byte
	compressedHead header
}

// A header has the headers that differ between contents, in the form of a header's
// values.
type header struct{ etag, length []string }

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
		pieces:         pieces,
		short:          length < Worthwhile,
		plain:          header{[]string{`"` + tag + `"`}, []string{strconv.Itoa(length)}},
		compressedHead: header{etag: []string{`"` + tag + `-gzip"`}},
	}
}

// Serve answers with the content, or with 304 if the client has it already. The
// media type is in the form of a header's values.
func (c *Content) Serve(w http.ResponseWriter, r *http.Request, mediaType []string) {
	h := w.Header()
	Vary(h)
	h["Cache-Control"] = noCache
	compress := !c.short && AcceptsGzip(r.Header)
	head := &c.plain
	if compress {
		head = &c.compressedHead
	}
	h["Etag"] = head.etag
	if Matches(r.Header, c.plain.etag[0]) || Matches(r.Header, c.compressedHead.etag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = mediaType
	pieces := c.pieces
	if compress {
		c.once.Do(c.compress)
		h["Content-Encoding"] = Gzip
		pieces = [][]byte{c.compressed}
	}
	h["Content-Length"] = head.length
	if r.Method != "HEAD" {
		for _, piece := range pieces {
			w.Write(piece) // a client that has gone needs no answer
		}
	}
}

func (c *Content) compress() {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	for _, piece := range c.pieces {
		w.Write(piece) // cannot fail in a buffer
	}
	w.Close()
	c.compressed = bytes.Clone(b.Bytes())
	c.compressedHead.length = []string{strconv.Itoa(len(c.compressed))}
}

// noCache lets a client keep the content. It has to be validated each time, since
// a program that is started again may have another.
var noCache = []string{"no-cache"}
