package pgtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Kill ends all processes of the server at once, as a crash of the machine does,
// and returns when they have ended. Its folder stays, for Restart.
func (s *Server) Kill() {
	// A process that outlived the first could still commit.
	_ = s.process.Freeze() // so that it starts no others meanwhile
	for killed := -1; ; {  // it may have been starting one
		children := s.children()
		for _, pid := range children {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
		}
		if len(children) == killed {
			break
		}
		killed = len(children)
	}
	s.process.Kill()
	s.clean()
}

// children returns the processes of the server except the first, including those that
// were killed and that it has not noticed yet.
func (s *Server) children() (pids []int) {
	out, _ := exec.Command("pgrep", "-P", strconv.Itoa(s.process.PID())).Output() // there may be none
	for field := range strings.FieldsSeq(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Stop ends the server as an operator does: it ends its connections, sends its
// standbys all that it wrote, and ends. Its folder stays, for Restart.
func (s *Server) Stop() {
	s.process.Interrupt()
	s.clean()
}

// Close ends the server and removes all that it made.
func (s *Server) Close() {
	s.Stop()
	_ = os.RemoveAll(s.dir) // a leftover in the folder for temporary files fails no test
}

// clean removes what a server that has ended leaves outside of its files if it was
// killed: a segment of shared memory, whose key and id are in the file that names
// its process.
func (s *Server) clean() {
	name := filepath.Join(s.data(), "postmaster.pid")
	text, err := os.ReadFile(name)
	if err != nil {
		return // the server has removed it, as it does last
	}
	if lines := strings.Split(string(text), "\n"); len(lines) > 6 {
		if key := strings.Fields(lines[6]); len(key) == 2 {
			_ = exec.Command("ipcrm", "-m", key[1]).Run() // the server may have removed it
		}
	}
	_ = os.Remove(name) // another server may get the process id
}
