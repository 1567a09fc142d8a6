package main

import (
	"testing"

	"seatlock/local/web"
)

// pages returns the page and the element.
func pages(t *testing.T) *web.Pages {
	t.Helper()
	p, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
