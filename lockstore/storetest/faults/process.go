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

// A Process is a running program. It ends when the current process ends, even if
// that is killed.
type Process struct {
	pid   int
	stdin io.Closer // of the keeper, which ends the program when this closes
	ended chan struct{}
}

// keeper is a shell script that runs a program until the script's own input ends,
// as it does when the process that started it ends. It interrupts the program
// first, so that the program can tidy up, and ends with it. The program's process
// prints its id before it becomes the program, whose output follows.
const keeper = `exec 3<&0
sh -c 'echo $$; exec "$@"' sh "$@" 2>&1 3<&- & program=$!
{ read line <&3; kill -INT $program; sleep 2; kill -9 $program; } >/dev/null 2>&1 & reader=$!
wait $program
kill $reader`

// StartProcess starts a program with the environment of the current process and
// env, whose entries are name=value. Its output and its standard error go to w,
// from one goroutine, until [Process.Ended] is closed.
func StartProcess(w io.Writer, env []string, program string, args ...string) (*Process, error) {
	return StartProcessAs(nil, w, env, program, args...)
}

// StartProcessAs is like [StartProcess], for a program that runs as another user;
// nil is the current user.
func StartProcessAs(user *syscall.Credential, w io.Writer, env []string, program string, args ...string) (*Process, error) {
	cmd := exec.Command("sh", append([]string{"-c", keeper, "sh", program}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	cmd.Env = append(os.Environ(), env...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{stdin: stdin, ended: make(chan struct{})}
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
		_ = p.stdin.Close()
		_ = cmd.Wait() // a program that was killed is an error
		close(p.ended)
	}()
	return p, nil
}

// Kill ends the program at once, as a crash does, and returns when it has ended.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// Interrupt interrupts the program, as Ctrl-C does, and returns when it has ended.
// It kills a program that has not ended after ten seconds.
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

// signal sends a signal, unless the program has ended.
func (p *Process) signal(s syscall.Signal) {
	select {
	case <-p.ended:
	default:
		_ = syscall.Kill(p.pid, s) // the program may have ended just now
	}
}

// PID returns the program's process id.
func (p *Process) PID() int { return p.pid }

// Ended returns a channel that is closed when the program has ended and all of its
// output is written.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Freeze stops the program without ending it or its connections.
func (p *Process) Freeze() error { return syscall.Kill(p.pid, syscall.SIGSTOP) }

// Thaw continues a frozen program.
func (p *Process) Thaw() error { return syscall.Kill(p.pid, syscall.SIGCONT) }
