package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/storetest/faults"
)

// refused runs the program, which must end at once with a one-line error that has
// the text. It may only print warnings before.
func refused(t *testing.T, says string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout bytes.Buffer
	log := new(faults.Log)
	err := run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), variables{}.get, &stdout, log)
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), says) {
		t.Errorf("%q ends with %v, want one line with %q", args, err, says)
	}
	if text := log.String(); stdout.Len() > 0 || strings.Count(text, "\n") != strings.Count(text, "level=WARN") {
		t.Errorf("%q says %q and %q", args, stdout.String(), text)
	}
}

// TestDataOutlivesTheRunner checks that seats survive a restart and can be
// exported while they are sold, and that the start-up line names the file.
func TestDataOutlivesTheRunner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "house.seats")
	url, out, stop := serving(t, "-data", file)
	for _, path := range []string{"/lock", "/confirm"} {
		if status, _, body := call(t, url+path, "A2", `ann, "the first"`); status != 200 {
			t.Fatal(body)
		}
	}
	if status, _, body := call(t, url+"/lock", "B1", "ben"); status != 200 {
		t.Fatal(body)
	}
	if text := out.String(); !strings.Contains(text, file) || !strings.Contains(text, "outlives a crash") {
		t.Errorf("it says %s", text)
	}
	export := func() string {
		var csv bytes.Buffer
		if err := run(t.Context(), []string{"-data", file, "-export"}, variables{}.get, &csv, &csv); err != nil {
			t.Fatal(err)
		}
		return changes.ReplaceAllString(csv.String(), "WHEN")
	}
	const want = "event,seat,user,booked\ndefault,A2,\"ann, \"\"the first\"\"\",WHEN\n"
	if got := export(); got != want {
		t.Errorf("exported while it serves: %q", got)
	}
	refused(t, file+": another process has it open", "-data", file)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := export(); got != want {
		t.Errorf("exported when it has stopped: %q", got)
	}

	url, _, _ = serving(t, "-data", file)
	if body := get(t, url+"/seats"); !strings.Contains(body, `"counts":{"available":98,"locked":1,"booked":1}`) {
		t.Errorf("after a restart there is %s", body)
	}
	if status, _, body := call(t, url+"/confirm", "B1", "ben"); status != 200 {
		t.Errorf("a lock of before: %s", body)
	}
}

// TestBadData checks that each mistake is reported in one line.
func TestBadData(t *testing.T) {
	dir := t.TempDir()
	file, text := filepath.Join(dir, "house.seats"), filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no seats"), 0o600); err != nil {
		t.Fatal(err)
	}
	url, _, stop := serving(t, "-data", file)
	if status, _, body := call(t, url+"/lock", "A1", "ann"); status != 200 {
		t.Fatal(body)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-data", file, "-redis", "redis://127.0.0.1"}, "-data and -redis"},
		{[]string{"-export"}, "-export: needs -data"},
		{[]string{"-data", file, "-seats", "3x3"}, "event default: lockstore: the store has this event with other seats"},
		{[]string{"-data", text}, "no file of Seatlock's"},
		{[]string{"-data", text, "-export"}, "no file of Seatlock's"},
		{[]string{"-data", dir}, "folder"},
		{[]string{"-data", filepath.Join(dir, "away", "house.seats")}, "there is no folder"},
		{[]string{"-data", filepath.Join(dir, "away"), "-export"}, "no such file"},
	} {
		refused(t, c.want, c.args...)
	}
}
