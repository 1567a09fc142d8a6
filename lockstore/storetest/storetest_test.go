package storetest

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
)

// subjectVar names the subject that a run of this test binary is about.
const subjectVar = "STORETEST_SUBJECT"

// TestSubject runs the suite on one subject. TestSuiteHasTeeth calls it, in a
// process of its own, and expects it to fail.
func TestSubject(t *testing.T) {
	if s, ok := subjects[os.Getenv(subjectVar)]; ok {
		Run(t, func(*testing.T) lockstore.LockStore { return s.store() })
	}
}

// TestSuiteHasTeeth: the suite passes what is right and fails all that is
// broken, in the cases that are about it.
func TestSuiteHasTeeth(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range subjects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, self, "-test.run=^TestSubject$", "-test.v", "-rapid.nofailfile",
				"-rapid.seed=1") // what chance finds, it finds every time
			cmd.Env = append(os.Environ(), subjectVar+"="+name)
			out, err := cmd.CombinedOutput()
			if !strings.Contains(string(out), "=== RUN   TestSubject/01_") {
				t.Fatalf("the suite did not run: %v\n%s", err, out)
			}
			if s.fails == nil {
				if err != nil {
					t.Errorf("the suite fails a store that is right: %v\n%s", err, out)
				}
				return
			}
			if err == nil {
				t.Fatal("the suite passes it")
			}
			for _, c := range s.fails {
				if !strings.Contains(string(out), "--- FAIL: TestSubject/"+c) {
					t.Errorf("case %s does not fail:\n%s", c, out)
				}
			}
		})
	}
}

// TestCrowdedCasesExist: a name that is mistyped there would say nothing.
func TestCrowdedCasesExist(t *testing.T) {
	for name := range crowded {
		if !slices.ContainsFunc(cases, func(c contractCase) bool { return c.name == name }) {
			t.Errorf("there is no case %s", name)
		}
	}
}
