//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package boltstore

import "os"

// renamesOpen reports whether a file can be renamed to the name of an open one.
const renamesOpen = false

// lockFile does nothing: bbolt waits until another process has closed the file.
func lockFile(*os.File) error { return nil }

// syncFolder does nothing: folders cannot be synced here.
func syncFolder(string) error { return nil }
