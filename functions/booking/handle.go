package booking

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
)

// maxBody is the size in bytes of the largest body.
const maxBody = 64 << 10

// A call answers a request that the policy allows and whose method is right, or
// returns an error. It fills in o as it learns what the request is about, so that
// o is right even if the call fails or panics later.
type call func(w http.ResponseWriter, r *http.Request, by access.Caller, o *telemetry.Outcome) error

// post returns the call that makes a change of seats.
func (a *API) post(v *verb) call {
	return func(w http.ResponseWriter, r *http.Request, by access.Caller, o *telemetry.Outcome) error {
		// Half of a lock's garbage would be this.
		c, _ := a.changes.Get().(*change)
		if c == nil {
			c = new(change)
		}
		c.by = by
		defer a.forget(c)
		if err := decode(w, r, &c.req, v); err != nil {
			return err
		}
		err := a.resolve(r.Context(), v, c)
		if c.ev != nil {
			o.Event = c.ev.ID
		}
		if err != nil {
			return err
		}
		o.Seats, o.User = len(c.op.Seats), c.op.User
		if a.payments != nil && v.orders != nil {
			if done, err := v.orders(r.Context(), a, c); done || err != nil {
				if err == nil {
					a.write(w, &seatsAnswer{verb: v, change: c, seats: c.op.Seats, changed: len(c.op.Seats)})
				}
				return err
			}
		}
		answer, err := a.do(r.Context(), v, c)
		if err != nil {
			return err
		}
		o.Seats, o.Changed = len(answer.seats), answer.changed
		a.write(w, &answer)
		return nil
	}
}

// forget returns the change to the pool.
func (a *API) forget(c *change) {
	text := c.text[:0]
	if cap(text) > maxText {
		text = nil
	}
	*c = change{text: text}
	a.changes.Put(c)
}

// maxText is the size in bytes of the longest answer whose buffer is reused.
const maxText = 4 << 10

func (a *API) write(w http.ResponseWriter, answer *seatsAnswer) {
	w.Header()["Content-Type"] = mediaJSON
	answer.text = answer.appendJSON(answer.text)
	w.Write(answer.text) // a client that has gone needs no answer
}

// handle returns a handler that does what all calls share: it checks access and
// the method, and answers every failure, including a panic, with a problem. A route
// without a method allows all. It sets no time limit: the store has its own.
func (a *API) handle(c route) telemetry.Handler {
	allow := c.method
	if c.method == "GET" {
		allow = "GET, HEAD"
	}
	caching := a.caching
	if c.action != access.Look {
		caching = noStore // for the caller alone
	}
	return func(w http.ResponseWriter, r *http.Request) (o telemetry.Outcome) {
		o.Call = c.name
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				a.log.ErrorContext(r.Context(), "panic", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				refusal := &problem.Refusal{Kind: problem.Internal}
				refusal.Write(w)
				o.Code = string(refusal.Kind)
			}
		}()
		action := c.action
		wrong := c.method != "" && r.Method != c.method && !(c.method == "GET" && r.Method == "HEAD")
		if wrong {
			action = access.Look // the allowed methods are no secret
		}
		by, err := a.access.Check(r, action)
		if err == nil && wrong {
			w.Header().Set("Allow", allow)
			err = problem.Refuse(problem.MethodNotAllowed, "This call takes %s, not %s.", allow, venue.Shown(r.Method))
		}
		if err == nil {
			if c.method == "GET" && c.name != liveCall {
				w.Header()["Cache-Control"] = caching // a refusal replaces it
			}
			o.By = by.By()
			err = c.answer(w, r, by, &o)
			a.noteMap(o.Event, err)
		}
		if err != nil {
			refusal := a.refusal(r, err)
			refusal.Write(w)
			o.Code = string(refusal.Kind)
			if len(refusal.Seats) > 0 {
				o.Seats = len(refusal.Seats)
			}
		}
		return o
	}
}

var noStore = []string{"no-store"}

// caching returns the Cache-Control of lists. A client may keep one, but has to
// validate it before each use.
func caching(c Config) []string {
	switch {
	case c.Access.Private:
		return []string{"private, no-cache"} // a cache must not give it to somebody without a token
	case c.SharedSeconds > 0:
		return []string{"public, max-age=0, s-maxage=" + strconv.Itoa(c.SharedSeconds)}
	}
	return []string{"no-cache"}
}

// refusal returns the answer to a request that failed, and logs failures of the server.
// It limits the lines, since a failure such as an unreachable issuer comes with every
// request and would fill the disk.
func (a *API) refusal(r *http.Request, err error) *problem.Refusal {
	refusal := refusalOf(err)
	if refusal.Kind.Status() >= 500 && refusal.Kind != problem.NoRoom && !errors.Is(err, context.Canceled) {
		a.failures.Log(r.Context(), a.log, slog.LevelError, string(refusal.Kind), "request failed",
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("code", string(refusal.Kind)), slog.Any("error", err))
	}
	return refusal
}

// decode reads the body, which must be one JSON object.
func decode(w http.ResponseWriter, r *http.Request, into *seatsRequest, v *verb) error {
	if err := checkMediaType(r.Header); err != nil {
		return err
	}
	body := io.Reader(r.Body)
	if n := r.ContentLength; n < 0 || n > maxBody { // net/http reads no more than Content-Length
		body = http.MaxBytesReader(innermost(w), r.Body, maxBody)
	}
	err := json.UnmarshalRead(body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem.Refuse(problem.TooLarge, "The body is larger than %d bytes.", maxBody)
	}
	return explainJSON(err, v)
}

// innermost returns the server's own ResponseWriter: http.MaxBytesReader can close
// the connection of a client that sends too much only through that one.
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
	if h["Content-Encoding"] == nil && slices.Equal(h["Content-Type"], mediaJSON) {
		return nil // nearly every request
	}
	if enc := h.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return problem.Refuse(problem.UnsupportedMediaType, "The body must not be compressed; Content-Encoding is %s.", venue.Shown(enc))
	}
	given := h.Get("Content-Type")
	media, params, err := mime.ParseMediaType(given)
	charset := params["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return problem.Refuse(problem.UnsupportedMediaType, "The body must be JSON and the request say so with Content-Type: application/json, not %s.", venue.Shown(given))
	}
	return nil
}

// query returns the parameters of the request. It refuses unknown ones, since a
// misspelt name would otherwise have no effect, and repeated ones.
func query(r *http.Request, known ...string) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, problem.Refuse(problem.BadRequest, "The query cannot be read: it is not name=value pairs joined by &, with other characters as %%XX.")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			if len(known) == 0 {
				return nil, problem.Refuse(problem.BadRequest, "There is no parameter %s; this call takes none.", venue.Shown(name))
			}
			return nil, problem.Refuse(problem.BadRequest, "There is no parameter %s; there are %s.", venue.Shown(name), strings.Join(known, ", "))
		}
		if len(values) > 1 && name != manySeats {
			return nil, problem.Refuse(problem.BadRequest, "The parameter %s is given %d times; give it once.", name, len(values))
		}
	}
	return q, nil
}

// manySeats is the only parameter that may be repeated.
const manySeats = "seatId"

// mediaJSON is the Content-Type of every answer but a problem.
var mediaJSON = []string{"application/json"}
