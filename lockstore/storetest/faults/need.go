package faults

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Need skips a test if the program that it needs is not on the PATH, and fails it
// in CI. Untried says what the test would have tried, in a clause such as "the
// page was not tried".
func Need(t testing.TB, program, untried string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		Missing(t, program, untried)
	}
}

// Missing is like [Need], for a program, or anything else, that the caller has not
// found. If the environment variable SKIPPED names a file, Missing appends
// a line to it, because go test shows the reason of a skip only with -v.
func Missing(t testing.TB, what, untried string) {
	t.Helper()
	why := what + " is not installed, so " + untried
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	if name := os.Getenv("SKIPPED"); name != "" {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprintln(f, why)
	}
	t.Skip("SKIPPED: " + why + " (in CI this fails)")
}
