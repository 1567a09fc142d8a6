// Package apitest compares requests and answers with the description of the API,
// openapi.yaml. It needs only a request and its answer, and must not know how the
// answer was made or whether it crossed a network.
package apitest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/responses"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// largest is the size in bytes of the largest body that is checked. The seats in a
// longer one, such as a list of 50,000 seats with 2 MB, have the same form.
const largest = 256 << 10

// undescribed are headers that answers need not describe: those of HTTP itself, those
// for browsers, which the description explains in words, and those that OpenAPI
// describes elsewhere.
var undescribed = []string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type", "Date", "Referrer-Policy", "Vary", "X-Content-Type-Options"}

// Checked returns a handler that answers with next, and checks every answer with
// [Exchange.Check].
func Checked(t testing.TB, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Helper()
		var sent bytes.Buffer
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &sent), r.Body}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		Exchange{r, sent.Bytes(), rec.Code, rec.Header(), rec.Body.Bytes()}.Check(t)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes()) // cannot fail in a recorder
	})
}

// An Exchange is a request and its answer. The request's body has been read and
// is in Sent.
type Exchange struct {
	Request *http.Request
	Sent    []byte
	Status  int
	Header  http.Header
	Body    []byte
}

// Check reports an error unless the description has the answer for the request:
// its status, every header, its media type and every field. A request that was
// granted must be valid too.
func (x Exchange) Check(t testing.TB) {
	t.Helper()
	x.report(t, x.check(description()))
}

// CheckAnswer is [Exchange.Check] without the validity of the request. Some
// requests are granted although they are not valid by the description, such as one
// with a field that is null.
func (x Exchange) CheckAnswer(t testing.TB) {
	t.Helper()
	x.report(t, x.checkAnswer(description()))
}

func (x Exchange) report(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("openapi.yaml does not describe the answer to %s %s: %d %v\n%.2000s\n%v", x.Request.Method, x.Request.URL.Path, x.Status, x.Header, x.Body, err)
	}
}

func (x Exchange) check(d *document) error {
	if err := x.checkAnswer(d); err != nil {
		return err
	}
	if x.Status >= 400 {
		return nil
	}
	if _, errs := d.validator.ValidateHttpRequestSync(x.request()); len(errs) > 0 {
		return fmt.Errorf("the request was granted and is not valid: %w", explained(errs))
	}
	return nil
}

func (x Exchange) checkAnswer(d *document) error {
	if x.Request.Method == "HEAD" {
		x.Body = nil // net/http sends none, even if the handler wrote one
	}
	plain, err := decompressed(x.Body, x.Header.Get("Content-Encoding"))
	if err != nil {
		return fmt.Errorf("the body is not what Content-Encoding says: %w", err)
	}
	x.Body = plain
	item := d.item(x.Request.URL.Path)
	if item != nil && item.Extensions.GetOrZero("x-runner-only") != nil && bytes.Contains(x.Body, []byte(`"not_found"`)) {
		item = nil // answered by a handler without the runner
	}
	var op *v3.Operation
	if item != nil {
		op = item.GetOperations().GetOrZero(strings.ToLower(x.Request.Method))
	}
	if op == nil || x.Status == http.StatusMisdirectedRequest || x.Request.Method != strings.ToUpper(x.Request.Method) {
		return x.checkElsewhere(d, item)
	}
	response := op.Responses.Codes.GetOrZero(fmt.Sprint(x.Status))
	if response == nil {
		return fmt.Errorf("the status %d is not described", x.Status)
	}
	if err := x.checkHeader(response); err != nil {
		return err
	}
	if response.Content == nil && len(x.Body) > 0 {
		return fmt.Errorf("the answer has a body, and none is described")
	}
	if len(x.Body) <= largest {
		if _, errs := d.validator.ValidateHttpResponse(x.request(), x.response()); len(errs) > 0 {
			return explained(errs)
		}
	}
	return nil
}

// decompressed returns the body without compression. An answer to HEAD has no body.
func decompressed(body []byte, encoding string) ([]byte, error) {
	if len(body) == 0 {
		return body, nil
	}
	switch encoding {
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case "zstd":
		r, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	return body, nil
}

// elsewhere names the answers to requests whose path, method or host is not described,
// by status. A path may name another answer to other methods in x-other-methods.
var elsewhere = map[int]string{401: "Unauthenticated", 404: "NotFound", 405: "MethodNotAllowed", 421: "WrongHost", 429: "RateLimited", 503: "SignInUnavailable"}

func (x Exchange) checkElsewhere(d *document, item *v3.PathItem) error {
	if item == nil && x.Status == 405 || item != nil && x.Status == 404 {
		return fmt.Errorf("the status does not fit the path")
	}
	name := elsewhere[x.Status]
	if x.Status == http.StatusMethodNotAllowed {
		if other := item.Extensions.GetOrZero("x-other-methods"); other != nil {
			name = other.Value
		}
	}
	response := d.model.Components.Responses.GetOrZero(name)
	if response == nil {
		return fmt.Errorf("the call is not described, and the status is %d", x.Status)
	}
	if err := x.checkHeader(response); err != nil {
		return err
	}
	if _, errs := responses.ValidateResponseHeaders(x.request(), x.response(), response.Headers, x.Request.URL.Path, fmt.Sprint(x.Status), d.options()); len(errs) > 0 {
		return explained(errs)
	}
	if x.Request.Method == "HEAD" {
		return nil
	}
	media := response.Content.GetOrZero(x.Header.Get("Content-Type"))
	if media == nil {
		return fmt.Errorf("the Content-Type %q is not described", x.Header.Get("Content-Type"))
	}
	_, errs := responses.ValidateResponseSchema(&responses.ValidateResponseSchemaInput{
		Request: x.request(), Response: x.response(), Schema: media.Schema.Schema(), Version: 3.1, Options: d.optionList(),
	})
	return explained(errs)
}

// checkHeader returns an error if a header is not described.
func (x Exchange) checkHeader(response *v3.Response) error {
	for name := range x.Header {
		if slices.Contains(undescribed, name) {
			continue
		}
		described := false
		for have := range response.Headers.KeysFromOldest() {
			described = described || http.CanonicalHeaderKey(have) == name
		}
		if !described {
			return fmt.Errorf("the header %s is not described", name)
		}
	}
	return nil
}

// request returns the request as it was sent.
func (x Exchange) request() *http.Request {
	r := x.Request.Clone(x.Request.Context())
	r.Body = io.NopCloser(bytes.NewReader(x.Sent))
	if len(x.Sent) == 0 {
		r.Body = http.NoBody
	}
	return r
}

func (x Exchange) response() *http.Response {
	body := io.NopCloser(bytes.NewReader(x.Body))
	if len(x.Body) == 0 {
		body = http.NoBody
	}
	return &http.Response{StatusCode: x.Status, Header: x.Header, Body: body, Request: x.Request}
}

// explained joins errors into one, or returns nil if there are none.
func explained(list []*errors.ValidationError) error {
	if len(list) == 0 {
		return nil
	}
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "%s: %s\n", e.Message, e.Reason)
		for _, s := range e.SchemaValidationErrors {
			fmt.Fprintf(&b, "  %s %s (%s)\n", s.FieldPath, s.Reason, s.KeywordLocation)
		}
	}
	return fmt.Errorf("%s", b.String())
}
