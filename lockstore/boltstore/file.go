package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// fileMode keeps bookings from other users of the machine.
const fileMode = 0o600

// options returns the options for bbolt. It finds the free pages when it opens the file,
// instead of keeping a list of them there: the list would be one more page to
// write in each transaction, and one more thing that can be damaged.
func options(open func(flag int) (*os.File, error)) *bolt.Options {
	return &bolt.Options{
		NoFreelistSync: true,
		FreelistType:   bolt.FreelistMapType,
		NoStatistics:   true,
		OpenFile:       func(_ string, flag int, _ os.FileMode) (*os.File, error) { return open(flag) },
	}
}

// openFile opens the file for writing. It creates the file if it is missing or
// empty.
func openFile(path string) (_ *bolt.DB, _ *os.File, _ contents, err error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSymlink {
			return nil, nil, contents{}, errors.New("it is a link to a file that does not exist")
		}
		if err := create(path); err != nil {
			return nil, nil, contents{}, err
		}
	case err == nil && info.Mode().IsRegular() && info.Size() == 0:
		if err := create(path); err != nil {
			return nil, nil, contents{}, err
		}
	}
	// The file is locked, then verified, and only then read by bbolt, which ends the
	// program if it finds damage.
	var file *os.File
	var found contents
	db, err := bolt.Open(path, fileMode, options(func(flag int) (_ *os.File, err error) {
		if file, err = openLocked(path, flag&^os.O_CREATE); err != nil {
			return nil, err
		}
		if found, err = verifyFile(file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file, nil
	}))
	if err != nil {
		return nil, nil, contents{}, err
	}
	if found.tx, err = commitAgain(db, path, found); err != nil {
		err = fmt.Errorf("the disk does not confirm that it has the file: %w", reason(err))
		if found.format != formatOfFile {
			err = fmt.Errorf("the file could not be converted from format %s to format %s: %w", found.format, formatOfFile, err)
		}
		return nil, nil, contents{}, errors.Join(err, db.Close())
	}
	return db, file, found, nil
}

// commitAgain makes sure that the disk has the file as it was read, and its name.
// It returns the number of the file's last transaction.
//
// A process that was killed while it waited for the disk may have left its last
// transaction only in the system's memory. A sync is not enough to get it to the
// disk: if an earlier one failed, the system may have forgotten that there is
// something to write. So a transaction that changes nothing is committed. It
// writes no page but its meta page, so if it fails, the transactions before it are
// as they were. If the file has the previous format, the transaction upgrades it.
func commitAgain(db *bolt.DB, path string, found contents) (tx uint64, err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return 0, err
	}
	if err := syncFolder(filepath.Dir(real)); err != nil {
		return 0, err
	}
	err = db.Update(func(t *bolt.Tx) error {
		tx = uint64(t.ID())
		if found.format == formatOfFile {
			return nil
		}
		return raiseFormat(t, &found.sums)
	})
	return tx, err
}

// raiseFormat upgrades a file from the previous format to this one. All values of the
// previous format are valid in this one.
func raiseFormat(tx *bolt.Tx, sum *sums) error {
	for _, name := range [][]byte{bucketJournal, bucketOrders, bucketOrdersOf, bucketDue} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return errors.Join(tx.Bucket(bucketHead).Put(keyFormat, []byte(formatOfFile)), sum.write(tx))
}

// openLocked opens a regular file for this process only.
func openLocked(path string, flag int) (*os.File, error) {
	f, err := openRegular(path, flag)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// openRegular opens a regular file. Opening a pipe would block until its other
// end is opened.
func openRegular(path string, flag int) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0:
	case err != nil:
		return nil, reason(err)
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.OpenFile(path, flag, fileMode)
	return f, reason(err)
}

// create makes a file without events at path, where the file is missing or empty.
//
// The file is written under another name and renamed when it is complete, so
// that path never names half a file. Only the process that has locked the empty
// file at path may rename another to it. Otherwise the slower of two processes
// could replace the file that the faster one already uses.
func create(path string) error {
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s", folder)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path, folder = real, filepath.Dir(real)
	}
	empty, err := openLocked(path, os.O_RDWR|os.O_CREATE)
	if errors.Is(err, ErrInUse) {
		return err
	}
	if err != nil {
		return fmt.Errorf("cannot make it: %w", err)
	}
	defer empty.Close() // nothing was written to it
	if info, err := empty.Stat(); err != nil || info.Size() > 0 || !names(path, info) {
		return err // another process has made the file meanwhile
	}
	file, err := os.CreateTemp(folder, filepath.Base(path)+".new-*")
	if err != nil {
		return fmt.Errorf("cannot make it: %w", reason(err))
	}
	err = writeNew(file)
	if !renamesOpen {
		empty.Close()
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cannot make it: %w", errors.Join(reason(err), os.Remove(file.Name())))
	}
	return nil
}

// writeNew writes the content of a file without events, and closes the file.
func writeNew(file *os.File) error {
	db, err := bolt.Open(file.Name(), fileMode, options(func(int) (*os.File, error) { return file, nil }))
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketHead, bucketEvents, bucketLog, bucketSeats} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return raiseFormat(tx, new(sums))
	})
	return errors.Join(err, db.Close())
}

// names reports whether path names the file.
func names(path string, file fs.FileInfo) bool {
	info, err := os.Stat(path)
	return err == nil && os.SameFile(info, file)
}

// reason returns the system's error without the path, which the caller knows.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
