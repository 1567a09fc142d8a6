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

// subjectVar is the environment variable that names the subject of TestSubject.
const subjectVar = "STORETEST_SUBJECT"

// TestSubject runs the suite on one subject. TestSuiteFindsFaults runs it in a
// process of its own, where it may fail.
func TestSubject(t *testing.T) {
	if s, ok := allSubjects()[os.Getenv(subjectVar)]; ok {
		Run(t, func(*testing.T) lockstore.LockStore { return s.store() })
	}
}

// TestSuiteFindsFaults checks that correct stores pass the suite, and that broken
// ones fail the cases that are about their fault.
func TestSuiteFindsFaults(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range allSubjects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, self, "-test.run=^TestSubject$", "-test.v", "-rapid.nofailfile",
				"-rapid.seed=1") // the same operations every time
			cmd.Env = append(os.Environ(), subjectVar+"="+name)
			out, err := cmd.CombinedOutput()
			if !strings.Contains(string(out), "=== RUN   TestSubject/01_") {
				t.Fatalf("the suite did not run: %v\n%s", err, out)
			}
			if s.fails == nil {
				if err != nil {
					t.Errorf("a right store fails the suite: %v\n%s", err, out)
				}
				return
			}
			if err == nil {
				t.Fatal("the store passes the suite")
			}
			for _, c := range s.fails {
				if !strings.Contains(string(out), "--- FAIL: TestSubject/"+c) {
					t.Errorf("case %s passes:\n%s", c, out)
				}
			}
		})
	}
}

// TestCrowdedCasesExist checks that no name in crowded is mistyped.
func TestCrowdedCasesExist(t *testing.T) {
	for name := range crowded {
		if !slices.ContainsFunc(cases, func(c contractCase) bool { return c.name == name }) {
			t.Errorf("there is no case %s", name)
		}
	}
}

// TestRulesAreQuotes checks that the rule that a failed case prints is in the contract.
func TestRulesAreQuotes(t *testing.T) {
	var contract strings.Builder
	for _, file := range []string{"lockstore.go", "op.go", "event.go", "layout.go", "snapshot.go", "roster.go", "order.go", "user.go"} {
		text, err := os.ReadFile("../" + file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if _, comment, ok := strings.Cut(strings.TrimSpace(line), "//"); ok {
				contract.WriteString(comment)
			}
		}
	}
	plain := strings.NewReplacer("[", "", "]", "").Replace(contract.String())
	rules := make(map[string]string)
	for _, c := range cases {
		rules[c.name] = c.rule
	}
	for _, c := range orderCases {
		rules[c.name] = c.rule
	}
	for name, rule := range rules {
		for quote := range strings.SplitSeq(rule, " … ") {
			if !strings.Contains(plain, quote) {
				t.Errorf("%s: the contract does not say %q", name, quote)
			}
		}
	}
}
