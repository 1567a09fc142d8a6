package faults

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// A Process is a running program. It ends when the current process ends, even if
// that is killed.
type Process struct {
	name  string
	pid   int
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
	cmd.WaitDelay = outputTime
	first := make(chan string, 1)
	out := &output{w: w, first: first}
	cmd.Stdout = out
	stdin, err := cmd.StdinPipe() // the keeper ends the program when this closes
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{name: program, ended: make(chan struct{})}
	go func() {
		err := cmd.Wait() // a program that was killed is an error
		_ = stdin.Close()
		if errors.Is(err, exec.ErrWaitDelay) {
			fmt.Fprintf(w, "\nfaults: %s has ended, and %v later a process that it started still had its output open\n", program, outputTime)
		}
		close(p.ended)
	}()
	began := time.Now()
	select {
	case line := <-first:
		p.pid, err = strconv.Atoi(line)
		return p, err
	case <-p.ended:
	case <-time.After(killTime):
		_ = cmd.Process.Kill() // it has started nothing
		<-p.ended
	}
	select {
	case line := <-first: // of a program that has ended already
		p.pid, err = strconv.Atoi(line)
		return p, err
	default:
		return nil, fmt.Errorf("starting %s: its process id was not printed within %v", program, time.Since(began))
	}
}

// outputTime is how long the output of a program that has ended may stay open.
// Processes that it started may outlive it and hold the output.
const outputTime = 5 * time.Second

// An output passes on what is written to it, except for the first line.
type output struct {
	w     io.Writer
	line  []byte
	first chan string // gets the first line; nil afterwards
}

// Write implements [io.Writer].
func (o *output) Write(b []byte) (int, error) {
	rest := b
	if o.first != nil {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			o.line = append(o.line, b...)
			return len(b), nil
		}
		o.first <- string(append(o.line, b[:i]...))
		o.first = nil
		rest = b[i+1:]
	}
	if len(rest) > 0 {
		if _, err := o.w.Write(rest); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// Kill ends the program at once, as a crash does, and returns when it has ended.
// It panics if the program does not end: a test that went on would test nothing.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	select {
	case <-p.ended:
	case <-time.After(killTime):
		panic(fmt.Sprintf("faults: %s, process %d, has not ended %v after it was killed", p.name, p.pid, killTime))
	}
}

// killTime is how long a killed program may take to end, on a busy machine.
const killTime = 30 * time.Second

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
