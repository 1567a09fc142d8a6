package apitest

import (
	"testing"
	"time"
)

func TestDocument(t *testing.T) {
	b := time.Now()
	Load()
	t.Log(time.Since(b))
}
