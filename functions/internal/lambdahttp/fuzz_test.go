package lambdahttp_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"seatlock/functions/internal/lambdahttp"
)

// echo answers with a description of the request. Headers of the request determine the
// status and headers of the answer.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	for _, value := range r.Header.Values("X-Answer") {
		name, value, _ := strings.Cut(value, ":")
		w.Header().Add(name, value)
	}
	http.SetCookie(w, &http.Cookie{Name: "c", Value: r.Header.Get("X-Value")})
	status := 200
	fmt.Sscan(r.Header.Get("X-Status"), &status)
	w.WriteHeader(status)
	w.WriteHeader(500)
	w.Header().Set("X-Late", "1")
	if r.Header.Get("X-Raw") != "" {
		w.Write(body)
		return
	}
	fmt.Fprintf(w, "%s %q %q %q %q %d %q", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("X-Value"), r.Header.Get("Cookie"), r.ContentLength, body)
}

// sendable reports whether a net/http client sends the request unchanged.
func sendable(method, path, query, value string, status int, media string) bool {
	return slices.Contains([]string{"GET", "POST", "PUT", "DELETE", "HEAD"}, method) &&
		utf8.ValidString(path) && !strings.HasPrefix(path, "/") &&
		!strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) &&
		plainText(value) && status >= 200 && status <= 599 && plainText(media)
}

// FuzzSameAsNetHTTP sends the same request over net/http, as an event of an HTTP
// API and as one of a function URL, and compares the answers.
func FuzzSameAsNetHTTP(f *testing.F) {
	for _, seed := range []struct {
		method, path, query, value, body string
		status                           int
		media                            string
		raw                              bool
	}{
		{"GET", "seats", "since=1&x=%20", "", "", 200, "", false},
		{"POST", "a b/100%/ä?x=1#y/漢+", "%C3%A9=1", "v,w", `{"a":1}`, 201, "text/plain", false},
		{"PUT", "", "", "with spaces", "\x00\xff\xfe", 404, "", true},
		{"DELETE", "x//y/../z/", "a&&b;=", `"q, r"`, "<html><body>", 304, "", true},
		{"HEAD", "%2F%252f", "%zz", "1", "", 204, "application/json", false},
		{"POST", "..", "?", "", strings.Repeat("x", 5000), 299, "", true},
	} {
		if !sendable(seed.method, seed.path, seed.query, seed.value, seed.status, seed.media) {
			f.Fatalf("no such request can be sent: %+v", seed)
		}
		f.Add(seed.method, seed.path, seed.query, seed.value, seed.body, seed.status, seed.media, seed.raw)
	}

	server := httptest.NewServer(http.HandlerFunc(echo))
	f.Cleanup(server.Close)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	adapter := &lambdahttp.Adapter{Handler: http.HandlerFunc(echo)}

	f.Fuzz(func(t *testing.T, method, path, query, value, body string, status int, media string, raw bool) {
		u, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		u.Path, u.RawQuery = "/"+path, query
		if !sendable(method, path, query, value, status, media) {
			return // the fuzzer makes many of these, but no seed is one
		}
		if method == "GET" || method == "HEAD" {
			body = ""
		}
		headers := map[string]string{"X-Value": value, "X-Status": fmt.Sprint(status), "Cookie": "a=1; b=2", "User-Agent": "u", "Accept-Encoding": "identity"}
		if media != "" {
			headers["X-Answer"] = "Content-Type:" + media
		}
		if raw {
			headers["X-Raw"] = "1"
		}
		req, err := http.NewRequest(method, u.String(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range headers {
			req.Header.Set(name, value)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		want, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}

		event := request{Version: "2.0", RawQueryString: query, Headers: make(map[string]string), Body: body}
		for name, value := range headers {
			event.Headers[strings.ToLower(name)] = strings.Trim(value, " \t")
		}
		delete(event.Headers, "cookie")
		event.Cookies = []string{"a=1", "b=2"}
		if !utf8.ValidString(body) {
			event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
		}
		event.RequestContext.HTTP.Method = method
		for kind, c := range map[string]struct{ domain, path string }{
			"an HTTP API":    {"x.execute-api.eu-central-1.amazonaws.com", u.Path},
			"a function URL": {"x.lambda-url.eu-central-1.on.aws", u.EscapedPath()},
		} {
			event.RawPath, event.RequestContext.DomainName = c.path, c.domain
			got := invoke(t, adapter, event)
			text := []byte(got.Body)
			if got.IsBase64Encoded {
				if text, err = base64.StdEncoding.DecodeString(got.Body); err != nil {
					t.Fatal(err)
				}
			}
			if got.StatusCode != resp.StatusCode || !bytes.Equal(text, want) {
				t.Errorf("%s: the answer is %d %q, want that of net/http: %d %q", kind, got.StatusCode, text, resp.StatusCode, want)
			}
			if g, w := got.Headers["Content-Type"], resp.Header.Get("Content-Type"); g != w {
				t.Errorf("%s: Content-Type is %q, want that of net/http: %q", kind, g, w)
			}
			if w := resp.Header["Set-Cookie"]; !slices.Equal(got.Cookies, w) || got.Headers["X-Late"] != "" {
				t.Errorf("%s: the cookies are %q, want %q; X-Late is %q, want none", kind, got.Cookies, w, got.Headers["X-Late"])
			}
		}
	})
}

// plainText reports whether s can be the value of a header.
func plainText(s string) bool {
	return s == strings.TrimSpace(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
