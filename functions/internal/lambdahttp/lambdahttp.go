// Package lambdahttp answers what API Gateway's HTTP APIs and Lambda function
// URLs ask, events of payload format 2.0, with an [http.Handler].
//
// Requests and answers are as net/http would have them, whole: an answer is
// sent when the handler is done. The package knows no event, seat or store.
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

// margin is how much sooner than the function a handler must end, for its
// answer to get out.
const margin = 200 * time.Millisecond

// An Adapter answers events with a handler. It implements the Handler of
// [github.com/aws/aws-lambda-go/lambda] and is safe for concurrent use if the
// http.Handler is.
type Adapter struct {
	Handler http.Handler // required

	// BasePath is taken off the beginning of every path, after the stage: what
	// a custom domain maps to the API. It begins with a slash, or is empty.
	BasePath string

	// Identify, if it is not nil, gives the handler's context what the gateway
	// found out about the caller: subject is the sub claim of a JSON Web Token
	// that the gateway has checked.
	Identify func(ctx context.Context, subject string) context.Context

	Logger *slog.Logger // for panics; nil is slog.Default()
}

// Invoke answers one event. The error is of a payload that is no HTTP request
// in format 2.0, which a misconfigured gateway sends; whatever happens in the
// handler, a panic too, is an answer.
func (a *Adapter) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("lambdahttp: the event cannot be read: %w", err)
	}
	if event.Version != "2.0" {
		return nil, fmt.Errorf("lambdahttp: the event has payload format version %q; set the integration's PayloadFormatVersion to 2.0", event.Version)
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
		defer cancel()
	}
	if subject := subjectOf(&event); subject != "" && a.Identify != nil {
		ctx = a.Identify(ctx, subject)
	}
	req, err := a.request(ctx, &event)
	if err != nil {
		return json.Marshal(badRequest(err))
	}
	w := newWriter(req.Method)
	a.serve(w, req)
	return json.Marshal(w.answer())
}

// serve calls the handler. After a panic nothing that it wrote is sent: half an
// answer would look like a whole one.
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

// subjectOf is whom the gateway's own check found to call, or "".
func subjectOf(event *events.APIGatewayV2HTTPRequest) string {
	if by := event.RequestContext.Authorizer; by != nil && by.JWT != nil {
		return by.JWT.Claims["sub"]
	}
	return ""
}
