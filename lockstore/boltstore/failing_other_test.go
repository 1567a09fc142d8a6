//go:build !linux

package boltstore_test

import "errors"

// failSyncs fails: only Linux can filter system calls.
func failSyncs() error { return errors.New("only Linux filters system calls") }

func failFullSyncs() error { return failSyncs() }
