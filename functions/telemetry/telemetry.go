// Package telemetry measures requests and reports them to a log and to metrics.
//
// A [Handler] returns what only it knows about a request, [Observe] adds what can be
// measured around it, and each [Report] gets both. The package must not know what the
// calls do, nor what happens to its reports.
package telemetry

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"seatlock/lockstore"
)

// An Outcome describes one request and its result.
type Outcome struct {
	// Returned by the Handler.
	Call    string            // the name of the call, such as "lock"; Other if it is not a call, such as the page
	Code    string            // of the refusal, as in the answer; otherwise OK or NotModified
	Event   lockstore.EventID // an event that is on sale, or empty
	Seats   int               // the number of seats named; of those given back by a release; or of those in the way
	Changed int               // the number of seats that the call changed
	User    lockstore.UserID  // the user on whose behalf the request was made; personal data
	By      string            // the caller in its own name, such as an operator; empty for buyers
	Client  netip.Addr        // the client's address, if lines may have it; personal data

	// Measured.
	Status int           // 101 is a connection that was taken over; Took is then how long it was open
	Bytes  int64         // of the answer's body
	Took   time.Duration // from the header of the request to the end of the answer
	Store  StoreUse      // on behalf of this request
}

// The codes of requests that were not refused, and Other, which replaces a call or a
// code that the Handler leaves empty.
const (
	OK          = "ok"
	NotModified = "not_modified" // the client already has the answer
	Other       = "other"
)

// A Handler answers a request and returns what it knows about it: the first fields of
// an [Outcome]. It leaves Code empty unless it refused the request.
type Handler func(http.ResponseWriter, *http.Request) Outcome

// ServeHTTP answers the request and discards the Outcome.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h(w, r) }

// A Report is called once for each request, after its answer. It must not keep
// the Outcome, and must be safe for concurrent use. Its context has the request's
// id.
type Report func(ctx context.Context, o *Outcome)

// Observe returns an http.Handler that answers with next and calls the reports. The
// request's id comes from X-Request-Id or else from makeID; the answer has it in the
// same header. If next panics, the request is reported with code "internal" and call
// [Other], because there is no Outcome, and the panic continues. That is so for
// http.ErrAbortHandler, which the calls of the API do not recover from.
func Observe(next Handler, makeID func(context.Context) string, reports ...Report) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := idOf(r.Header)
		if id == "" {
			id = makeID(r.Context())
		}
		seen := &request{Context: r.Context(), ResponseWriter: w, id: [1]string{id}}
		w.Header()[idHeader] = seen.id[:]
		returned := false
		defer func() {
			if !returned { // next panicked, and the panic continues
				seen.Status, seen.Code = http.StatusInternalServerError, "internal"
			}
			seen.close(time.Since(began))
			for _, report := range reports {
				report(seen, &seen.Outcome)
			}
		}()
		o := next(seen, r.WithContext(seen))
		o.Status, o.Bytes = seen.Status, seen.Bytes
		seen.Outcome = o
		returned = true
	})
}

type requestKey struct{}

// A request is a request under observation. It is its own context and ResponseWriter,
// so that one allocation is enough.
type request struct {
	context.Context
	http.ResponseWriter
	Outcome
	id [1]string // in the form of a header's values

	mu    sync.Mutex // store calls may come from other goroutines, and after the answer
	store StoreUse
}

// Value returns the request itself for its key.
func (r *request) Value(key any) any {
	if key == (requestKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// WriteHeader records the status.
func (r *request) WriteHeader(status int) {
	if r.Status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.Status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (r *request) Write(p []byte) (int, error) {
	n, err := r.ResponseWriter.Write(p)
	r.Bytes += int64(n)
	return n, err
}

// ReadFrom lets the server's writer choose how it writes what src has, and counts the
// bytes.
func (r *request) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(r.ResponseWriter, src)
	r.Bytes += n
	return n, err
}

// Unwrap lets [http.ResponseController] find the methods of the server's writer.
func (r *request) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// close fills in the measurements and what the handler left empty.
func (r *request) close(took time.Duration) {
	r.mu.Lock()
	r.Took, r.Store = took, r.store
	r.mu.Unlock()
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	r.Call = cmp.Or(r.Call, Other)
	if r.Code != "" {
		return
	}
	switch {
	case r.Status < 300:
		r.Code = OK
	case r.Status == http.StatusNotModified:
		r.Code = NotModified
	default:
		r.Code = Other
	}
}
