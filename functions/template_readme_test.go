package functions_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"seatlock/functions/settings"
)

// TestReadmeVariables checks that the README's table has exactly the variables that a
// function reads.
func TestReadmeVariables(t *testing.T) {
	readme, err := os.ReadFile("../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(readme), "\n| variable | |\n")
	if !ok {
		t.Fatal("the README has no table of variables")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var listed []string
	for row := range strings.Lines(table) {
		for _, name := range regexp.MustCompile("`([A-Z_]+)`").FindAllStringSubmatch(strings.Split(row, "|")[1], -1) {
			listed = append(listed, name[1])
		}
	}
	var declared []string
	for _, s := range settings.ForLambda() {
		declared = append(declared, s.Env)
		if rows := regexp.MustCompile("(?m)^\\| `" + s.Env + "` \\| (.*)$").FindStringSubmatch(table); s.Needed != "" && (rows == nil || !strings.HasPrefix(rows[1], "required")) {
			t.Errorf("the README does not say that %s is required", s.Env)
		}
	}
	slices.Sort(listed)
	slices.Sort(declared)
	if !slices.Equal(listed, declared) {
		t.Errorf("the README lists the variables %q, want those that a function reads: %q", listed, declared)
	}
}

// TestDeployReadme checks that the parameters and outputs that deploy/README.md
// names are in the template, and that it names every parameter and alarm.
func TestDeployReadme(t *testing.T) {
	data, err := os.ReadFile("../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(data)
	tmpl := readTemplate(t, nil)

	_, choices, _ := strings.Cut(readme, "\n## Parameters\n")
	choices, _, _ = strings.Cut(choices, "\n\n**")
	var listed []string
	for row := range strings.Lines(choices) {
		cells := strings.Split(row, "|")
		if len(cells) < 3 {
			continue
		}
		for _, name := range regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(cells[1], -1) {
			listed = append(listed, name[1])
		}
	}
	slices.Sort(listed)
	if want := names(tmpl.parameters); !slices.Equal(listed, want) {
		t.Errorf("the README lists the parameters %q, want those of the template: %q", listed, want)
	}
	for _, set := range regexp.MustCompile(`([A-Za-z]+)=(?:\$[A-Z]+|[0-9]+)(?: |\n)`).FindAllStringSubmatch(readme, -1) {
		if _, ok := tmpl.parameters[set[1]]; !ok && strings.ToUpper(set[1]) != set[1] {
			t.Errorf("the README sets %s, which is not a parameter of the template", set[1])
		}
	}
	for _, output := range regexp.MustCompile(`\$\(out ([A-Za-z]+)\)`).FindAllStringSubmatch(readme, -1) {
		if _, ok := tmpl.outputs[output[1]]; !ok {
			t.Errorf("the README reads %s, which is not an output of the template", output[1])
		}
	}
	for _, store := range stores {
		for name := range readTemplate(t, with(paying, map[string]any{"Store": store})).of("AWS::CloudWatch::Alarm") {
			name = regexp.MustCompile("^(Valkey|MemoryDb)").ReplaceAllString(name, "…")
			if !strings.Contains(readme, "| `"+name+"` |") {
				t.Errorf("the README does not list the alarm %s", name)
			}
		}
	}
}
