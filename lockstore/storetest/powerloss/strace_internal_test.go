package powerloss

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestKilledAfterASync checks that a sync counts if the program wrote to its standard output
// before it was killed: what it wrote may tell of the sync. If it did nothing more, the sync
// need not have ended.
func TestKilledAfterASync(t *testing.T) {
	const (
		killed = "1 +++ killed by SIGKILL +++"
		create = `1 openat(AT_FDCWD</>, "FOLDER/f", O_RDWR|O_CREAT, 0600) = 3<FOLDER/f>`
		folder = "1 fsync(4<FOLDER>) = 0"
		put    = `1 pwrite64(3<FOLDER/f>, "\x61", 1, 0) = 1`
		wait   = "1 fdatasync(3<FOLDER/f>) = 0"
		tell   = `2 write(1</dev/pts/1>, "\x62", 1) = 1`
	)
	for name, c := range map[string]struct {
		calls []string
		want  string
	}{
		"at once":              {[]string{wait}, ""},
		"while it told of it":  {[]string{wait, `2 write(1</dev/pts/1>, "\x62", 1 <unfinished ...>`, "2 <... write resumed>) = ?"}, "a"},
		"after it told of it":  {[]string{wait, tell}, "a"},
		"told before the sync": {[]string{tell, wait}, ""},
		"in the sync":          {[]string{"1 fdatasync(3<FOLDER/f> <unfinished ...>", tell, "1 <... fdatasync resumed>) = ?"}, ""},
		"a signal interrupted the sync": {[]string{
			"1 fdatasync(3<FOLDER/f>) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)", tell,
		}, ""},
		"a signal interrupted the sync, which was begun again": {[]string{
			"1 fdatasync(3<FOLDER/f>) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)", wait, tell,
		}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := New(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			calls := append([]string{create, folder, put}, c.calls...)
			text := inHex(strings.Join(append(calls, killed), "\n")+"\n", r.folder)
			log := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(r.folder, "f"), []byte("a"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := r.Add(log); err != nil {
				t.Fatal(err)
			}
			if got := string(r.Synced(r.Len() - 1).Files["f"]); got != c.want {
				t.Errorf("%q is certain to be on the disk, want %q", got, c.want)
			}
		})
	}
}

// paths are the paths in the calls of this test.
var paths = regexp.MustCompile(`/dev/pts/1|FOLDER(/f)?`)

// inHex returns a call with its paths, of which FOLDER stands for a folder, as strace -xx
// writes them.
func inHex(call, folder string) string {
	return paths.ReplaceAllStringFunc(call, func(path string) (all string) {
		for _, b := range []byte(strings.Replace(path, "FOLDER", folder, 1)) {
			all += fmt.Sprintf(`\x%02x`, b)
		}
		return all
	})
}
