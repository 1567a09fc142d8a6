// Package powerloss shows what is left of a program's files after a loss of power.
//
// [Command] runs a program under strace, which records what it writes and when it
// waits for the disk. A [Recording] then makes what a disk may have at any moment:
// everything that the program had waited for, and any part of the rest. A part is a
// sector of 512 bytes of a write, the size of a file, or a change of a name.
//
// It replays the promises of the system calls, not a real disk. It cannot show what
// happens on a disk that confirms what it does not have, or that damages what was
// written before. A sector is there or not, never half of it. The program must not
// write to its files through memory (mmap).
//
// The package knows nothing about stores.
package powerloss

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program is the program that must be on the PATH.
const Program = "strace"

// sector is the number of bytes that a disk writes as a whole.
const sector = 512

// Command returns the command that runs a program and records it in the file log. The
// process is the program's own. Its standard output ends once the recording is complete.
// The program must name the files that it opens by absolute paths.
func Command(ctx context.Context, log, program string, args ...string) *exec.Cmd {
	options := []string{
		"-D",              // the program is the child, so it can be killed
		"-f", "-qq", "-y", // all threads, the names of open files
		"-xx", "-s", "16777216", // all bytes of a write, in hexadecimal
		"-e", "trace=openat,write,pwrite64,ftruncate,fdatasync,fsync,renameat,unlinkat",
		"-e", "signal=none",
		"-o", log, "--", program,
	}
	return exec.CommandContext(ctx, Program, append(options, args...)...)
}

// A Recording is what programs that ran one after the other did to the files of one
// folder, in order.
type Recording struct {
	folder string
	steps  []step
}

// A kind says what a step does.
type kind uint8

const (
	write    kind = iota // data at an offset
	truncate             // the size
	sync                 // waits for the file, or for the folder
	create               // the name
	rename               // the name to another
	remove               // the name
	say                  // to the standard output
	nothing              // a call that failed
)

// A step is the beginning or the end of a system call.
type step struct {
	kind   kind
	end    bool
	call   int    // the place of the beginning
	name   string // of the file, or "" for the folder
	to     string
	offset int64 // or the size
	data   []byte
}

// New returns an empty recording of the files in a folder, which is empty.
func New(folder string) (*Recording, error) {
	real, err := filepath.EvalSymlinks(folder) // as the system names it
	return &Recording{folder: real}, err
}

// Len returns the number of moments at which the power can fail.
func (r *Recording) Len() int { return len(r.steps) + 1 }

// A Line is a line that a program wrote to its standard output.
type Line struct {
	Text string
	At   int // the first moment at which it was written
}

// Said returns the lines that the programs wrote, in order.
func (r *Recording) Said() []Line {
	var said []Line
	for i, s := range r.steps {
		if s.kind == say && !s.end {
			said = append(said, Line{strings.TrimSuffix(string(s.data), "\n"), i + 1})
		}
	}
	return said
}

// An Image is what a disk has after a loss of power.
type Image struct {
	Files map[string][]byte // by name
	Said  []byte            // what was written to the standard output before
}

// Write writes the files to a folder.
func (m Image) Write(folder string) error {
	for name, content := range m.Files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Image returns what a disk may have if the power fails at a moment, which is at least
// 0 and less than Len. The disk confirms a sync once it has what was written or, if
// early is set, at once.
func (r *Recording) Image(at int, early bool, rnd *rand.Rand) Image {
	d := newDisk()
	for _, s := range r.steps[:at] {
		d.step(s, early)
	}
	return Image{d.fail(rnd), d.said}
}

// Cached returns the files as the system has them at a moment while there is power.
func (r *Recording) Cached(at int) Image {
	d := r.play(at)
	return Image{d.cached(), d.said}
}

// Synced returns the least that a disk may have if the power fails at a moment.
func (r *Recording) Synced(at int) Image {
	d := r.play(at)
	return Image{contents(d.synced, none), d.said}
}

// Syncs returns the moments at which a program is about to wait for a file.
func (r *Recording) Syncs() []int {
	var at []int
	for i, s := range r.steps {
		if s.kind == sync && s.name != "" && !s.end {
			at = append(at, i)
		}
	}
	return at
}

// Kill makes the recording and the folder what they would be if the program had been
// killed at a moment.
func (r *Recording) Kill(at int) error {
	found, err := os.ReadDir(r.folder)
	if err != nil {
		return err
	}
	for _, entry := range found {
		if err := os.Remove(filepath.Join(r.folder, entry.Name())); err != nil {
			return err
		}
	}
	image := r.Cached(at)
	r.steps = r.steps[:at]
	return image.Write(r.folder)
}

// play returns the disk at a moment, if it confirms only what it has.
func (r *Recording) play(at int) *disk {
	d := newDisk()
	for _, s := range r.steps[:at] {
		d.step(s, false)
	}
	return d
}
