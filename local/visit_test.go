package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"testing"

	"seatlock/functions/booking"
	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/local/web"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A visit counts the bytes that a browser gets on its first visit.
type visit struct {
	t        *testing.T
	handler  http.Handler
	encoding string
	got      map[string]bool
	bytes    int
}

// get counts the answer once, including its header, and returns the uncompressed body.
func (v *visit) get(path string) []byte {
	v.t.Helper()
	if v.got[path] {
		return nil
	}
	v.got[path] = true
	ask := func(encoding string) *http.Response {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		v.handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			v.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Result()
	}
	sent := new(bytes.Buffer)
	if err := ask(v.encoding).Write(sent); err != nil {
		v.t.Fatal(err)
	}
	v.bytes += sent.Len()
	plain, err := io.ReadAll(ask("").Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return plain
}

// files gets a file of the page and the files that it names, in English.
func (v *visit) files(path string) {
	named := regexp.MustCompile(`(?:import\("\./|(?:href|src)="page/)((?:en|icon|main|page)[-0-9A-Z]*\.[a-z]+)`)
	for _, m := range named.FindAllSubmatch(v.get(path), -1) {
		v.files("/page/" + string(m[1]))
	}
}

// TestFirstVisitToTheArena adds up the bytes that a browser loads when it first opens
// the event of 50,000 seats, before the sale and in the middle of it.
func TestFirstVisitToTheArena(t *testing.T) {
	const most = 380_000
	f, err := os.Open("events/arena.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events, err := venue.ReadEvents("arena", f, venue.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store, arena := new(memstore.Store), events[0]
	api, err := booking.New(booking.Config{Store: store, Events: events, Logger: log, Zstd: compressZstd})
	if err != nil {
		t.Fatal(err)
	}
	observer, _ := openTelemetry(settings.Telemetry{}, events, store, log)
	observer.events = api
	handler := headers(settings.Server{}, observer.handler(web.New(web.Config{}).Handler(api.Routes()), nil))

	for _, sale := range []string{"before the sale", "half booked, and 1,000 seats locked"} {
		if sale != "before the sale" {
			sellHalf(t, store, arena.Event)
		}
		for _, encoding := range []string{"gzip, deflate", "gzip, deflate, br, zstd"} {
			v := &visit{t: t, handler: handler, encoding: encoding, got: make(map[string]bool)}
			v.files("/")
			files := len(v.got)
			v.get("/events?layout=none")
			v.get("/events?eventId=" + string(arena.ID))
			v.get("/seats?eventId=" + string(arena.ID))
			if files != 5 {
				t.Errorf("the page is %d files, want a document, an icon, a stylesheet, a module and the English words", files)
			}
			t.Logf("%s, %s: %d bytes in %d answers", sale, encoding, v.bytes, len(v.got))
			if v.bytes > most {
				t.Errorf("%s, %s: %d bytes, want at most %d", sale, encoding, v.bytes, most)
			}
		}
	}
}

// sellHalf books ten of every twenty seats, and locks 1,000 seats of the others.
func sellHalf(t *testing.T, store lockstore.LockStore, ev *lockstore.Event) {
	t.Helper()
	for i := 0; i+20 <= len(ev.Seats); i += 20 {
		user := lockstore.UserID(fmt.Sprint("user", i))
		ops := []lockstore.Op{lockstore.Lock(user, ev.Seats[i:i+6]...), lockstore.Confirm(user, ev.Seats[i:i+6]...)}
		rest := lockstore.UserID(fmt.Sprint("friend", i))
		ops = append(ops, lockstore.Lock(rest, ev.Seats[i+6:i+10]...), lockstore.Confirm(rest, ev.Seats[i+6:i+10]...))
		if i%50 == 0 {
			ops = append(ops, lockstore.Lock(lockstore.UserID(fmt.Sprint("late", i)), ev.Seats[i+12:i+14]...))
		}
		for _, op := range ops {
			if _, err := store.Do(t.Context(), ev, op); err != nil {
				t.Fatal(err)
			}
		}
	}
}
