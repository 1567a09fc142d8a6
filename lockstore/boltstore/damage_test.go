package boltstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// longName makes records long, so that the log is soon full.
var longName = lockstore.UserID(strings.Repeat("x", lockstore.MaxUserLen-2))

// soldFile makes a file with many bookings, some in the log and some at their places, and
// returns its content and the bookings.
func soldFile(t *testing.T) (file []byte, ev *lockstore.Event, bookings []boltstore.Booking) {
	t.Helper()
	d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 600, 0))
	d.LimitLog(32 << 10)
	parts := slices.Collect(slices.Chunk(d.ev.Seats, 50))
	book := func(parts [][]lockstore.SeatID) {
		for _, seats := range parts {
			d.lock("ann", seats...)
			d.confirm("ann", seats...)
		}
	}
	book(parts[:3])
	for n := range 6 { // 50 KB of log
		seats := parts[6+n%6]
		d.lock(longName, seats...)
		d.do(lockstore.Release(longName, seats...))
	}
	book(parts[3:6])
	small := newEvent(t, "small", 5, 0)
	d.ev, ev = small, d.ev
	d.lock("cat", "A1", "A5")
	d.confirm("cat", "A1", "A5")
	d.do(lockstore.Block("broken", "A2"))
	for n := range 20 {
		d.put(lockstore.Order{ID: lockstore.OrderID(fmt.Sprint("order", n)), Event: "small", Due: time.UnixMilli(int64(n)), Body: make([]byte, 1000)})
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(d.path)
	if err != nil {
		t.Fatal(err)
	}
	bookings, err = boltstore.Bookings(d.path)
	if err != nil || len(bookings) != 303 {
		t.Fatalf("%d bookings, %v", len(bookings), err)
	}
	return file, ev, bookings
}

// wantRefused checks that a file is refused in one line and not changed.
func wantRefused(t *testing.T, path string, want error, words string) {
	t.Helper()
	before := content(path)
	folder, _ := os.ReadDir(filepath.Dir(path))
	s, err := boltstore.Open(path)
	if err == nil {
		s.Close()
		t.Error("it was opened")
		return
	}
	if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, path) || !strings.Contains(text, words) || want != nil && !errors.Is(err, want) {
		t.Errorf("it is refused with %q", text)
	}
	if !bytes.Equal(before, content(path)) {
		t.Error("it was changed")
	}
	if now, _ := os.ReadDir(filepath.Dir(path)); len(now) != len(folder) {
		t.Errorf("the folder has %v", now)
	}
}

// content returns the content of a file, and nothing for anything else: reading a pipe would
// block.
func content(path string) []byte {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return text
}

// TestRefused checks that anything that is not a file of this version is refused and left as
// it is.
func TestRefused(t *testing.T) {
	whole, _, _ := soldFile(t)
	write := func(text []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		make  func(t *testing.T, path string)
		want  error
		words string
	}{
		"a folder":           {func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, nil, "it is a folder"},
		"a pipe":             {func(t *testing.T, path string) { must(t, syscall.Mkfifo(path, 0o600)) }, nil, "not a regular file"},
		"a link to nothing":  {func(t *testing.T, path string) { must(t, os.Symlink(path+".away", path)) }, nil, "link"},
		"a text":             {write([]byte(strings.Repeat("Who booked what\n", 1000))), boltstore.ErrDamaged, "not a file of Seatlock"},
		"a short text":       {write([]byte("A1 ann")), boltstore.ErrDamaged, "not a file of Seatlock"},
		"the first page":     {write(whole[:4096]), boltstore.ErrDamaged, ""},
		"half of it":         {write(whole[:len(whole)/2]), boltstore.ErrDamaged, "its end is missing"},
		"a beginning of 0":   {write(append(make([]byte, 4096), whole[4096:]...)), boltstore.ErrDamaged, ""},
		"nothing but 0":      {write(make([]byte, len(whole))), boltstore.ErrDamaged, ""},
		"of another program": {func(t *testing.T, path string) { otherProgram(t, path, "etcd", "key", "value") }, boltstore.ErrDamaged, "another program"},
		"of another version": {func(t *testing.T, path string) { otherProgram(t, path, "seatlock", "format", "3") }, nil, "start the version that wrote it"},
		"in use": {func(t *testing.T, path string) {
			write(whole)(t, path)
			open(t, path)
		}, boltstore.ErrInUse, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "seats")
			c.make(t, path)
			wantRefused(t, path, c.want, c.words)
		})
	}
	missing := filepath.Join(t.TempDir(), "folder", "seats")
	if _, err := boltstore.Open(missing); err == nil || !strings.Contains(err.Error(), "there is no folder") {
		t.Errorf("without its folder: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// otherProgram makes a bbolt file of another program.
func otherProgram(t *testing.T, path, bucket, key, value string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte(bucket))
		return errors.Join(err, b.Put([]byte(key), []byte(value)))
	}))
	must(t, db.Close())
}

