package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/redisstore/redistest"
)

// A soldFile is an event file that a test changes.
type soldFile struct {
	*testing.T
	name string
}

func newSoldFile(t *testing.T) soldFile {
	return soldFile{t, filepath.Join(t.TempDir(), "events.json")}
}

// write replaces the file at once, as an editor does.
func (f soldFile) write(text string) {
	f.Helper()
	if err := os.WriteFile(f.name+".new", []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
	if err := os.Rename(f.name+".new", f.name); err != nil {
		f.Fatal(err)
	}
}

// eventually waits until the body at the url contains all words, or fails the test.
func (f soldFile) eventually(url string, words ...string) {
	f.Helper()
	var body string
	for f.Context().Err() == nil {
		body = getAny(f.T, url)
		missing := ""
		for _, word := range words {
			if !strings.Contains(body, word) {
				missing = word
			}
		}
		if missing == "" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	f.Fatalf("%s never had %q: %s", url, words, body)
}

// getAny returns the body of a GET, whatever its status.
func getAny(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if err := resp.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEventFileIsFollowed checks that the runner applies changes of the event file while
// it serves: new seats, new settings, added and removed events.
func TestEventFileIsFollowed(t *testing.T) {
	t.Parallel()
	f := newSoldFile(t)
	f.write(`{"events":[{"id":"hall","seats":["A1","A2"]},{"id":"box","seats":["B1"]}]}`)
	url, out, _ := serving(t, "-events", f.name)
	for _, seat := range []string{"A2", "B1"} {
		event := map[string]string{"A2": "hall", "B1": "box"}[seat]
		for _, c := range []string{"lock", "confirm"} {
			if status, _, body := callIn(t, url+"/"+c, event, seat, "ann"); status != 200 {
				t.Fatal(body)
			}
		}
	}

	f.write(`{"events":[{"id":"hall","revision":1,"seats":["A0","A1","A2"]},{"id":"new","seats":["C1"]}]}`)
	f.eventually(url+"/events", `"new"`, `"revision":1`)
	f.eventually(url+"/seats?eventId=hall", `"revision":1`, `{"seatId":"A0","status":"available"},{"seatId":"A1","status":"available"},{"seatId":"A2","status":"booked"}`)
	if status, _, body := callIn(t, url+"/lock", "hall", "A0", "ben"); status != 200 {
		t.Errorf("a new seat cannot be locked: %s", body)
	}
	if status, _, body := callIn(t, url+"/lock", "box", "B1", "ben"); status != 404 || !strings.Contains(body, "unknown_event") {
		t.Errorf("a lock in an event that is gone: %d %s", status, body)
	}
	f.write(`{"events":[{"id":"hall","revision":1,"seats":[{"id":"A0","category":"a"},{"id":"A1","category":"a"},{"id":"A2","category":"a"}],
		"currency":"EUR","categories":[{"id":"a","price":900}]}]}`)
	f.eventually(url+"/events", `"price":900`)
	if status, _, body := callIn(t, url+"/lock", "hall", "A1", "ben"); status != 200 || !strings.Contains(body, `"total":900,"currency":"EUR"`) {
		t.Errorf("a lock once the file has prices: %s", body)
	}
	if !strings.Contains(out.String(), "an event with booked seats") || !strings.Contains(out.String(), "event=box") {
		t.Errorf("no line says that the event that is gone has bookings:\n%s", out)
	}
}

// TestRefusedSeatMap checks that a seat map that lacks a booked seat is refused, with the
// names of the seats, that the old one is still sold while another event changes, and
// that a file that cannot be read changes nothing.
func TestRefusedSeatMap(t *testing.T) {
	t.Parallel()
	f := newSoldFile(t)
	f.write(`{"events":[{"id":"hall","seats":["A1","A2","A3"]},{"id":"box","seats":["B1"]}]}`)
	url, out, _ := serving(t, "-events", f.name)
	for _, c := range []string{"lock", "confirm"} {
		if status, _, body := callIn(t, url+"/"+c, "hall", "A3", "ann"); status != 200 {
			t.Fatal(body)
		}
	}
	f.write(`{"events":[{"id":"hall","revision":1,"seats":["A1","A2"]},{"id":"box","revision":1,"seats":["B1","B2"]}]}`)
	f.eventually(url+"/events?eventId=box", `"B2"`)
	if body := get(t, url+"/events?eventId=hall"); !strings.Contains(body, `"A3"`) {
		t.Errorf("the old seat map is not sold any more: %s", body)
	}
	if status, _, body := callIn(t, url+"/lock", "hall", "A1", "ben"); status != 200 {
		t.Errorf("a lock by the old seat map: %d %s", status, body)
	}
	if !strings.Contains(out.String(), "the new seat map of an event was refused") || !strings.Contains(out.String(), "A3") {
		t.Errorf("no line names the seat that is missing:\n%s", out)
	}

	f.write(`{"events":[{"id":"hall"`)
	for !strings.Contains(out.String(), "the event file was not loaded") {
		if t.Context().Err() != nil {
			t.Fatalf("no line says that the file cannot be read:\n%s", out)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if body := get(t, url+"/events?eventId=hall"); !strings.Contains(body, `"A3"`) {
		t.Errorf("a broken file changed what is sold: %s", body)
	}
}

// TestUnpayableEventIsNotTakenOver checks that an event whose locks are too short to pay for
// is sold as it was, or not at all if it is new, and that other events are updated.
func TestUnpayableEventIsNotTakenOver(t *testing.T) {
	t.Parallel()
	f := newSoldFile(t)
	const prices = `"currency":"EUR","categories":[{"id":"a","price":900}]`
	f.write(`{"events":[{"id":"hall","seats":[{"id":"A1","category":"a"}],` + prices + `},{"id":"box","seats":["B1"]}]}`)
	url, out, _ := serving(t, "-checkout", "till", "-events", f.name)
	f.write(`{"events":[{"id":"hall","revision":1,"maxLockSeconds":120,"seats":[{"id":"A0","category":"a"},{"id":"A1","category":"a"}],` + prices + `},
		{"id":"brief","maxLockSeconds":120,"seats":["C1"]},{"id":"box","revision":1,"seats":["B1","B2"]}]}`)
	f.eventually(url+"/events?eventId=box", `"B2"`)
	if body := get(t, url+"/events?eventId=hall"); strings.Contains(body, `"A0"`) {
		t.Errorf("an event with locks that are too short is taken over: %s", body)
	}
	if body := getAny(t, url+"/events?eventId=brief"); !strings.Contains(body, "unknown_event") {
		t.Errorf("a new event with locks that are too short is sold: %s", body)
	}
	for _, want := range []string{"too short for a payment", "event=hall", "event=brief"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line says %q:\n%s", want, out)
		}
	}
	if status, _, body := callIn(t, url+"/lock", "hall", "A1", "ann"); status != 200 {
		t.Fatal(body)
	}
	if status, _, body := callIn(t, url+"/checkout", "hall", "A1", "ann"); status != 200 {
		t.Errorf("a checkout in the event as it was: %d %s", status, body)
	}
}

// TestOutdatedRunner checks the answers of a runner with an old seat map while another
// sells by the new one, and that it sells again once it has read the new file.
func TestOutdatedRunner(t *testing.T) {
	t.Parallel()
	redisURL := "redis://" + redistest.New(t).Addr
	old, renewed := newSoldFile(t), newSoldFile(t)
	old.write(`{"events":[{"id":"hall","seats":["A1","A2"]},{"id":"box","seats":["B1"]}]}`)
	one, _, _ := serving(t, "-redis", redisURL, "-events", old.name)
	if status, _, body := callIn(t, one+"/lock", "hall", "A1", "ann"); status != 200 {
		t.Fatal(body)
	}
	const changed = `{"events":[{"id":"hall","revision":2,"seats":["A0","A1","A2"]},{"id":"box","seats":["B1"]}]}`
	renewed.write(changed)
	two, _, _ := serving(t, "-redis", redisURL, "-events", renewed.name)
	if status, _, body := callIn(t, two+"/lock", "hall", "A0", "ben"); status != 200 {
		t.Fatal(body)
	}

	status, retry, body := callIn(t, one+"/lock", "hall", "A2", "ann")
	if status != 503 || retry == "" || !strings.Contains(body, `"code":"seat_map_changed"`) {
		t.Errorf("the runner with the old seat map: %d, Retry-After %q, %s", status, retry, body)
	}
	if body := getAny(t, one+"/seats?eventId=hall"); !strings.Contains(body, `"code":"seat_map_changed"`) {
		t.Errorf("its list: %s", body)
	}
	if body := get(t, one+"/readyz"); !strings.Contains(body, `"outdatedEvents":["hall"]`) {
		t.Errorf("its health: %s", body)
	}
	if status, _, body := callIn(t, one+"/lock", "box", "B1", "ann"); status != 200 {
		t.Errorf("its other event: %d %s", status, body)
	}
	if body := get(t, two+"/readyz"); strings.Contains(body, "outdated") {
		t.Errorf("the health of the runner with the new seat map: %s", body)
	}

	old.write(changed)
	old.eventually(one+"/seats?eventId=hall", `"revision":2`, `{"seatId":"A0","status":"locked"`)
	if body := get(t, one+"/readyz"); strings.Contains(body, "outdated") {
		t.Errorf("its health after it has read the new file: %s", body)
	}
}

// TestEventFileWaitsForTheStore checks that a changed file is not applied while the store
// is unavailable and might refuse the new seat map, and is applied afterwards.
func TestEventFileWaitsForTheStore(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	_, port, _ := strings.Cut(server.Addr, ":")
	f := newSoldFile(t)
	f.write(`{"events":[{"id":"hall","seats":["A1","A2"]}]}`)
	url, out, _ := serving(t, "-redis", "redis://"+server.Addr, "-events", f.name)
	server.Kill()
	f.write(`{"events":[{"id":"hall","revision":1,"seats":["A0","A1","A2"]}]}`)
	for !strings.Contains(out.String(), "the store did not answer about an event") {
		if t.Context().Err() != nil {
			t.Fatalf("no line says that the store cannot be asked:\n%s", out)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if body := get(t, url+"/events"); strings.Contains(body, `"A0"`) {
		t.Errorf("the new seat map is shown before the store has it: %s", body)
	}
	redistest.New(t, "--port", port)
	f.eventually(url+"/events", `"A0"`)
}
