package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadmeIsTrue runs every command of the README's console blocks in order
// and compares the output with what the README shows.
func TestReadmeIsTrue(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("SKIPPED: curl is not installed, so the README's examples were not tried (in CI this fails)")
		}
		t.Fatal("curl is not installed, so the README's examples cannot be tried")
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	url, _, _ := servingWith(t, variables{"LOCK_TTL": "5s"}) // as the README starts it

	tried := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for _, example := range strings.Split(block[1], "$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			got := shell(t, strings.ReplaceAll(command, "http://127.0.0.1:8080", url))
			if changing(got) != changing(want) {
				t.Errorf("$ %s\nprints  %s\nREADME: %s", command, changing(got), changing(want))
			}
			tried++
		}
	}
	if tried < 10 {
		t.Errorf("only %d commands were found in the README", tried)
	}
}

func shell(t *testing.T, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sh", "-c", command).CombinedOutput()
	if err != nil {
		t.Fatalf("$ %s\n%v %s", command, err, out)
	}
	return string(out)
}

var changes = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|"version":"[^"]*"|for up to \d seconds? more|"expiresInSeconds":\d`)

// changing masks what is different on every run: times and versions.
func changing(answer string) string { return changes.ReplaceAllString(answer, "…") }
