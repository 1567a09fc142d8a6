package web

import (
	"strings"
	"testing"
)

// TestFaultySources checks that the error for sources that cannot be bundled names the
// file and says what is wrong.
func TestFaultySources(t *testing.T) {
	if _, err := buildModule("[name]", "nowhere.js"); err == nil || !strings.Contains(err.Error(), "page/nowhere.js") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := buildModule("[name]", "icon.svg"); err == nil || !strings.Contains(err.Error(), "page/icon.svg is of no kind that is bundled here") {
		t.Errorf("a picture as a module: %v", err)
	}
}

func BenchmarkBundle(b *testing.B) {
	for b.Loop() {
		for _, entry := range []string{"main.js", "v1.js"} {
			if _, err := buildModule("[name]", entry); err != nil {
				b.Fatal(err)
			}
		}
	}
}
