package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/seatlist"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
)

// A countingListener counts the writes to its connections.
type countingListener struct {
	net.Listener
	writes atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countingConn{c, l}, err
}

type countingConn struct {
	net.Conn
	of *countingListener
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.of.writes.Add(1)
	return c.Conn.Write(p)
}

// answering serves the answers of the handler as the runner does, until the end of the
// test.
func answering(t *testing.T, policy access.Policy, answer http.HandlerFunc) *countingListener {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s := settings.Server{Connections: 100, Share: 100}
	l := &countingListener{Listener: tcp}
	limits := newLimits(s, policy, tcp.Addr(), log)
	srv := &http.Server{
		ConnContext: withConnection,
		Handler: telemetry.Observe(limits.handler(func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
			answer(w, r)
			return telemetry.Outcome{}
		}), func(context.Context) string { return "id" }),
	}
	go srv.Serve(limitConnections(l, s, nil, log)) // ends with Close
	t.Cleanup(func() { srv.Close() })
	return l
}

// TestAnswersAreSentInOnePiece checks that an answer of up to 16 KB is sent with one
// write, with its header, and that the connection can be used for the next ones.
func TestAnswersAreSentInOnePiece(t *testing.T) {
	l := answering(t, access.Policy{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", r.Header.Get("Length"))
		io.WriteString(w, strings.Repeat("seat", 500))
		io.WriteString(w, strings.Repeat("seat", int(r.ContentLength)))
	})
	for _, c := range []struct {
		seats, length string
		most          int64
	}{
		{strings.Repeat("x", 500), "4000", 1},
		{"", "2000", 1},
		{strings.Repeat("x", 3300), "15200", 1},
		{strings.Repeat("x", 20_000), "82000", 100},
		{strings.Repeat("x", 500), "4000", 1},
	} {
		l.writes.Store(0)
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.Addr().String(), strings.NewReader(c.seats))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Length", c.length)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.Header.Get("Content-Length") != c.length || strings.ReplaceAll(string(body), "seat", "") != "" {
			t.Errorf("the answer has %d bytes, %v, of %s", len(body), err, c.length)
		}
		if n := l.writes.Load(); n > c.most {
			t.Errorf("an answer of %s bytes was sent with %d writes, want at most %d", c.length, n, c.most)
		}
	}
}

// copied answers with a text from a reader: /gathered with a short one, /chunked with one
// whose length the header does not have, and /created with another status than 200.
func copied(w http.ResponseWriter, r *http.Request) {
	text := copiedText(r.URL.Path)
	if r.URL.Path != "/chunked" {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	if r.URL.Path == "/created" {
		w.WriteHeader(http.StatusCreated)
	}
	io.Copy(w, io.LimitReader(strings.NewReader(text), int64(len(text)))) // has no WriteTo
}

func copiedText(path string) string {
	if path == "/gathered" {
		return strings.Repeat("seat", 1000)
	}
	return strings.Repeat("seat", 10_000)
}

// TestAnswersFromReaders checks that the header of an answer comes before a body that its
// handler copies from a reader, that the body is whole, also that of a list with more
// pieces than are written in one call of the system, and that the connection can be used
// for the next ones.
func TestAnswersFromReaders(t *testing.T) {
	ids := make([]lockstore.SeatID, 20_000)
	for i := range ids {
		ids[i] = lockstore.SeatID(fmt.Sprint("S", i))
	}
	ev := storetest.Event(t, "large", time.Minute, 0, ids...)
	list, err := seatlist.New(new(memstore.Store), ev, seatlist.NewPlan(ev.Layout, seatlist.Parts{})).List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if n := list.Reader().Next(make([][]byte, mostPieces+1)); n <= mostPieces {
		t.Fatalf("the list has %d pieces, want more than %d", n, mostPieces)
	}
	var whole bytes.Buffer
	list.WriteTo(struct{ io.Writer }{&whole}) // writing to a buffer cannot fail
	l := answering(t, access.Policy{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/list" {
			copied(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(list.Len()))
		list.WriteTo(w)
	})
	c := connect(t, "127.0.0.2", "http://"+l.Addr().String())
	for _, path := range []string{"/gathered", "/list", "/gathered", "/chunked", "/list", "/created", "/gathered"} {
		want := copiedText(path)
		if path == "/list" {
			want = whole.String()
		}
		if _, body, err := c.ask(getRequest(path)); err != nil || body != want {
			t.Fatalf("the answer to %s has %d bytes, %v; they must be the %d that the handler wrote", path, len(body), err, len(want))
		}
	}
}

// TestAnswersFromReadersAreCharged checks that bodies that are copied from a reader count
// against the client's rate of bytes.
func TestAnswersFromReadersAreCharged(t *testing.T) {
	for _, path := range []string{"/gathered", "/chunked", "/created"} {
		l := answering(t, access.Policy{Bytes: access.NewByteRate(1)}, copied)
		c := connect(t, "127.0.0.2", "http://"+l.Addr().String())
		if _, body, err := c.ask(getRequest(path)); err != nil || body != copiedText(path) {
			t.Errorf("the answer to %s has %d bytes, %v", path, len(body), err)
		}
		c.want(getRequest(path), 429, `"code":"rate_limited"`)
	}
}
