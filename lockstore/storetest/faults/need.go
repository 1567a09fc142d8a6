package faults

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Need skips a test whose program is not on the PATH, and says what was not
// tried: a clause such as "the page was not tried". In CI the test fails.
func Need(t testing.TB, program, untried string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		Missing(t, program, untried)
	}
}

// Missing is [Need] for something that the caller has looked for in vain. It
// adds a line to the file that SKIPPED names, if it does: go test shows what
// a test that passes or is skipped says only with -v.
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
