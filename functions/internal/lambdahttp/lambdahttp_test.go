package lambdahttp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"seatlock/functions/internal/lambdahttp"
)

type (
	request  = events.APIGatewayV2HTTPRequest
	response = events.APIGatewayV2HTTPResponse
)

// captured returns an event from the documentation of AWS.
func captured(t *testing.T, name string) request {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var event request
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

// invoke returns the answer to the event.
func invoke(t *testing.T, a *lambdahttp.Adapter, event request) response {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	text, err := a.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var got response
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// seen returns the request that the handler gets for the event, and its body.
func seen(t *testing.T, event request, change func(*lambdahttp.Adapter)) (*http.Request, string) {
	t.Helper()
	var got *http.Request
	var body []byte
	a := &lambdahttp.Adapter{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
	})}
	if change != nil {
		change(a)
	}
	if answer := invoke(t, a, event); got == nil {
		t.Fatalf("the handler was not called: %+v", answer)
	}
	return got, string(body)
}

func TestRequestOfAnHTTPAPI(t *testing.T) {
	r, body := seen(t, captured(t, "http-api.json"), nil)
	if r.Method != "POST" || r.URL.Path != "/lock" || r.URL.RawQuery != "a=1&b=2%20c" || r.RequestURI != "/lock?a=1&b=2%20c" {
		t.Errorf("the request is %s %s (path %q, query %q)", r.Method, r.RequestURI, r.URL.Path, r.URL.RawQuery)
	}
	if r.Host != "abc123.execute-api.eu-central-1.amazonaws.com" || r.Header.Get("Host") != "" {
		t.Errorf("the host is %q, and the header Host is %q, want none", r.Host, r.Header.Get("Host"))
	}
	if r.RemoteAddr != "203.0.113.7:0" {
		t.Errorf("the remote address is %s, want 203.0.113.7:0", r.RemoteAddr)
	}
	if want := `{"seatId":"A1","userId":"user123"}`; body != want || r.ContentLength != int64(len(want)) {
		t.Errorf("the body is %q with ContentLength %d, want %q", body, r.ContentLength, want)
	}
	if got := r.Header.Values("If-None-Match"); len(got) != 1 || got[0] != `"a,b", "c"` {
		t.Errorf("a joined header is %q, want it as one value", got)
	}
	if c, err := r.Cookie("theme"); err != nil || c.Value != "dark" || r.Header.Get("Cookie") != "session=1; theme=dark" {
		t.Errorf("the cookies are %q, %v, want session=1; theme=dark", r.Header.Get("Cookie"), err)
	}
}

func TestRequestOfAFunctionURL(t *testing.T) {
	r, body := seen(t, captured(t, "function-url.json"), nil)
	if r.URL.Path != "/seats/ä b" || r.URL.EscapedPath() != "/seats/%C3%A4%20b" || body != "\x00\xff" || r.ContentLength != 2 {
		t.Errorf("the path is %q (escaped %q) and the body %q with ContentLength %d", r.URL.Path, r.URL.EscapedPath(), body, r.ContentLength)
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ stage, base, raw, want string }{
		{"$default", "", "/lock", "/lock"},
		{"prod", "", "/prod/lock", "/lock"},
		{"prod", "", "/prod", "/"},
		{"prod", "", "/production/lock", "/production/lock"},
		{"prod", "", "/lock", "/lock"}, // a custom domain omits the stage
		{"$default", "/tickets", "/tickets/lock", "/lock"},
		{"prod", "/tickets", "/prod/tickets/lock", "/lock"},
		{"$default", "", "/100%", "/100%"},
		{"$default", "", "/a?x=1", "/a?x=1"}, // decoded: the question mark is part of the path
		{"$default", "", "", "/"},
	} {
		event := captured(t, "http-api.json")
		event.RawPath, event.RequestContext.Stage = c.raw, c.stage
		r, _ := seen(t, event, func(a *lambdahttp.Adapter) { a.BasePath = c.base })
		if r.URL.Path != c.want || r.URL.RawQuery != event.RawQueryString {
			t.Errorf("%q on stage %s below %q: the path is %q and the query %q, want %q", c.raw, c.stage, c.base, r.URL.Path, r.URL.RawQuery, c.want)
		}
	}
}

func TestBadBase64(t *testing.T) {
	event := captured(t, "http-api.json")
	event.IsBase64Encoded, event.Body = true, "###"
	a := &lambdahttp.Adapter{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })}
	got := invoke(t, a, event)
	if got.StatusCode != 400 || got.Headers["Content-Type"] != "application/problem+json" || !strings.Contains(got.Body, `"code":"bad_request"`) {
		t.Errorf("%+v, want a problem of status 400", got)
	}
}

func TestOtherPayloads(t *testing.T) {
	a := &lambdahttp.Adapter{Handler: http.NotFoundHandler()}
	for _, payload := range []string{``, `[]`, `{}`, `{"version":"1.0","httpMethod":"GET","path":"/seats"}`} {
		if answer, err := a.Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%q: %s, want an error", payload, answer)
		}
	}
}

// TestDeadline checks that the handler's context ends before the function's time
// does.
func TestDeadline(t *testing.T) {
	end := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	var left time.Time
	a := &lambdahttp.Adapter{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { left, _ = r.Context().Deadline() })}
	payload, err := json.Marshal(captured(t, "http-api.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Invoke(ctx, payload); err != nil {
		t.Fatal(err)
	}
	if got := end.Sub(left); got != 200*time.Millisecond {
		t.Errorf("the context ends %v before the function, want 200 ms", got)
	}
}

