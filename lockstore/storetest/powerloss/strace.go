package powerloss

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Add adds what a program that has ended did. It fails if the log does not explain
// what is in the folder.
func (r *Recording) Add(log string) error {
	f, err := os.Open(log)
	if err != nil {
		return err
	}
	defer f.Close()
	p := parser{r, make(map[string]int)}
	lines := bufio.NewReaderSize(f, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.line(strings.TrimSuffix(line, "\n"))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", log, err)
		}
	}
	if err := p.interrupted(); err != nil {
		return err
	}
	return r.compare()
}

// compare compares the files as recorded with those in the folder.
func (r *Recording) compare() error {
	recorded := r.Cached(len(r.steps)).Files
	found, err := os.ReadDir(r.folder)
	if err != nil {
		return err
	}
	if len(found) != len(recorded) {
		return fmt.Errorf("the files %q were recorded, and %s has %v", slices.Sorted(maps.Keys(recorded)), r.folder, found)
	}
	for _, entry := range found {
		content, err := os.ReadFile(filepath.Join(r.folder, entry.Name()))
		if err != nil {
			return err
		}
		if !bytes.Equal(content, recorded[entry.Name()]) {
			return fmt.Errorf("%s is not as recorded", entry.Name())
		}
	}
	return nil
}

// A parser reads what strace writes: a line for each call, or two if another thread's
// call comes between its beginning and its end.
type parser struct {
	r     *Recording
	begun map[string]int // by thread: the place of the call that has no end yet, or elsewhere
}

// elsewhere is the place of a call that is not about the folder.
const elsewhere = -1

func (p *parser) line(line string) error {
	thread, text, ok := strings.Cut(line, " ")
	text = strings.TrimLeft(text, " ")
	if !ok || text == "" {
		return fmt.Errorf("a line without a call: %.80q", line)
	}
	if strings.HasPrefix(text, "+++") || strings.HasPrefix(text, "???") {
		return nil // a thread ended
	}
	if strings.HasPrefix(text, "<... ") {
		if _, ok := p.begun[thread]; !ok {
			return fmt.Errorf("the end of a call without its beginning: %.80q", line)
		}
		p.end(thread, text)
		return nil
	}
	if _, open := p.begun[thread]; open {
		return fmt.Errorf("%w: the thread's call before has no end: %.80q", ErrCall, line)
	}
	first, interrupted := cutUnfinished(text)
	step, err := p.begin(first)
	p.begun[thread] = step
	if err == nil && !interrupted {
		p.end(thread, text)
	}
	return err
}

// begin adds the beginning of a call and returns its place. It returns elsewhere if
// the call is not about the folder.
func (p *parser) begin(text string) (int, error) {
	name, list, _ := strings.Cut(text, "(")
	if end := strings.LastIndexByte(list, ')'); end >= 0 {
		list = list[:end]
	}
	s, err := p.r.parse(name, strings.Split(list, ", "))
	if err != nil {
		return elsewhere, fmt.Errorf("%w: %.80q", err, text)
	}
	if s.kind == nothing {
		return elsewhere, nil
	}
	s.call = len(p.r.steps)
	p.r.steps = append(p.r.steps, s)
	return s.call, nil
}

// end adds the end of the thread's call. A call that failed did nothing. Nor did one that a
// signal interrupted, which the system begins again: its result is "? ERESTARTSYS" or the
// like. The result of a call during which the program was killed is "?".
func (p *parser) end(thread, text string) {
	at := p.begun[thread]
	result := text[strings.LastIndex(text, "= ")+len("= "):]
	again := strings.HasPrefix(result, "? ERESTART")
	if strings.HasPrefix(result, "?") && !again {
		return
	}
	delete(p.begun, thread)
	switch {
	case at == elsewhere:
	case again || strings.HasPrefix(result, "-"):
		p.r.steps[at].kind = nothing
	default:
		p.r.finish(at)
	}
}

// finish adds the end of the call that begins at a place.
func (r *Recording) finish(at int) {
	s := r.steps[at]
	s.end = true
	r.steps = append(r.steps, s)
}

