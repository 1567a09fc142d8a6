package redistest

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A preload is a C library that replaces functions of the C library in the servers
// that it starts. What it does depends on one number, which it reads from a file
// whenever it is called.
type preload struct {
	env     string // names that file
	library string
	file    *os.File
}

// newPreload compiles the source in dir. The number is 0.
func newPreload(dir, name, env string, source []byte) (preload, error) {
	p := preload{env: env, library: filepath.Join(dir, name+".so")}
	code := filepath.Join(dir, name+".c")
	if err := os.WriteFile(code, source, 0o600); err != nil {
		return p, err
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-O1", "-o", p.library, code).CombinedOutput(); err != nil {
		return p, fmt.Errorf("compiling %s.c: %w\n%s", name, err, out)
	}
	var err error
	if p.file, err = os.Create(filepath.Join(dir, name+".number")); err != nil {
		return p, err
	}
	return p, p.set(0)
}

func (p preload) set(number int64) error {
	_, err := p.file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(number)), 0)
	return err
}

// start is like [Start], for a server that uses the library.
func (p preload) start(dir string, args []string) (*Server, error) {
	return startIn(dir, args, "LD_PRELOAD="+p.library, p.env+"="+p.file.Name())
}
