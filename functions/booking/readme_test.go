package booking

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeHasEveryCode: the README's table of codes is that of this package,
// no more and no less.
func TestReadmeHasEveryCode(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "| `code` | status |")
	table, _, _ = strings.Cut(table, "\n\n")
	said := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*`) \\| (\\d+) \\|").FindAllStringSubmatch(table, -1) {
		for code := range strings.SplitSeq(row[1], ", ") {
			said[strings.Trim(code, "`")+" "+row[2]] = true
		}
	}
	for _, k := range kinds {
		key := fmt.Sprintf("%s %d", k.code, k.status)
		if !said[key] {
			t.Errorf("the README does not have %s", key)
		}
	}
	for key := range said {
		found := false
		for _, k := range kinds {
			found = found || key == fmt.Sprintf("%s %d", k.code, k.status)
		}
		if !found {
			t.Errorf("the README has %s, which is never answered", key)
		}
	}
}
