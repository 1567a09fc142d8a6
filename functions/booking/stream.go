package booking

import (
	"compress/gzip"
	"io"
	"net/http"
	"time"

	"seatlock/functions/static"
)

const (
	// streamPiece is how many bytes of a stream are sent together.
	streamPiece = 32 << 10

	// pieceTime is how long a client may take to read one piece.
	pieceTime = 10 * time.Second
)

// A stream is a long answer that is sent in pieces. Nothing is sent before the first
// piece is full, so that an early failure can still be answered with a problem. It is
// compressed if that is worthwhile and the client accepts it.
type stream struct {
	w     http.ResponseWriter
	r     *http.Request
	media []string
	name  string // of the file to download; empty if it is none
	buf   []byte
	out   io.Writer // nil before the first piece
	gzip  *gzip.Writer
}

// Write adds to the answer. It does not fail.
func (s *stream) Write(p []byte) (int, error) {
	s.buf = append(s.buf, p...)
	return len(p), nil
}

func (s *stream) begin() {
	h := s.w.Header()
	h["Content-Type"] = s.media
	if s.name != "" {
		h.Set("Content-Disposition", `attachment; filename="`+s.name+`"`)
	}
	static.Vary(h)
	s.out = s.w
	if len(s.buf) >= static.Worthwhile && static.AcceptsGzip(s.r.Header) {
		h["Content-Encoding"] = static.Gzip
		s.gzip = gzip.NewWriter(s.w)
		s.out = s.gzip
	}
}

// flushIfFull sends the buffer if it is a whole piece. It returns an error if the
// client has gone.
func (s *stream) flushIfFull() error {
	if len(s.buf) < streamPiece {
		return nil
	}
	return s.flush()
}

func (s *stream) flush() error {
	if s.out == nil {
		s.begin()
	}
	// An error means that the server sets no deadline, as in a test.
	_ = http.NewResponseController(s.w).SetWriteDeadline(time.Now().Add(pieceTime))
	_, err := s.out.Write(s.buf)
	s.buf = s.buf[:0]
	return err
}

// close sends the rest.
func (s *stream) close() error {
	if s.flush() == nil && s.gzip != nil {
		_ = s.gzip.Close() // as in flush, an error means that the client has gone
	}
	return nil
}

// fail ends an answer that cannot be completed. If part of it was sent, it closes the
// connection, so that the client does not mistake the part for the whole.
func (s *stream) fail(err error) error {
	if s.out == nil {
		return err
	}
	panic(http.ErrAbortHandler)
}

// mediaCSV is the media type of RFC 4180.
var mediaCSV = []string{"text/csv; charset=utf-8; header=present"}
