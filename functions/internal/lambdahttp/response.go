package lambdahttp

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"seatlock/functions/problem"
)

func reader(body []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(body)) }

// A writer records an answer as net/http would send it.
type writer struct {
	method  string
	header  http.Header
	status  int         // 0 until WriteHeader
	decided http.Header // the header as of WriteHeader
	body    bytes.Buffer
}

func newWriter(method string) *writer { return &writer{method: method, header: make(http.Header)} }

// Header returns the header, which may be changed until WriteHeader.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader sets the status, once. It ignores interim statuses, which cannot be sent.
func (w *writer) WriteHeader(status int) {
	if w.status != 0 || status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.status, w.decided = status, w.header.Clone()
}

// Write appends to the body, unless the answer cannot have one.
func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if w.method == http.MethodHead {
		w.sniff(p)
		return len(p), nil
	}
	return w.body.Write(p)
}

// Flush does nothing: answers are sent whole.
func (w *writer) Flush() { w.WriteHeader(http.StatusOK) }

// sniff sets the media type from the body if the handler has not set one.
func (w *writer) sniff(body []byte) {
	if _, said := w.decided["Content-Type"]; !said && w.decided.Get("Content-Encoding") == "" && len(body) > 0 {
		w.decided.Set("Content-Type", http.DetectContentType(body))
	}
}

// fail discards what was written and writes an internal error.
func (w *writer) fail() {
	*w = *newWriter(w.method)
	(&problem.Refusal{Kind: problem.Internal}).Write(w)
}

func badRequest(err error) events.APIGatewayV2HTTPResponse {
	w := newWriter("")
	problem.Refuse(problem.BadRequest, "The request cannot be read: %v.", err).Write(w)
	return w.answer()
}

// answer returns the recorded answer as a payload.
func (w *writer) answer() events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	if bodyAllowed(w.status) {
		w.sniff(w.body.Bytes())
	} else { // a missing body must not be described by headers
		w.decided.Del("Content-Length")
		w.decided.Del("Transfer-Encoding")
	}
	if w.status == http.StatusNotModified {
		w.decided.Del("Content-Type")
	}
	a := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: make(map[string]string, len(w.decided))}
	for name, values := range w.decided {
		if name == "Set-Cookie" { // a cookie may contain commas, so cookies cannot be joined
			a.Cookies = values
			continue
		}
		a.Headers[name] = strings.Join(values, ", ")
	}
	if w.decided.Get("Content-Encoding") != "" || !utf8.Valid(w.body.Bytes()) {
		a.Body, a.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	} else {
		a.Body = w.body.String()
	}
	return a
}

// bodyAllowed reports whether an answer may have a body (RFC 9110, section 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