type subjectKey struct{}

func TestIdentity(t *testing.T) {
	identify := func(a *lambdahttp.Adapter) {
		a.Identify = func(ctx context.Context, authorization string, claims map[string]string) context.Context {
			return context.WithValue(ctx, subjectKey{}, claims["sub"])
		}
	}
	event := captured(t, "http-api.json")
	if r, _ := seen(t, event, identify); r.Context().Value(subjectKey{}) != "user123" {
		t.Errorf("the caller is %v, want user123", r.Context().Value(subjectKey{}))
	}
	event.RequestContext.Authorizer = nil
	if r, _ := seen(t, event, identify); r.Context().Value(subjectKey{}) != nil {
		t.Errorf("without a token the caller is %v, want none", r.Context().Value(subjectKey{}))
	}
	event.Headers["x-amzn-oidc-identity"] = "mallory"
	if r, _ := seen(t, event, identify); r.Context().Value(subjectKey{}) != nil {
		t.Error("a header names the caller, want only the token to")
	}
}

// answers are handlers and their answers.
var answers = map[string]struct {
	handler func(http.ResponseWriter, *http.Request)
	want    response
}{
	"nothing is written": {func(http.ResponseWriter, *http.Request) {}, response{StatusCode: 200, Headers: map[string]string{}}},
	"the first status wins": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Early", "1")
		w.WriteHeader(201)
		w.Header().Set("X-Late", "1")
		w.WriteHeader(500)
	}, response{StatusCode: 201, Headers: map[string]string{"X-Early": "1"}}},
	"interim answers are omitted": {func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(103)
		w.WriteHeader(202)
	}, response{StatusCode: 202, Headers: map[string]string{}}},
	"the media type is detected, also after the status": {func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(404)
		io.WriteString(w, "<html>")
	}, response{StatusCode: 404, Headers: map[string]string{"Content-Type": "text/html; charset=utf-8"}, Body: "<html>"}},
	"binary bodies are base64": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		w.Write([]byte{0, 0xff})
	}, response{StatusCode: 200, Headers: map[string]string{"Content-Type": "image/png"}, Body: base64.StdEncoding.EncodeToString([]byte{0, 0xff}), IsBase64Encoded: true}},
	"compressed bodies are base64": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "gz")
	}, response{StatusCode: 200, Headers: map[string]string{"Content-Type": "text/plain", "Content-Encoding": "gzip"}, Body: base64.StdEncoding.EncodeToString([]byte("gz")), IsBase64Encoded: true}},
	"cookies are not joined": {func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Add("Vary", "A")
		w.Header().Add("Vary", "B")
	}, response{StatusCode: 200, Headers: map[string]string{"Vary": "A, B"}, Cookies: []string{"a=1", "b=2"}}},
	"204 has no body": {func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(204)
		if _, err := io.WriteString(w, "x"); err == nil {
			panic("a body was accepted")
		}
	}, response{StatusCode: 204, Headers: map[string]string{}}},
	"304 has no body": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"a"`)
		w.WriteHeader(304)
	}, response{StatusCode: 304, Headers: map[string]string{"Etag": `"a"`}}},
	"a flush decides the status": {func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		w.WriteHeader(500)
	}, response{StatusCode: 200, Headers: map[string]string{}}},
}

func TestAnswers(t *testing.T) {
	for name, c := range answers {
		t.Run(name, func(t *testing.T) {
			got := invoke(t, &lambdahttp.Adapter{Handler: http.HandlerFunc(c.handler)}, captured(t, "http-api.json"))
			g, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			w, err := json.Marshal(c.want)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(g, w) {
				t.Errorf("the answer is\n%s, want\n%s", g, w)
			}
		})
	}
}

// TestPanic checks that a panic is answered with status 500 and nothing that the
// handler wrote, and logged with the request's id.
func TestPanic(t *testing.T) {
	for _, what := range []any{"boom", http.ErrAbortHandler} {
		var log bytes.Buffer
		a := &lambdahttp.Adapter{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Half", "1")
				io.WriteString(w, `{"half`)
				panic(what)
			}),
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}
		payload, err := json.Marshal(captured(t, "http-api.json"))
		if err != nil {
			t.Fatal(err)
		}
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
		for range 2 { // the next event is answered too
			text, err := a.Invoke(ctx, payload)
			if err != nil {
				t.Fatal(err)
			}
			var got response
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if got.StatusCode != 500 || got.Headers["X-Half"] != "" || !strings.HasPrefix(got.Body, `{"title":"Internal error","status":500,"code":"internal"`) {
				t.Errorf("%+v, want only a problem of status 500", got)
			}
		}
		for _, want := range []string{"requestId=request-1", "path=/lock", "lambdahttp_test.go"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not contain %s: %s", want, log.String())
			}
		}
	}
}

// TestHead checks that the body of an answer to HEAD is not sent.
func TestHead(t *testing.T) {
	event := captured(t, "http-api.json")
	event.RequestContext.HTTP.Method = "HEAD"
	a := &lambdahttp.Adapter{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })}
	if got := invoke(t, a, event); got.Body != "" || got.StatusCode != 200 || got.Headers["Content-Type"] == "" {
		t.Errorf("%+v, want status 200 with Content-Type and no body", got)
	}
}
