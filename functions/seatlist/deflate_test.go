package seatlist_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"seatlock/functions/seatlist"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestCompressed checks compressed lists of every kind with the standard library, which
// also verifies the length and the checksum of a gzip stream.
func TestCompressed(t *testing.T) {
	for _, n := range []int{1, 255, 256, 257, 5000} {
		store, ev := new(memstore.Store), event(t, n)
		feed := feedOf(store, ev)
		version := get(t, feed, "").Version
		for i := 0; i < n; i += 7 {
			lock(t, store, ev, "ann", ev.Seats[i])
		}
		snap, err := feed.Refresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, l := range map[string]*seatlist.List{
			"all":       snap.Since(""),
			"no":        snap.Since(snap.Since("").Version),
			"changed":   snap.Since(version),
			"locked":    snap.WithStatus(lockstore.Locked),
			"booked":    snap.WithStatus(lockstore.Booked),
			"available": snap.WithStatus(lockstore.Available),
		} {
			var want bytes.Buffer
			if _, err := l.WriteTo(&want); err != nil {
				t.Fatal(err)
			}
			r, err := gzip.NewReader(bytes.NewReader(l.Gzip()))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Errorf("%s of %d seats: %v, gzip has\n%.300s\nwant\n%.300s", name, n, err, got, &want)
			}
			frame := l.Framed(func(length int) []byte { return []byte("head:") })
			message, ok := strings.CutPrefix(string(frame), "head:")
			const rest = "\x00\x00\xff\xff\x01\x00\x00\xff\xff" // what RFC 7692 leaves out, and the end of the stream
			got, err := io.ReadAll(flate.NewReader(strings.NewReader(message + rest)))
			if !ok || err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Errorf("%s of %d seats: %v, the message has\n%.300s\nwant\n%.300s", name, n, err, got, &want)
			}
		}
	}
}
