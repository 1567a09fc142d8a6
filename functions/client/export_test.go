package client

import "net/http"

// Over returns a Client whose calls go through t.
func Over(t http.RoundTripper) *Client {
	return &Client{base: "http://seatlock.test/", http: &http.Client{Timeout: callTime, Transport: t}}
}
