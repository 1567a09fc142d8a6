package booking

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"seatlock/functions/telemetry"
)

// maxBody is the most bytes that a request may have.
const maxBody = 64 << 10

// post adapts a call that changes seats: decode, call, encode.
func (a *API) post(name string, call func(context.Context, seatsRequest) (*seatsAnswer, error)) http.Handler {
	return a.handle(name, "POST", func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		var req seatsRequest
		if err := decode(w, r, &req); err != nil {
			return err
		}
		answer, err := call(ctx, req)
		if err != nil {
			return err
		}
		w.Header()["Content-Type"] = mediaJSON
		w.Write(answer.appendJSON(make([]byte, 0, 512))) // a client that has gone needs no answer
		return nil
	})
}

// get adapts a call that only reads.
func (a *API) get(name string, call func(context.Context, http.ResponseWriter, *http.Request) error) http.Handler {
	return a.handle(name, "GET", call)
}

// handle is what all calls share: the method, and that every failure, a panic
// too, is answered as a problem. Time is the store's to bound.
func (a *API) handle(name, method string, call func(context.Context, http.ResponseWriter, *http.Request) error) http.Handler {
	allow := method
	if method == "GET" {
		allow = "GET, HEAD"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		telemetry.Of(r.Context()).Call = name
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				a.log.ErrorContext(r.Context(), "panic", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				a.fail(w, r, errInternal)
			}
		}()
		if r.Method != method && !(method == "GET" && r.Method == "HEAD") {
			w.Header().Set("Allow", allow)
			a.fail(w, r, refuse(errMethodNotAllowed, "This call takes %s, not %s.", allow, shown(r.Method)))
			return
		}
		if err := call(r.Context(), w, r); err != nil {
			a.fail(w, r, err)
		}
	})
}

// decode reads the one JSON object that is the body.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	if err := checkMediaType(r.Header); err != nil {
		return err
	}
	err := json.UnmarshalRead(http.MaxBytesReader(innermost(w), r.Body, maxBody), into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refuse(errTooLarge, "The body is larger than %d bytes.", maxBody)
	}
	return refuse(errBadRequest, "%s", explainJSON(err))
}

// innermost is the server's own part of w: it alone closes the connection of
// whoever sends too much.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

func checkMediaType(h http.Header) error {
	if enc := h.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return refuse(errUnsupportedMediaType, "The body must not be compressed; Content-Encoding is %s.", shown(enc))
	}
	given := h.Get("Content-Type")
	if given == "application/json" {
		return nil
	}
	media, params, err := mime.ParseMediaType(given)
	charset := params["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return refuse(errUnsupportedMediaType, "The body must be JSON and the request say so with Content-Type: application/json, not %s.", shown(given))
	}
	return nil
}

// query returns the parameters of the request, each at most once and none
// but the known ones: a misspelt name would otherwise pass for a default.
func query(r *http.Request, known ...string) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(errBadRequest, "The query cannot be read: it is not name=value pairs joined by &, with other characters as %%XX.")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			if len(known) == 0 {
				return nil, refuse(errBadRequest, "There is no parameter %s; this call takes none.", shown(name))
			}
			return nil, refuse(errBadRequest, "There is no parameter %s; there are %s.", shown(name), strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, refuse(errBadRequest, "The parameter %s is there %d times; give it once.", name, len(values))
		}
	}
	return q, nil
}

// mediaJSON is the Content-Type of every answer but a problem.
var mediaJSON = []string{"application/json"}