// TestAnyDamage checks that a file that is damaged anywhere, in any way, is refused, or that
// the damage is in unused space and every booking is there.
func TestAnyDamage(t *testing.T) {
	t.Parallel()
	whole, ev, want := soldFile(t)
	const page = 4096
	path := filepath.Join(t.TempDir(), "seats")
	must(t, os.WriteFile(path, whole, 0o600))
	wantApart := readApart(t, path)
	rnd := rand.New(rand.NewPCG(1, 2))
	kinds := []struct {
		name  string
		times int
		do    func([]byte) []byte
	}{
		{"a bit flipped", 125, func(b []byte) []byte { b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8); return b }},
		{"a bit flipped in the head of a page", 200, func(b []byte) []byte {
			b[rnd.IntN(len(b)/page)*page+rnd.IntN(64)] ^= 1 << rnd.IntN(8)
			return b
		}},
		{"a page of 0", 60, func(b []byte) []byte { at := rnd.IntN(len(b)/page) * page; clear(b[at : at+page]); return b }},
		{"a page of another place", 60, func(b []byte) []byte {
			from, to := rnd.IntN(len(b)/page)*page, rnd.IntN(len(b)/page)*page
			copy(b[to:to+page], b[from:from+page])
			return b
		}},
		{"eight bytes of noise", 50, func(b []byte) []byte {
			at := rnd.IntN(len(b) - 8)
			for i := range 8 {
				b[at+i] = byte(rnd.Uint32())
			}
			return b
		}},
		{"its end cut off", 50, func(b []byte) []byte { return b[:rnd.IntN(len(b))] }},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			refused, harmless := 0, 0
			for range kind.times {
				damaged := kind.do(bytes.Clone(whole))
				must(t, os.WriteFile(path, damaged, 0o600))
				got, err := boltstore.Bookings(path)
				switch {
				case errors.Is(err, boltstore.ErrDamaged) && !strings.Contains(err.Error(), "\n"):
					refused++
				case err != nil:
					t.Fatalf("it ends with %v", err)
				case !reflect.DeepEqual(got, want):
					t.Fatalf("%d bookings are found, which are not those that were made", len(got))
				default:
					harmless++
				}
				if n := refused + harmless; n%50 != 0 && err != nil {
					continue // writing is slow
				}
				if err != nil {
					if len(damaged) > 0 {
						wantRefused(t, path, boltstore.ErrDamaged, "")
					}
					continue
				}
				if harmless%10 != 0 {
					continue
				}
				s, err := boltstore.Open(path)
				if errors.Is(err, boltstore.ErrDamaged) {
					continue // in the journal or in the orders, which Bookings does not read
				}
				must(t, errors.Join(err, s.Close()))
				if got := readApart(t, path); !reflect.DeepEqual(got, wantApart) {
					t.Fatalf("journal and orders are not those that were made: %v", got)
				}
				s, err = boltstore.Open(path)
				must(t, err)
				_, err = s.Do(t.Context(), ev, lockstore.Lock(lockstore.UserID(fmt.Sprint("user", harmless)), ev.Seats[400:450]...))
				must(t, errors.Join(err, s.Close()))
				if got, err := boltstore.Bookings(path); err != nil || !reflect.DeepEqual(got, want) {
					t.Fatalf("after a lock %d bookings are found, %v", len(got), err)
				}
			}
			t.Logf("refused %d times, harmless %d times", refused, harmless)
			if refused == 0 {
				t.Error("it is never refused")
			}
		})
	}
}

// apart is what a file has besides seats.
type apart struct {
	journal []lockstore.Entry
	orders  []lockstore.Order
}

// readApart reads the journals and the orders of a file that soldFile made.
func readApart(t *testing.T, path string) (found apart) {
	t.Helper()
	d := newTestStore(t, path, newEvent(t, "hamlet", 600, 0))
	defer d.Close()
	for _, ev := range []*lockstore.Event{d.ev, newEvent(t, "small", 5, 0)} {
		entries, err := d.Journal(t.Context(), ev, "", lockstore.MaxEntries)
		must(t, err)
		found.journal = append(found.journal, entries...)
	}
	var err error
	found.orders, err = d.Orders(t.Context(), "small", "")
	must(t, err)
	if len(found.journal) != 8 || len(found.orders) != 20 {
		t.Fatalf("there are %d entries and %d orders", len(found.journal), len(found.orders))
	}
	return found
}
