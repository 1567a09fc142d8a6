package booking_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestCompressedForClientsThatAcceptIt checks the headers of compressed answers, and
// that their content is that of uncompressed ones.
func TestCompressedForClientsThatAcceptIt(t *testing.T) {
	s := openWith(t, new(memstore.Store), plainEvent(t, "small", seatIDs(500)...))
	s.must("/lock", `{"seatId":"S1","userId":"ann"}`)
	version := s.list("").Version
	s.must("/lock", `{"seatId":"S2","userId":"ann"}`)
	for _, target := range []string{"/seats?status=available", "/events", "/openapi.yaml"} {
		plain := s.get(target).want(200)
		got := s.get(target, "Accept-Encoding", "br, gzip;q=0.5").want(200)
		for _, h := range []map[string][]string{plain.Header(), got.Header()} {
			if fmt.Sprint(h["Vary"]) != "[Accept-Encoding]" {
				t.Errorf("%s: Vary is %q", target, h["Vary"])
			}
		}
		if e := plain.Header().Get("Content-Encoding"); e != "" {
			t.Errorf("%s: Content-Encoding is %s, and the client accepts none", target, e)
		}
		h := got.Header()
		if h.Get("Content-Encoding") != "gzip" || h.Get("Content-Length") != fmt.Sprint(got.Body.Len()) || h.Get("Content-Type") != plain.Header().Get("Content-Type") {
			t.Errorf("%s: the headers are %v, of a body of %d bytes", target, h, got.Body.Len())
		}
		r, err := gzip.NewReader(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(withoutTime(body), withoutTime(plain.Body.Bytes())) {
			t.Errorf("%s: %v, compressed it is\n%.300s\nwant\n%.300s", target, err, body, plain.Body)
		}
		again := s.get(target, "Accept-Encoding", "gzip", "If-None-Match", h.Get("ETag")).want(304)
		if again.Body.Len() > 0 || again.Header().Get("ETag") != h.Get("ETag") || again.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s, unchanged: %v %q", target, again.Header(), again.Body)
		}
	}
	for _, accept := range []string{"", "identity", "gzip;q=0", "br, zstd", "gzip;q=x"} {
		if a := s.get("/seats", "Accept-Encoding", accept).want(200); a.Header().Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding %q: it is compressed", accept)
		}
	}
	for _, accept := range []string{"gzip", "GZIP", "*", "deflate, gzip;q=1.0", "*;q=0.1"} {
		if a := s.get("/seats", "Accept-Encoding", accept).want(200); a.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("Accept-Encoding %q: it is not compressed", accept)
		}
	}
	// A short answer is not compressed.
	if a := s.get("/seats?since="+version, "Accept-Encoding", "gzip").want(200); a.Header().Get("Content-Encoding") != "" {
		t.Error("one change is compressed")
	}
}

// TestTagsDifferByEncoding checks that each encoding has a strong ETag of its own: a
// cache must not put parts of one body into another.
func TestTagsDifferByEncoding(t *testing.T) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	api, err := booking.New(booking.Config{
		Store: new(memstore.Store), Events: []venue.Event{plainEvent(t, "small", seatIDs(500)...)},
		Zstd: func(b []byte) []byte { return w.EncodeAll(b, nil) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t, api, nil}
	tags := make(map[string]string)
	for _, encoding := range []string{"", "gzip", "zstd"} {
		a := s.get("/events", "Accept-Encoding", encoding).want(200)
		tag := a.Header().Get("ETag")
		if a.Header().Get("Content-Encoding") != encoding || tags[tag] != "" {
			t.Errorf("%q: the headers are %v; %q has the same ETag", encoding, a.Header(), tags[tag])
		}
		tags[tag] = encoding + "."
	}
	for tag := range tags {
		s.get("/events", "If-None-Match", tag).want(304)
	}
}

// withoutTime removes the server's time from a list.
func withoutTime(list []byte) []byte {
	before, rest, found := bytes.Cut(list, []byte(`"serverTime":"`))
	if !found {
		return list
	}
	_, after, _ := bytes.Cut(rest, []byte(`"`))
	return append(bytes.Clone(before), after...)
}

// seatIDs returns S0, S1 and so on.
func seatIDs(n int) []lockstore.SeatID {
	ids := make([]lockstore.SeatID, n)
	for i := range ids {
		ids[i] = lockstore.SeatID(fmt.Sprint("S", i))
	}
	return ids
}
