package redistest

import (
	_ "embed"
	"time"
)

// diskSource is a C library that makes fsync and fdatasync take longer.
//
//go:embed disk/disk.c
var diskSource []byte

// A Disk is a disk that can be made slow, for the servers that [Disk.Start] starts.
type Disk struct{ preload }

// NewDisk returns a disk with its files in dir. It needs a C compiler, cc.
func NewDisk(dir string) (*Disk, error) {
	p, err := newPreload(dir, "disk", "DISK_DELAY", diskSource)
	return &Disk{p}, err
}

// Slow makes every fsync and fdatasync that begins from now on take that much
// longer, in whole milliseconds.
func (d *Disk) Slow(delay time.Duration) error { return d.set(delay.Milliseconds()) }

// Start is like the function [Start], for a server that uses the disk.
func (d *Disk) Start(dir string, args ...string) (*Server, error) { return d.start(dir, args) }
