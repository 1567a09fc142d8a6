package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// fileMode keeps who booked what from other users of the machine.
const fileMode = 0o600

// options are how bbolt is used. It finds the free pages when it opens the file
// instead of keeping a list of them there: that would be one more page to write
// for each transaction, and one more thing to be damaged.
func options(open func(flag int) (*os.File, error)) *bolt.Options {
	return &bolt.Options{
		NoFreelistSync: true,
		FreelistType:   bolt.FreelistMapType,
		NoStatistics:   true,
		OpenFile:       func(_ string, flag int, _ os.FileMode) (*os.File, error) { return open(flag) },
	}
}

// openFile opens the file to be written, and makes it first if need be.
func openFile(path string) (*bolt.DB, *os.File, contents, error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSymlink {
			return nil, nil, contents{}, errors.New("it is a link to a file that is not there")
		}
		if err := create(path); err != nil {
			return nil, nil, contents{}, err
		}
	case err == nil && info.Mode().IsRegular() && info.Size() == 0:
		if err := create(path); err != nil {
			return nil, nil, contents{}, err
		}
	}
	// The file is looked through before bbolt sees it, since that ends the
	// program where it meets damage, and locked before it is looked through.
	var file *os.File
	var found contents
	db, err := bolt.Open(path, fileMode, options(func(flag int) (_ *os.File, err error) {
		if file, err = openLocked(path, flag&^os.O_CREATE); err != nil {
			return nil, err
		}
		if found, err = verify(file, nil); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file, nil
	}))
	return db, file, found, err
}

// openLocked opens a regular file for this process alone.
func openLocked(path string, flag int) (*os.File, error) {
	f, err := openRegular(path, flag)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f, true); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// openRegular opens a regular file. To open a pipe would be to wait for its
// other end.
func openRegular(path string, flag int) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0:
	case err != nil:
		return nil, reason(err)
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	}
	f, err := os.OpenFile(path, flag, fileMode)
	return f, reason(err)
}

// errCreated is of a file that another process has made meanwhile.
var errCreated = errors.New("it is there")

// create makes a file that nothing was written to yet. It makes it under
// another name, so that at no moment there is half of one under its own. Only the
// process that has locked the unfinished file may rename or remove it: another one
// could replace a file that is in use by now.
func create(path string) error {
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s", folder)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path, folder = real, filepath.Dir(real)
	}
	unfinished := path + ".new"
	db, err := bolt.Open(unfinished, fileMode, options(func(flag int) (*os.File, error) {
		f, err := openLocked(unfinished, flag)
		if err != nil {
			return nil, err
		}
		if err := claim(f, unfinished, path); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, f.Truncate(0) // what is there is half of one
	}))
	if errors.Is(err, errCreated) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot make it: %w", err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketHead, bucketEvents, bucketLog, bucketSeats} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		head := tx.Bucket(bucketHead)
		return errors.Join(head.Put(keyFormat, []byte(formatOfFile)), head.Put(keySum, formatSum(0)))
	})
	if err == nil && !renamesOpen {
		err = db.Close()
	}
	if err == nil {
		err = os.Rename(unfinished, path)
	}
	if err == nil {
		err = syncFolder(folder)
	}
	if err != nil {
		err = errors.Join(reason(err), os.RemoveAll(unfinished))
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("cannot make it: %w", err)
	}
	return nil
}

// claim returns nil if the locked file f, which was opened as unfinished, may become
// path. If another process has made path meanwhile, the error is errCreated, and
// claim removes unfinished if that still names f. ErrInUse means that it does not:
// another process renamed or removed f before it was locked.
func claim(f *os.File, unfinished, path string) error {
	ours := named(f, unfinished)
	info, err := os.Stat(path)
	switch there := err == nil && info.Size() > 0; {
	case there && ours:
		return errors.Join(errCreated, os.Remove(unfinished))
	case there:
		return errCreated
	case !ours:
		return ErrInUse
	}
	return nil
}

// named reports whether path names the open file.
func named(f *os.File, path string) bool {
	open, openErr := f.Stat()
	there, err := os.Stat(path)
	return errors.Join(openErr, err) == nil && os.SameFile(open, there)
}

// reason is what the system says, without the name that the caller knows.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
