package static

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A variant is content in one encoding. Headers are in the form of a header's
// values.
type variant struct {
	encoding []string // nil if the content is as it is
	etag     []string // a strong one is of the bytes, so that variants differ

	once   sync.Once
	pieces [][]byte
	length []string
}

// variant returns the smallest variant that a client accepts.
func (c *Content) variant(h http.Header) *variant {
	switch {
	case c.short:
		return &c.plain
	case accepts(h, "zstd"):
		return &c.zstd
	case AcceptsGzip(h):
		return &c.gzip
	}
	return &c.plain
}

// make compresses the content once, unless the variant is the content as it is.
func (v *variant) make(content [][]byte) {
	if v.encoding == nil {
		return
	}
	v.once.Do(func() {
		var b bytes.Buffer
		w := v.writer(&b)
		for _, piece := range content {
			w.Write(piece) // cannot fail in a buffer
		}
		w.Close()
		v.pieces = [][]byte{bytes.Clone(b.Bytes())}
		v.length = []string{strconv.Itoa(b.Len())}
	})
}

func (v *variant) writer(b *bytes.Buffer) io.WriteCloser {
	if v.encoding[0] == Gzip[0] {
		return gzip.NewWriter(b)
	}
	w, err := zstd.NewWriter(b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err) // the options are not valid
	}
	return w
}
