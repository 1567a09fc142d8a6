package boltstore_test

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// failSyncs makes every later fdatasync of this process fail with EIO, as it does when
// a disk breaks. It uses a filter for system calls, which cannot be removed.
func failSyncs() error { return failCalls(unix.SYS_FDATASYNC) }

// failFullSyncs is failSyncs for fsync, which a store uses for folders and
// for files that grow.
func failFullSyncs() error { return failCalls(unix.SYS_FSYNC) }

func failCalls(number uint32) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(syscall.EIO)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	runtime.LockOSThread() // the first call affects this thread, the second all
	defer runtime.UnlockOSThread()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errors.Join(errors.New("no filter"), errno)
	}
	return nil
}

// TestNothingIsAcknowledgedBeforeTheDiskHasIt checks that a file is not opened if the
// disk cannot confirm it. A process that was killed may have left a booking only in the
// system's memory. If the file were opened, a repeated confirm would be acknowledged
// without a write. For the same reason bookings are not exported.
func TestNothingIsAcknowledgedBeforeTheDiskHasIt(t *testing.T) {
	d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 10, 0))
	d.lock("ann", "A1")
	d.confirm("ann", "A1")
	must(t, d.Close())
	for how, want := range map[string]string{
		"":              "opened, and 1 bookings",
		"failing":       "boltstore: cannot use PATH: the disk does not confirm that it has the file: input/output error, and 1 bookings",
		"failing fully": "boltstore: cannot use PATH: the disk does not confirm that it has the file: input/output error, and boltstore: cannot read PATH: input/output error",
		"full":          "opened, and 1 bookings",
	} {
		out, err := command(t, tryEnv+"="+how, d.path).CombinedOutput()
		if got := strings.ReplaceAll(string(out), d.path, "PATH"); got != want || err != nil {
			t.Errorf("a disk that is %q: %s, %v, want %s", how, got, err, want)
		}
	}
}

// TestFailedWriteEndsNothing checks that a call whose pages the disk does not confirm
// does nothing, and that the store goes on.
func TestFailedWriteEndsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seats")
	out, err := command(t, tryEnv+"=failing later", path).CombinedOutput()
	got := strings.ReplaceAll(string(out), path, "PATH")
	if want := "PATH could not be written: input/output error, and 1 seats are listed"; err != nil || !strings.HasSuffix(got, want) {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

// TestDiskFails checks, for each wait for the disk that may fail, that no call succeeds
// unless it is on the disk, and that no call that may be on it reports that nothing was done.
func TestDiskFails(t *testing.T) {
	outcomes := make(map[string]int)
	for range 40 {
		path := filepath.Join(t.TempDir(), "seats")
		said := runSeller(t, path, "failing", 0)
		if wantWritten(t, path, said); t.Failed() {
			return
		}
		if len(said["booked"]) == 0 || len(said["closed"]) == 0 {
			t.Fatalf("the seller printed %q", said)
		}
		outcomes["unknown"] += min(1, len(said["unknown"]))
		for _, why := range said["refused"] {
			switch {
			case strings.Contains(why, "could not be written"):
				outcomes["not written"]++
			case strings.Contains(why, "until the program is started again"):
				outcomes["not known"]++
			default:
				t.Fatalf("a call was refused with %s", why)
			}
		}
		if outcomes["unknown"] > 1 && outcomes["not written"] > 1 && outcomes["not known"] > 1 {
			return // it has ended in each way
		}
	}
	t.Errorf("it ended in these ways: %v", outcomes)
}
