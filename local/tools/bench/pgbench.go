package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"seatlock/lockstore/pgstore/pgtest"
)

// bareInsert is the least that a lock must do.
const bareInsert = "\\set seat random(1, 2000000000)\nINSERT INTO bench VALUES (:seat, 'user') ON CONFLICT DO NOTHING;\n"

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// pgbench returns how many rows a second are inserted by as many connections as there
// are callers, with prepared statements.
func (d *database) pgbench(ctx context.Context) (float64, error) {
	out, err := d.runPgbench(ctx, "-c", strconv.Itoa(callers), "-j", "2", "-t", "60")
	if err != nil {
		return 0, err
	}
	found := tps.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("pgbench printed %q", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// inserts has one connection insert n rows, one after the other, and returns how long each
// took.
func (d *database) inserts(ctx context.Context, n int) ([]time.Duration, error) {
	logs, err := os.MkdirTemp(d.dir, "pgbench")
	if err != nil {
		return nil, err
	}
	if _, err := d.runPgbench(ctx, "-c", "1", "-t", strconv.Itoa(n), "-l", "--log-prefix", filepath.Join(logs, "log")); err != nil {
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(logs, "*"))
	if err != nil || len(names) != 1 {
		return nil, fmt.Errorf("pgbench wrote the logs %q: %w", names, err)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // client, transaction, microseconds, …
		if len(fields) < 3 {
			return nil, fmt.Errorf("pgbench logged %q", line)
		}
		us, err := strconv.Atoi(fields[2])
		if err != nil {
			return nil, err
		}
		took = append(took, time.Duration(us)*time.Microsecond)
	}
	if len(took) == 0 {
		return nil, errors.New("pgbench logged nothing")
	}
	return took, nil
}

// runPgbench runs pgbench with the bare statement, prepared, and returns what it prints.
func (d *database) runPgbench(ctx context.Context, args ...string) ([]byte, error) {
	program, err := pgtest.Program("pgbench")
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(d.Addr)
	if err != nil {
		return nil, err
	}
	script := filepath.Join(d.dir, "insert.sql")
	if err := os.WriteFile(script, []byte(bareInsert), 0o600); err != nil {
		return nil, err
	}
	args = append(args, "-h", host, "-p", port, "-U", pgtest.Superuser, "-n", "-M", "prepared", "-f", script, "postgres")
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("pgbench: %w\n%s", err, out)
	}
	return out, nil
}
