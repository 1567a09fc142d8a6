package faults

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Process is another program under way. It is ended when this one ends,
// however that ends.
type Process struct {
	pid      int
	lifeline io.Closer // the program is ended when this closes, if by the end of this one
	ended    chan struct{}
}

// keep is a shell that ends its program when the shell's own input ends, and
// ends when it does. It interrupts the program first, so that it can tidy up. The
// program's process says its id before it becomes the program, which may have
// something to say at once.
const keep = `exec 3<&0
sh -c 'echo $$; exec "$@"' sh "$@" 2>&1 3<&- & program=$!
{ read line <&3; kill -INT $program; sleep 2; kill -9 $program; } >/dev/null 2>&1 & reader=$!
wait $program
kill $reader`

// StartProcess starts a program, with more environment variables than this one
// has, whose output, standard error included, goes to w.
func StartProcess(w io.Writer, env []string, program string, args ...string) (*Process, error) {
	return StartProcessAs(nil, w, env, program, args...)
}

// StartProcessAs is StartProcess for a program that must run as somebody else;
// nil is whoever this one runs as.
func StartProcessAs(who *syscall.Credential, w io.Writer, env []string, program string, args ...string) (*Process, error) {
	keeper := exec.Command("sh", append([]string{"-c", keep, "sh", program}, args...)...)
	keeper.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	keeper.Env = append(os.Environ(), env...)
	stdin, err := keeper.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := keeper.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := keeper.Start(); err != nil {
		return nil, err
	}
	p := &Process{lifeline: stdin, ended: make(chan struct{})}
	out := bufio.NewReader(stdout)
	line, err := out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	if p.pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		return nil, err
	}
	go func() {
		_, _ = io.Copy(w, out) // ends with the program
		_ = p.lifeline.Close()
		_ = keeper.Wait() // it is killed, which is an error
		close(p.ended)
	}()
	return p, nil
}

// Kill ends the program at once, as a crash does, and returns when it is gone.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// Interrupt asks the program to end, as Ctrl-C does, and returns when it is gone.
// It kills a program that does not end.
func (p *Process) Interrupt() {
	p.signal(syscall.SIGINT)
	select {
	case <-p.ended:
	case <-time.After(interruptTime):
		p.Kill()
	}
}

// interruptTime is how long an interrupted program may take to end.
const interruptTime = 10 * time.Second

// signal sends a signal, unless the program is gone.
func (p *Process) signal(s syscall.Signal) {
	select {
	case <-p.ended:
	default:
		_ = syscall.Kill(p.pid, s) // it may have gone just now
	}
}

// PID is the program's process id.
func (p *Process) PID() int { return p.pid }

// Ended is closed when the program is gone.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Freeze stops the program without ending it or its connections.
func (p *Process) Freeze() error { return syscall.Kill(p.pid, syscall.SIGSTOP) }

// Thaw has a frozen program go on.
func (p *Process) Thaw() error { return syscall.Kill(p.pid, syscall.SIGCONT) }
