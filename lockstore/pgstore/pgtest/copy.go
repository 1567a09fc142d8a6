package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Copy returns a server on a copy of the files of another, not yet started. The
// other may run, but must not write meanwhile. The caller must Close the copy.
func (s *Server) Copy() (*Server, error) {
	c, err := newServer(s.settings)
	if err != nil {
		return nil, err
	}
	if out, err := exec.Command("cp", "-a", s.data(), c.data()).CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("cp: %w\n%s", err, out), os.RemoveAll(c.dir))
	}
	err = os.Remove(filepath.Join(c.data(), "postmaster.pid")) // that of the other
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	return c, nil
}
