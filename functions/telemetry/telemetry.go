// Package telemetry sees requests from outside. It gives each an id, measures it,
// and reports what came of it to whoever logs or counts that. What a request is
// about is known to those who answer it alone, and they note it ([Of]). The
// package must not know what the calls do, nor what becomes of its reports.
package telemetry

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"

	"seatlock/lockstore"
)

// An Outcome is what came of one request.
type Outcome struct {
	// What whoever answers it notes.
	Call  string            // which call it is, such as "lock"; Other if it is none, such as the page
	Code  string            // why it was refused, as in the answer; else OK or NotModified
	Event lockstore.EventID // an event that is on sale, or empty
	Seats int               // how many seats it names, or how many of them stood in the way
	User  lockstore.UserID  // whoever it says it is from; nobody's business unless asked for

	// What is measured.
	Status int           // 101 is a connection that was taken over, and Took how long it was open
	Bytes  int64         // of the answer's body
	Took   time.Duration // from the header of the request to the end of the answer
	Store  StoreUse      // what the store was asked for it
}

// The codes of requests that were not refused, and Other, which is the call and
// the code of what nobody noted.
const (
	OK          = "ok"
	NotModified = "not_modified" // the client has what it asks for
	Other       = "other"
)

// A Report is told of each request once it is answered. It must not keep the
// Outcome, and is called by many at once.
type Report func(ctx context.Context, o *Outcome)

// Handler returns next, watched. A request brings its id in X-Request-Id, or
// gets one from makeID; the answer has it in the same header.
func Handler(next http.Handler, makeID func(context.Context) string, reports ...Report) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := idOf(r.Header)
		if id == "" {
			id = makeID(r.Context())
		}
		seen := &request{Context: r.Context(), ResponseWriter: w, id: [1]string{id}}
		w.Header()[idHeader] = seen.id[:]
		ended := false
		defer func() {
			if !ended { // by a panic, which goes on to whoever answers it
				seen.Status, seen.Code = http.StatusInternalServerError, "internal"
			}
			seen.close(time.Since(began))
			for _, report := range reports {
				report(seen, &seen.Outcome)
			}
		}()
		next.ServeHTTP(seen, r.WithContext(seen))
		ended = true
	})
}

// Of returns where to note what is known of the request that has the context.
// If it is not watched that is nowhere, and not nil.
func Of(ctx context.Context) *Outcome {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return &r.Outcome
	}
	return new(Outcome)
}

type requestKey struct{}

// A request is watched. It is its own context and answer, and so costs one
// allocation.
type request struct {
	context.Context
	http.ResponseWriter
	Outcome
	id [1]string // as a header has it

	mu    sync.Mutex // others may ask the store on its behalf, and go on when it has ended
	store StoreUse
}

// Value returns the request itself for its key.
func (r *request) Value(key any) any {
	if key == (requestKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// WriteHeader takes the status down.
func (r *request) WriteHeader(status int) {
	if r.Status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.Status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (r *request) Write(p []byte) (int, error) {
	n, err := r.ResponseWriter.Write(p)
	r.Bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] find what the answer can do.
func (r *request) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// close fills in what nobody noted.
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
