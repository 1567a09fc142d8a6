package main

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"seatlock/lockstore/storetest/faults"
)

// TestReadmeIsTrue runs every command in the console blocks of the READMEs, in
// order, and compares the output with that in the README.
func TestReadmeIsTrue(t *testing.T) {
	t.Parallel()
	faults.Need(t, "curl", "the README's examples were not tried")
	for _, c := range []struct {
		file  string
		flags []string // of the server in the README
		least int      // commands
	}{
		{"../README.md", nil, 4},
		{"../functions/booking/README.md", []string{"-lock-ttl", "5s"}, 10},
	} {
		t.Run(c.file, func(t *testing.T) {
			url, _, _ := serving(t, c.flags...)
			tried := 0
			for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(contents(t, c.file), -1) {
				for _, example := range strings.Split(block[1], "$ ")[1:] {
					command, want, _ := strings.Cut(example, "\n")
					got := shell(t, strings.ReplaceAll(command, "http://127.0.0.1:8080", url))
					if masked(got) != masked(want) {
						t.Errorf("$ %s\nprints  %s\nREADME: %s", command, masked(got), masked(want))
					}
					tried++
				}
			}
			if tried < c.least {
				t.Errorf("only %d commands were found", tried)
			}
		})
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

var changes = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|"version":"[^"]*"|for up to \d+ seconds? more|"expiresInSeconds":\d+`)

// masked returns the answer without the parts that differ in every run: times and
// versions.
func masked(answer string) string { return changes.ReplaceAllString(answer, "…") }

// TestEventFileExample checks that the server sells the events of the README's
// example.
func TestEventFileExample(t *testing.T) {
	_, example, _ := strings.Cut(contents(t, "../functions/venue/README.md"), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	file := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	url, _, _ := serving(t, "-events", file)
	for _, want := range []string{`"eventId":"hamlet-2027-03-05"`, `"seatCount":98`, `"S-C9"`, `"Box-2"`, `"eventId":"workshop"`} {
		if events := get(t, url+"/events"); !strings.Contains(events, want) {
			t.Errorf("GET /events does not have %s: %s", want, events)
		}
	}
}

// TestDependencies compares the README's table with the modules that go.mod
// requires directly, and its tools.
func TestDependencies(t *testing.T) {
	gomod := contents(t, "../go.mod")
	var want, got []string
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (\S+)( // indirect)?$`).FindAllStringSubmatch(gomod, -1) {
		if m[3] == "" || strings.Contains(gomod, "\ntool "+m[1]+"/") {
			want = append(want, m[1]+" "+m[2])
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| \[(\S+)\]\(\S+\) \| (v\S+) \| .+ \|$`).FindAllStringSubmatch(contents(t, "tools/README.md"), -1) {
		got = append(got, row[1]+" "+row[2])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the README has\n%q, want as in go.mod\n%q", got, want)
	}
}

// TestRooms compares the table of packages with what they import. The last elements of
// the paths identify the packages.
func TestRooms(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{if .GoFiles}}{{.ImportPath}} {{join .Imports " "}}{{end}}`, "seatlock/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		var ours []string
		for _, p := range strings.Fields(line) {
			if strings.HasPrefix(p, "seatlock/") {
				ours = append(ours, path.Base(p))
			}
		}
		imports[ours[0]] = ours[1:]
	}
	named := regexp.MustCompile("([a-z0-9]+)`")
	for _, row := range regexp.MustCompile("(?m)^\\| (`.+?) \\| .+ \\| (.*) \\|$").FindAllStringSubmatch(contents(t, "../functions/README.md"), -1) {
		var got, want []string
		for _, name := range named.FindAllStringSubmatch(row[1], -1) {
			if _, ok := imports[name[1]]; !ok {
				t.Errorf("the README has the package %s, which does not exist", name[1])
			}
			want = append(want, imports[name[1]]...)
			delete(imports, name[1])
		}
		for _, name := range named.FindAllStringSubmatch(row[2], -1) {
			got = append(got, name[1])
		}
		slices.Sort(got)
		slices.Sort(want)
		if want = slices.Compact(want); row[2] != "anything" && !slices.Equal(got, want) {
			t.Errorf("the README says that %s import %q, want %q", row[1], got, want)
		}
	}
	if len(imports) > 0 {
		t.Errorf("the README lacks the packages %q", slices.Sorted(maps.Keys(imports)))
	}
}

var (
	fences    = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	code      = regexp.MustCompile("`[^`\n]*`")
	links     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInTree = []string{".git", "node_modules", "bin", "dist"}
)

// TestLinks checks that every relative link of every README leads to a file, or to
// a heading of one.
func TestLinks(t *testing.T) {
	readmes, found := 0, 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(notInTree, d.Name()):
			return filepath.SkipDir
		case d.Name() != "README.md":
			return nil
		}
		readmes++
		text := code.ReplaceAllString(fences.ReplaceAllString(contents(t, path), ""), "")
		for _, link := range links.FindAllStringSubmatch(text, -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			found++
			file, heading, _ := strings.Cut(link[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", path, link[1], err)
			} else if heading != "" && !slices.Contains(anchors(contents(t, target)), heading) {
				t.Errorf("%s links to %s, a heading that does not exist", path, link[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if readmes < 10 || found < 100 {
		t.Errorf("only %d READMEs with %d links were found", readmes, found)
	}
}

// anchors returns the anchors that GitHub gives the headings of a text.
func anchors(text string) []string {
	var all []string
	for _, h := range headings.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, h[1]))
	}
	return all
}
