//go:build !linux

package boltstore_test

import "errors"

// failSyncs is for Linux.
func failSyncs() error { return errors.New("only Linux filters system calls") }

func failFullSyncs() error { return failSyncs() }
