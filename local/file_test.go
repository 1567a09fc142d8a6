package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/faults"
)

// refused runs the program, which must end at once with a one-line error that contains
// the text. It may print only warnings before that.
func refused(t *testing.T, text string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout bytes.Buffer
	log := new(faults.Log)
	err := run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), variables{}.get, &stdout, log)
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), text) {
		t.Errorf("%q ended with %v, want one line with %q", args, err, text)
	}
	if logged := log.String(); stdout.Len() > 0 || strings.Count(logged, "\n") != strings.Count(logged, "level=WARN") {
		t.Errorf("%q printed %q and logged %q, want only warnings", args, stdout.String(), logged)
	}
}

// TestDataSurvivesARestart checks that seats survive a restart and can be exported
// while they are sold, and that the start-up line names the file.
func TestDataSurvivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "theatre.seats")
	url, out, stop := serving(t, "-data", file)
	for _, path := range []string{"/lock", "/confirm"} {
		if status, _, body := call(t, url+path, "A2", `ann, "the first"`); status != 200 {
			t.Fatal(body)
		}
	}
	if status, _, body := call(t, url+"/lock", "B1", "ben"); status != 200 {
		t.Fatal(body)
	}
	if text := out.String(); !strings.Contains(text, file) || !strings.Contains(text, "survives a crash") {
		t.Errorf("the log: %s", text)
	}
	export := func() string {
		var csv bytes.Buffer
		if err := run(t.Context(), []string{"-data", file, "-export"}, variables{}.get, &csv, &csv); err != nil {
			t.Fatal(err)
		}
		return changes.ReplaceAllString(csv.String(), "WHEN")
	}
	const want = "event,seat,section,row,number,category,status,user,reference,since\ndefault,A2,,A,2,,booked,\"ann, \"\"the first\"\"\",,WHEN\n"
	if got := export(); got != want {
		t.Errorf("the export while the runner serves is %q, want %q", got, want)
	}
	refused(t, file+": another process has it open", "-data", file)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := export(); got != want {
		t.Errorf("the export after the runner has stopped is %q, want %q", got, want)
	}

	url, _, _ = serving(t, "-data", file)
	if body := get(t, url+"/seats"); !strings.Contains(body, `"counts":{"available":98,"locked":1,"booked":1}`) {
		t.Errorf("the list after a restart is %s", body)
	}
	if status, _, body := call(t, url+"/confirm", "B1", "ben"); status != 200 {
		t.Errorf("a confirm of a lock from before the restart: %d %s", status, body)
	}
}

// TestExportedCells checks that a spreadsheet cannot run the event, the seat, the user or the
// reference of an export as a formula.
func TestExportedCells(t *testing.T) {
	file := filepath.Join(t.TempDir(), "theatre.seats")
	store, err := boltstore.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	ev := storetest.Event(t, "-1", time.Minute, 0, "-2", "A1")
	for _, op := range []lockstore.Op{lockstore.Book("=3+4", "-5", "-2"), lockstore.Block("-6", "A1")} {
		if _, err := store.Do(t.Context(), ev, op); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	var csv bytes.Buffer
	if err := run(t.Context(), []string{"-data", file, "-export"}, variables{}.get, &csv, &csv); err != nil {
		t.Fatal(err)
	}
	if got, want := changes.ReplaceAllString(csv.String(), "WHEN"), "event,seat,section,row,number,category,status,user,reference,since\n'-1,'-2,,,,,booked,'=3+4,'-5,WHEN\n'-1,A1,,,,,blocked,,'-6,WHEN\n"; got != want {
		t.Errorf("the export is %q, want %q", got, want)
	}
}

// TestBadData checks that each mistake is reported in one line.
func TestBadData(t *testing.T) {
	dir := t.TempDir()
	file, text := filepath.Join(dir, "theatre.seats"), filepath.Join(dir, "text")
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
		{[]string{"-data", text}, "not a file of Seatlock"},
		{[]string{"-data", text, "-export"}, "not a file of Seatlock"},
		{[]string{"-data", dir}, "folder"},
		{[]string{"-data", filepath.Join(dir, "away", "theatre.seats")}, "there is no folder"},
		{[]string{"-data", filepath.Join(dir, "away"), "-export"}, "no such file"},
	} {
		refused(t, c.want, c.args...)
	}
}
