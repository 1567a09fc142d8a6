//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package boltstore

import "os"

// renamesOpen reports whether an open file can be renamed.
const renamesOpen = false

// lockFile leaves it to bbolt to wait for another process to end.
func lockFile(*os.File, bool) error { return nil }

// syncFolder is for systems on which a folder can be synced.
func syncFolder(string) error { return nil }
