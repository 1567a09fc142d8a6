package pgtest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Program returns the path of one of PostgreSQL's programs: where Debian keeps
// those of the newest version, or on the PATH. It fails if PostgreSQL is not installed.
func Program(name string) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err == nil && len(found) > 0 {
		return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) }), nil
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("PostgreSQL is not installed (Debian: apt-get install postgresql): there is no %s", name)
}

// version returns the 15 of a path such as /usr/lib/postgresql/15/bin/postgres.
func version(path string) int {
	n, err := strconv.Atoi(strings.Split(path, "/")[4])
	if err != nil {
		return 0 // sorts before every version that is a number
	}
	return n
}

// account returns the user that runs the server: nil for the current user, and
// another if that is root, because PostgreSQL refuses to run as root.
func account() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return nil, fmt.Errorf("PostgreSQL refuses to run as root, and there is no user postgres or nobody: %w", err)
		}
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// programTime bounds how long one of PostgreSQL's programs may take on a busy machine.
const programTime = 2 * time.Minute

// run runs one of PostgreSQL's programs as the user that runs the servers.
func run(dir, name string, args ...string) error {
	program, err := Program(name)
	if err != nil {
		return err
	}
	who, err := account()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), programTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second // what it started may hold its output
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s had not ended after %v: %w\n%s", name, programTime, err, out)
	case err != nil:
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}
