package client_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestShopModule builds the README's program with the README's go.mod: a module outside
// of this repository that requires this one, and downloads nothing.
func TestShopModule(t *testing.T) {
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(begins string) string {
		_, text, ok := strings.Cut(string(readme), begins)
		text, _, closed := strings.Cut(text, "\n```")
		if !ok || !closed {
			t.Fatalf("the README has no block that begins with %q", begins)
		}
		return text + "\n"
	}
	gomod := "module shop" + block("```\nmodule shop")
	program := "package main" + block("```go\npackage main")

	// In the README, the checkout is a folder beside the shop.
	parent := t.TempDir()
	if err := os.Symlink(tree, filepath.Join(parent, "seatlock")); err != nil {
		t.Fatal(err)
	}
	shop := filepath.Join(parent, "shop")
	if err := os.Mkdir(shop, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": gomod, "main.go": program} {
		if err := os.WriteFile(filepath.Join(shop, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", filepath.Join(shop, "shop"), ".")
	build.Dir = shop
	build.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}
