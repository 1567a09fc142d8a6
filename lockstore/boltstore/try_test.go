package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// tryEnv makes this program try to open the file that its argument names, and print
// the outcome. The variable is what is wrong with the disk, or empty.
const tryEnv = "BOLTSTORE_TEST_TRY"

// tryOn tries to open a file on a disk that fails or is full.
func tryOn(disk, path string) string {
	var err error
	switch disk {
	case "failing":
		err = failSyncs()
	case "failing later":
		return tryLater(path, failSyncs)
	case "cut short":
		return tryLater(path, func() error { return os.Truncate(path, 0) })
	case "failing fully":
		err = failFullSyncs()
	case "full":
		var info os.FileInfo
		if info, err = os.Stat(path); err == nil {
			err = limitFiles(uint64(info.Size()))
		}
	}
	if err != nil {
		return err.Error()
	}
	return try(path)
}

// tryLater locks two seats of a new file and calls happens in between.
func tryLater(path string, happens func() error) string {
	s, err := boltstore.Open(path)
	if err != nil {
		return err.Error()
	}
	ev, err := sellerEvent()
	if err != nil {
		return err.Error()
	}
	ctx := context.Background()
	_, err = s.Do(ctx, ev, lockstore.Lock("ann", ev.Seats[0]))
	if err := errors.Join(err, happens()); err != nil {
		return err.Error()
	}
	_, lockErr := s.Do(ctx, ev, lockstore.Lock("ben", ev.Seats[1]))
	snap, err := s.List(ctx, ev, "")
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%v, and %d seats are listed", lockErr, len(snap.Seats))
}

// limitFiles limits the size of the files that this process can write, which has the
// effect of a full disk.
func limitFiles(bytes uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = bytes
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// try tries to open a file and to read its bookings, and returns both outcomes.
func try(path string) string {
	said := "opened"
	if s, err := boltstore.Open(path); err != nil {
		said = err.Error()
	} else {
		s.Close()
	}
	bookings, err := boltstore.Bookings(path)
	if err != nil {
		return fmt.Sprintf("%s, and %v", said, err)
	}
	return fmt.Sprintf("%s, and %d bookings", said, len(bookings))
}
