package lambdahttp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

func reader(body []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(body)) }

// A writer takes down an answer as net/http's own would send it.
type writer struct {
	method  string
	header  http.Header
	status  int         // 0 until it is decided
	decided http.Header // the header as it was then
	body    bytes.Buffer
}

func newWriter(method string) *writer { return &writer{method: method, header: make(http.Header)} }

// Header returns what may be changed until the status is decided.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader decides the status, once. Interim ones are left out: there is no
// way to send them.
func (w *writer) WriteHeader(status int) {
	if w.status != 0 || status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.status, w.decided = status, w.header.Clone()
}

// Write adds to the body, unless the answer can have none.
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

// sniff says what the body looks like, if the handler did not say what it is.
func (w *writer) sniff(body []byte) {
	if _, said := w.decided["Content-Type"]; !said && w.decided.Get("Content-Encoding") == "" && len(body) > 0 {
		w.decided.Set("Content-Type", http.DetectContentType(body))
	}
}

// fail forgets what was written and answers that something went wrong.
func (w *writer) fail() {
	*w = *newWriter(w.method)
	w.problem(http.StatusInternalServerError, "Internal error", "internal", "Something went wrong here; it has been logged. Send the same request again: that is safe.")
}

// problem answers in the form in which all errors are.
func (w *writer) problem(status int, title, code, detail string) {
	text, err := json.Marshal(struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}{title, status, code, detail})
	if err != nil {
		panic(err) // four strings and a number are JSON
	}
	w.header.Set("Cache-Control", "no-store")
	w.header.Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	w.Write(append(text, '\n'))
}

func badRequest(err error) events.APIGatewayV2HTTPResponse {
	w := newWriter("")
	w.problem(http.StatusBadRequest, "Bad request", "bad_request", "The request cannot be read: "+err.Error()+".")
	return w.answer()
}

// answer is what was taken down, in the form of the payload.
func (w *writer) answer() events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	if bodyAllowed(w.status) {
		w.sniff(w.body.Bytes())
	} else { // nothing that describes a body that is not there
		w.decided.Del("Content-Length")
		w.decided.Del("Transfer-Encoding")
	}
	if w.status == http.StatusNotModified {
		w.decided.Del("Content-Type")
	}
	a := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: make(map[string]string, len(w.decided))}
	for name, values := range w.decided {
		if name == "Set-Cookie" { // commas are part of one
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

// bodyAllowed is RFC 9110, section 6.4.1.
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
