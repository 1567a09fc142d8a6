// Package validate_test checks the template against the schemas of CloudFormation.
package validate_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"seatlock/lockstore/storetest/faults"
)

// validate returns the output of the validator, and an error if the template is
// not valid.
func validate(t *testing.T, file string) (output string, err error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "node", "validate.mjs", file).CombinedOutput()
	return string(out), err
}

// need skips a test if the validator is not installed.
func need(t *testing.T) {
	t.Helper()
	const untried = "the template was not validated"
	faults.Need(t, "node", untried)
	if _, err := os.Stat("node_modules"); err != nil {
		faults.Missing(t, "the validator (npm ci in deploy/validate)", untried)
	}
}

func TestTemplateIsValid(t *testing.T) {
	need(t)
	if output, err := validate(t, filepath.Join("..", "template.yaml")); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// TestWrongTemplates checks that the validator finds mistakes that AWS would refuse
// or ignore.
func TestWrongTemplates(t *testing.T) {
	need(t)
	data, err := os.ReadFile(filepath.Join("..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for right, wrong := range map[string]string{
		"Durability: sync":        "Durability: synk",
		"Architectures: [arm64]":  "Architectures: [arm]",
		"MemorySize: 512":         "MemorySizes: 512",
		"GetAtt ListFunction.Arn": "GetAtt LisFunction.Arn",
	} {
		if !strings.Contains(string(data), right) {
			t.Fatalf("the template has no %q", right)
		}
		file := filepath.Join(t.TempDir(), "template.yaml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(data), right, wrong)), 0o600); err != nil {
			t.Fatal(err)
		}
		if output, err := validate(t, file); err == nil {
			t.Errorf("%q is accepted, want an error: %s", wrong, output)
		}
	}
}
