package faults

import (
	"syscall"
	"testing"
	"time"
)

// ProcessorTime returns how much processor time this process has used. On a busy machine
// it says more about code than the time on a clock does.
func ProcessorTime(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
