package functions_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"seatlock/functions/booking/apitest"
	"seatlock/lockstore/storetest/faults"
)

// A function is a running Lambda function: the program as it is deployed, and a Runtime
// API in place of Lambda's.
type function struct {
	*faults.Process
	t       *testing.T
	invoked chan invocation
	ready   chan struct{} // closed when it first asks for an event
	log     *faults.Log
}

// An invocation is an event and the channel for its answer.
type invocation struct {
	payload []byte
	answer  chan answered
}

type answered struct {
	path string // of the Runtime API
	body []byte
}

// backendKey is the key of the back end, and operatorKey that of its operators.
const (
	backendKey  = "of-at-least-thirty-two-characters"
	operatorKey = "of-some-other-thirty-two-characters"
)

// functionTime is the time that a function has for each event.
const functionTime = 5 * time.Second

// start starts the command with the environment. Unless it sets AUTHORIZER, the gateway
// lets keys through.
func start(t *testing.T, command []string, env ...string) *function {
	t.Helper()
	f := &function{t: t, invoked: make(chan invocation), ready: make(chan struct{}), log: new(faults.Log)}
	var first sync.Once
	var mu sync.Mutex
	waiting := make(map[string]chan answered)
	ids := 0
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		first.Do(func() { close(f.ready) })
		select {
		case <-r.Context().Done():
		case i := <-f.invoked:
			mu.Lock()
			ids++
			id := fmt.Sprintf("request-%d", ids)
			waiting[id] = i.answer
			mu.Unlock()
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(functionTime).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:seatlock")
			w.Write(i.payload)
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{what}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		answer := waiting[r.PathValue("id")]
		mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
		answer <- answered{r.PathValue("what"), body}
	})
	api := httptest.NewServer(mux)
	t.Cleanup(api.CloseClientConnections)
	given := slices.Concat([]string{"AUTH_BACKEND_KEY=" + backendKey, "OPERATOR_KEY=" + operatorKey, "AUTHORIZER=none"}, env,
		[]string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://")})
	p, err := faults.StartProcess(f.log, given, command[0], command[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	f.Process = p
	t.Cleanup(p.Kill)
	return f
}

// up waits until the function asks for its first event.
func (f *function) up() *function {
	f.t.Helper()
	select {
	case <-f.ready:
	case <-f.Ended():
		f.t.Fatalf("the function ended: %s", f.log)
	case <-time.After(30 * time.Second):
		f.t.Fatalf("the function did not ask for an event within 30 s: %s", f.log)
	}
	return f
}

// fails waits until the function has ended, and returns its log. The function
// must not ask for an event.
func (f *function) fails() string {
	f.t.Helper()
	select {
	case <-f.ready:
		f.t.Fatal("the function started, want it to end")
	case <-f.Ended():
	case <-time.After(30 * time.Second):
		f.t.Fatal("the function neither started nor ended within 30 s")
	}
	return f.log.String()
}

// invoke sends the function one payload and returns its answer.
func (f *function) invoke(payload []byte) answered {
	f.t.Helper()
	i := invocation{payload, make(chan answered, 1)}
	for _, step := range []func() (answered, bool){
		func() (answered, bool) {
			select {
			case f.invoked <- i:
				return answered{}, true
			case <-time.After(30 * time.Second):
				return answered{}, false
			}
		},
		func() (answered, bool) {
			select {
			case a := <-i.answer:
				return a, true
			case <-time.After(30 * time.Second):
				return answered{}, false
			}
		},
	} {
		a, ok := step()
		if !ok {
			f.t.Fatalf("the function did not answer within 30 s: %s", f.log)
		}
		if a.path != "" {
			return a
		}
	}
	return answered{}
}

// ask sends a request as an HTTP API would, and returns the answer.
func (f *function) ask(method, path, query, body string) events.APIGatewayV2HTTPResponse {
	f.t.Helper()
	return f.send(httpEvent(method, path, query, body))
}

// operate sends a request of an operator, and returns the answer.
func (f *function) operate(method, path, body string) events.APIGatewayV2HTTPResponse {
	f.t.Helper()
	event := httpEvent(method, path, "", body)
	event.Headers["authorization"] = "Bearer " + operatorKey
	return f.send(event)
}

// httpEvent returns the event that an HTTP API makes of a request.
func httpEvent(method, path, query, body string) events.APIGatewayV2HTTPRequest {
	var event events.APIGatewayV2HTTPRequest
	event.Version, event.RawPath, event.RawQueryString, event.Body = "2.0", path, query, body
	event.Headers = map[string]string{"authorization": "Bearer " + backendKey, "content-type": "application/json", "host": "abc123.execute-api.eu-central-1.amazonaws.com"}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.SourceIP = method, "203.0.113.7"
	event.RequestContext.Stage = "$default"
	return event
}

// send sends an event, checks the answer against openapi.yaml and returns it.
func (f *function) send(event events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	f.t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		f.t.Fatal(err)
	}
	a := f.invoke(payload)
	if a.path != "response" {
		f.t.Fatalf("the function failed: %s\n%s", a.body, f.log)
	}
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(a.body, &answer); err != nil {
		f.t.Fatal(err)
	}
	x := apitest.Exchange{
		Request: httptest.NewRequest(event.RequestContext.HTTP.Method, event.RawPath+"?"+event.RawQueryString, nil),
		Sent:    []byte(event.Body), Status: answer.StatusCode, Header: make(http.Header), Body: []byte(answer.Body),
	}
	for name, value := range event.Headers {
		x.Request.Header.Set(name, value)
	}
	for name, value := range answer.Headers {
		x.Header.Set(name, value)
	}
	x.Check(f.t)
	return answer
}

// post sends a call that changes a seat. The answer must have the status and
// contain want.
func (f *function) post(path, seat, user string, status int, want string) {
	f.t.Helper()
	got := f.ask("POST", path, "", fmt.Sprintf(`{"seatId":%q,"userId":%q}`, seat, user))
	if got.StatusCode != status || !strings.Contains(got.Body, want) {
		f.t.Fatalf("POST %s of %s by %s: %d %s, want %d with %s", path, seat, user, got.StatusCode, got.Body, status, want)
	}
}

// built builds a function as for a release, but for this machine, and returns
// its command.
func built(t *testing.T, function string, tags ...string) []string {
	t.Helper()
	program, err := faults.Build(t.Context(), []string{"CGO_ENABLED=0"}, "seatlock/functions/"+function,
		"-tags="+strings.Join(append(tags, "lambda.norpc"), ","), "-trimpath", "-ldflags=-s -w")
	if err != nil {
		t.Fatal(err)
	}
	return []string{program}
}
