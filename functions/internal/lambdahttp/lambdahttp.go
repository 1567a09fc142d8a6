// Package lambdahttp answers events of API Gateway's HTTP APIs and of Lambda
// function URLs, in payload format 2.0, with an [http.Handler].
//
// Requests and answers are those of net/http, except that an answer is sent only when
// the handler has returned. The package must not know events on sale, seats or stores.
package lambdahttp

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// margin is the time left to send the answer after the handler's context ends.
const margin = 200 * time.Millisecond

// An Adapter answers events with a handler. It implements the Handler of
// [github.com/aws/aws-lambda-go/lambda]. It is safe for concurrent use if its
// http.Handler is.
type Adapter struct {
	Handler http.Handler // required

	// BasePath is the path that a custom domain maps to the API. It begins with a
	// slash or is empty. It is removed from the beginning of every path, after the
	// stage.
	BasePath string

	// Identify, if not nil, returns a context with the caller. claims are those of a
	// JSON Web Token that the gateway has verified, as text; authorization is the header
	// with the token itself.
	Identify func(ctx context.Context, authorization string, claims map[string]string) context.Context

	Logger *slog.Logger // for panics; nil is slog.Default()
}

// Invoke answers one event. It returns an error if the payload is not an HTTP
// request in format 2.0, as from a misconfigured gateway. If the handler panics,
// Invoke logs the panic and answers with status 500.
func (a *Adapter) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("lambdahttp: cannot read the event: %w", err)
	}
	if event.Version != "2.0" {
		return nil, fmt.Errorf("lambdahttp: the event has payload format version %q; set the integration's PayloadFormatVersion to 2.0", event.Version)
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
		defer cancel()
	}
	if by := event.RequestContext.Authorizer; by != nil && by.JWT != nil && a.Identify != nil {
		ctx = a.Identify(ctx, header(&event, "Authorization"), by.JWT.Claims)
	}
	req, err := a.request(ctx, &event)
	if err != nil {
		return json.Marshal(badRequest(err))
	}
	w := newWriter(req.Method)
	a.serve(w, req)
	return json.Marshal(w.answer())
}

// serve calls the handler. After a panic it discards what the handler wrote, since a
// part of an answer could be mistaken for all of it.
func (a *Adapter) serve(w *writer, r *http.Request) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		log := a.Logger
		if log == nil {
			log = slog.Default()
		}
		id := ""
		if lc, ok := lambdacontext.FromContext(r.Context()); ok {
			id = lc.AwsRequestID
		}
		log.ErrorContext(r.Context(), "panic", "method", r.Method, "path", r.URL.Path, "requestId", id, "panic", p, "stack", string(debug.Stack()))
		w.fail()
	}()
	a.Handler.ServeHTTP(w, r)
}
