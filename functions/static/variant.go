package static

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// A variant is content in one encoding. Headers are in the form of a header's
// values.
type variant struct {
	encoding []string // nil if the content is not compressed
	etag     []string // strong, so each variant has its own
	compress func([]byte) []byte

	once   sync.Once
	pieces [][]byte
	length []string
}

// variant returns the smallest variant that a client accepts.
func (c *Content) variant(h http.Header) *variant {
	switch {
	case c.short:
		return &c.plain
	case c.zstd.compress != nil && accepts(h, "zstd"):
		return &c.zstd
	case AcceptsGzip(h):
		return &c.gzip
	}
	return &c.plain
}

// make compresses the content once, unless the variant is uncompressed.
func (v *variant) make(content [][]byte) {
	if v.encoding == nil {
		return
	}
	v.once.Do(func() {
		body := v.compress(bytes.Join(content, nil))
		v.pieces = [][]byte{body}
		v.length = []string{strconv.Itoa(len(body))}
	})
}

// atLeisure is the length of content up to which gzip uses its best level, which takes
// a few milliseconds, once, and saves a twentieth. All files of the page are shorter.
const atLeisure = 256 << 10

// gzipped returns the content compressed with gzip.
func gzipped(content []byte) []byte {
	level := gzip.DefaultCompression
	if len(content) <= atLeisure {
		level = gzip.BestCompression
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		panic(err) // both levels are valid
	}
	w.Write(content) // writing to a buffer cannot fail
	w.Close()
	return bytes.Clone(b.Bytes())
}
