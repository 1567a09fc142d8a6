package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Copy returns a server that is still to be started, on a copy of the files of another. The
// other may run, but must not write meanwhile. The caller must Close it.
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
