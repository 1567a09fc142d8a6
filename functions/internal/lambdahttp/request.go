package lambdahttp

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// request returns the request in an event.
func (a *Adapter) request(ctx context.Context, event *events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, fmt.Errorf("the body is not base64, as isBase64Encoded says: %w", err)
		}
	}
	about := &event.RequestContext
	u, err := a.target(event)
	if err != nil {
		return nil, err
	}
	// http.NewRequest would parse the path again.
	r := (&http.Request{
		Method:        about.HTTP.Method,
		URL:           u,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        make(http.Header, len(event.Headers)),
		Body:          http.NoBody,
		ContentLength: int64(len(body)),
		Host:          about.DomainName,
		RemoteAddr:    net.JoinHostPort(about.HTTP.SourceIP, "0"), // the event has no port
		RequestURI:    u.RequestURI(),
	}).WithContext(ctx)
	if len(body) > 0 {
		r.Body = reader(body)
	}
	// Values that the gateway has joined are not split: an ETag or a date may contain
	// commas.
	for name, value := range event.Headers {
		r.Header.Set(name, value)
	}
	if len(event.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	return r, nil
}

// target returns the URL of the request. The path is decoded in an event of an HTTP
// API, and encoded as sent in an event of a function URL.
func (a *Adapter) target(event *events.APIGatewayV2HTTPRequest) (*url.URL, error) {
	path := event.RawPath
	if stage := event.RequestContext.Stage; stage != "" && stage != "$default" {
		path = without(path, "/"+stage)
	}
	path = without(path, a.BasePath)
	if path == "" {
		path = "/"
	}
	u := &url.URL{Path: path, RawQuery: event.RawQueryString}
	if strings.Contains(event.RequestContext.DomainName, ".lambda-url.") {
		decoded, err := url.PathUnescape(path)
		if err != nil {
			return nil, fmt.Errorf("the path cannot be decoded: %w", err)
		}
		u.Path, u.RawPath = decoded, path
	}
	return u, nil
}

// without removes a prefix of whole segments from a path.
func without(path, prefix string) string {
	if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
		return rest
	}
	return path
}

// header returns a header of the event. Its name is in lower case, except in events
// that were made by hand.
func header(event *events.APIGatewayV2HTTPRequest, name string) string {
	for n, value := range event.Headers {
		if strings.EqualFold(n, name) {
			return value
		}
	}
	return ""
}