// interrupted ends the calls during which the program was killed. Whether a
// write was carried out can be seen in the file. A sync that nothing followed counts as
// not ended, because the system need not finish it for a program that is killed. But if the
// program then wrote to its standard output, that may tell what it had waited for.
func (p *parser) interrupted() error {
	for i, s := range slices.Backward(p.r.steps) {
		if s.kind == sync && s.end {
			p.r.steps[i].kind = nothing
		}
		if s.kind != nothing {
			break
		}
	}
	for _, at := range p.begun {
		if at == elsewhere {
			continue
		}
		s := p.r.steps[at]
		if s.kind != write && s.kind != truncate {
			continue
		}
		content, err := os.ReadFile(filepath.Join(p.r.folder, s.name))
		if err != nil {
			return err
		}
		if bytes.Equal(apply(bytes.Clone(content), s, all), content) {
			p.r.finish(at)
		} else {
			p.r.steps[at].kind = nothing
		}
	}
	return nil
}

// ErrCall is returned if the log has a call that is not as expected. The program makes such
// calls, or strace took a call wrongly in whose middle the program was killed: on a busy
// machine it has written the result of a write in place of its name. So the caller should
// record anew before it gives up.
var ErrCall = errors.New("a call with other arguments than expected")

// parse returns the beginning of a call, which is of the kind nothing if the call is
// not about the folder.
func (r *Recording) parse(name string, args []string) (s step, err error) {
	want := map[string]int{"openat": 3, "write": 3, "pwrite64": 4, "ftruncate": 2, "fdatasync": 1, "fsync": 1, "renameat": 4, "unlinkat": 3}[name]
	if want == 0 || len(args) < want {
		return s, ErrCall
	}
	var path string
	switch name {
	case "openat", "unlinkat":
		path, err = text(args[1])
	case "renameat":
		var to string
		if path, err = text(args[1]); err == nil {
			to, err = text(args[3])
		}
		s.to = filepath.Base(to)
	default:
		path, err = openPath(args[0])
	}
	if err != nil {
		return s, err
	}
	folder, base := filepath.Split(path)
	switch {
	case name == "write" && strings.HasPrefix(args[0], "1<"):
		s.kind = say
	case path == r.folder && name == "fsync":
		s.kind = sync
		return s, nil
	case filepath.Clean(folder) != r.folder:
		s.kind = nothing
		return s, nil
	}
	s.name = base
	switch name {
	case "openat":
		if s.kind = create; !strings.Contains(args[2], "O_CREAT") {
			s.kind = nothing
		}
	case "unlinkat":
		s.kind = remove
	case "renameat":
		s.kind = rename
	case "fdatasync", "fsync":
		s.kind = sync
	case "ftruncate":
		s.kind = truncate
		s.offset, err = strconv.ParseInt(args[1], 10, 64)
	case "pwrite64":
		s.kind = write
		if s.offset, err = strconv.ParseInt(args[3], 10, 64); err == nil {
			s.data, err = unquote(args[1])
		}
	case "write":
		if s.kind != say {
			return s, ErrCall // its offset is unknown
		}
		s.data, err = unquote(args[1])
	}
	return s, err
}

// openPath returns the path of an open file, which strace writes as 5<path>.
func openPath(arg string) (string, error) {
	_, path, _ := strings.Cut(arg, "<")
	path, _, _ = strings.Cut(path, ">")
	return text(`"` + path + `"`)
}

func text(arg string) (string, error) {
	b, err := unquote(arg)
	return string(b), err
}

// unquote returns the bytes that strace writes as "\x00\x01".
func unquote(arg string) ([]byte, error) {
	inner, ok := strings.CutPrefix(arg, `"`)
	inner, end := strings.CutSuffix(inner, `"`)
	if !ok || !end {
		return nil, ErrCall
	}
	return hex.DecodeString(strings.ReplaceAll(inner, `\x`, ""))
}

// cutUnfinished removes what strace writes after a call that has no end yet.
func cutUnfinished(text string) (string, bool) {
	text, interrupted := strings.CutSuffix(text, " <unfinished ...>")
	text, detached := strings.CutSuffix(text, " <detached ...>")
	return text, interrupted || detached
}
