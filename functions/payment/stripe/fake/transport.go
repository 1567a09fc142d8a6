package fake

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// errLost is the error of a call whose answer was lost.
var errLost = errors.New("the connection was lost")

// RoundTrip answers the request without a network. If the request's context ends first,
// the call continues, as it would at Stripe; [Stripe.Wait] waits for it.
func (s *Stripe) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	call := r.Clone(ctx)
	call.Body = http.NoBody
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		call.Body = io.NopCloser(bytes.NewReader(body))
	}
	answered := make(chan *http.Response, 1)
	s.calls.Go(func() {
		w := &recorder{header: make(http.Header)}
		defer func() {
			switch lost := recover(); lost {
			case nil:
				answered <- w.response(r)
			case http.ErrAbortHandler:
				answered <- nil
			default:
				panic(lost)
			}
		}()
		s.ServeHTTP(w, call)
	})
	select {
	case response := <-answered:
		if response == nil {
			return nil, errLost
		}
		return response, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Wait waits until every call of RoundTrip has ended, including those that their
// callers gave up.
func (s *Stripe) Wait() { s.calls.Wait() }

// A recorder is the http.ResponseWriter of a call.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *recorder) response(r *http.Request) *http.Response {
	return &http.Response{
		Status:        http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.header,
		Body:          io.NopCloser(&w.body),
		ContentLength: int64(w.body.Len()),
		Request:       r,
	}
}
