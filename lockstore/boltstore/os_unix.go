//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package boltstore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// renamesOpen reports whether a file can be renamed to the name of an open one.
const renamesOpen = true

// lockFile takes the lock that bbolt takes a moment later. The lock belongs to the
// open file, so bbolt takes it without a conflict.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}

// syncFolder makes the names of the files in a folder survive a loss of power. It
// does nothing where that is not possible: in a folder that may not be read,
// and on a file system that does not sync folders.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, f.Close())
}
