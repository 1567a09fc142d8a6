package e2e

import (
	"strings"
	"testing"

	"seatlock/lockstore/redisstore/redistest"
)

// TestTwoWindowsRace: two people want one seat; one has it, and the other is
// told so in a sentence that names it.
func TestTwoWindowsRace(t *testing.T) {
	b, s := needBrowser(t), serve(t)
	ann, ben := b.user(1280, 900), b.user(1280, 900)
	ann.visit(s.URL)
	ben.visit(s.URL)
	for _, w := range []*window{ann, ben} {
		w.lightIs("live")
		w.click("row C, seat 7")
		w.click("row C, seat 8")
		w.shows("row C, seat 7", "picked by you")
	}
	const press = `document.getElementById('lock').click()`
	done := make(chan bool)
	go func() { defer close(done); eval[any](ann, press) }()
	eval[any](ben, press)
	<-done

	const faster = "Somebody was faster: Row C, seats 7 and 8"
	won := `document.body.innerText.includes('left to confirm')`
	lost := `document.body.innerText.includes(` + quoted(faster) + `)`
	ann.until("one of them is told what came of it", won+"||"+lost)
	ben.until("one of them is told what came of it", won+"||"+lost)
	winner, loser := ann, ben
	if eval[bool](ben, won) {
		winner, loser = ben, ann
	}
	loser.says(faster)
	loser.shows("row C, seat 7", "locked for ")
	winner.shows("row C, seat 7", "locked by you for ")
	if eval[bool](loser, won) {
		t.Error("both have it")
	}
	winner.press("Confirm")
	winner.says("Booked: Row C, seats 7 and 8")
	loser.shows("row C, seat 7", "booked")
}

// TestSomebodyWasFaster: the lock is refused, before the page could know.
func TestSomebodyWasFaster(t *testing.T) {
	w, _ := visiting(t, "-events", "../../events/theatre.json")
	w.click("Stalls, row C, seat 1")
	w.click("Stalls, row C, seat 2")
	w.click("Balcony, row A, seat 3")
	w.says("Lock 3 seats")
	eval[any](w, `(() => { const faster = new XMLHttpRequest(); faster.open('POST', 'lock', false); faster.setRequestHeader('Content-Type', 'application/json');
		faster.send(JSON.stringify({userId: 'ben', seatIds: ['S-C2', 'B-A3']})); document.getElementById('lock').click(); })()`)
	w.says("Somebody was faster: Stalls, row C, seat 2; Balcony, row A, seat 3 are taken. Your other seat is still picked, but not locked yet.")
	w.shows("Stalls, row C, seat 2", "locked for ")
	w.shows("Stalls, row C, seat 1", "picked by you")
	w.press("Lock this seat")
	w.says("Stalls, row C, seat 1 is yours for 2 minutes")
}

// TestOthersMoves: what is done elsewhere is seen, a pick that is taken too.
func TestOthersMoves(t *testing.T) {
	w, s := visiting(t)
	w.click("row A, seat 1")
	s.must("lock", "ben", "A1", "A2")
	w.shows("row A, seat 2", "locked for ")
	w.says("Somebody was faster: Row A, seat 1 has just been taken")
	s.must("confirm", "ben", "A1")
	s.must("release", "ben", "A2")
	w.shows("row A, seat 1", "booked")
	w.shows("row A, seat 2", "available")
	w.counts(99, 0, 1)
	// A seat that is taken is not picked, and says why.
	w.click("row A, seat 1")
	w.says("Row A, seat 1 is booked.")
	w.shows("row A, seat 1", "booked")
}

// TestAnotherRunner: what is done through one server shows on the pages of
// another, and is there when that one is started anew.
func TestAnotherRunner(t *testing.T) {
	redis := redistest.New(t)
	b, here, there := needBrowser(t), serve(t, "-redis", "redis://"+redis.Addr), serve(t, "-redis", "redis://"+redis.Addr)
	w := b.user(1280, 900)
	w.visit(here.URL)
	w.lightIs("live")
	there.must("lock", "ben", "A1", "A2")
	w.shows("row A, seat 1", "locked for ")
	there.must("confirm", "ben", "A1")
	w.shows("row A, seat 1", "booked")
	w.click("row B, seat 1")
	w.press("Lock this seat")
	w.says("left to confirm")
	here.restart(func() {
		w.lightIs("away")
		there.must("release", "ben", "A2")
		there.must("lock", "ben", "A3")
	})
	w.lightIs("live")
	w.shows("row A, seat 2", "available")
	w.shows("row A, seat 3", "locked for ")
	w.press("Confirm")
	w.says("Booked: Row B, seat 1")
}

// TestOneUserTwoWindows: the windows of one browser share what is theirs.
func TestOneUserTwoWindows(t *testing.T) {
	b, s := needBrowser(t), serve(t)
	one := b.user(1280, 900)
	one.visit(s.URL)
	other := one.again()
	other.visit(s.URL)
	one.click("row D, seat 4")
	one.press("Lock this seat")
	other.shows("row D, seat 4", "locked by you for ")
	other.press("Confirm")
	one.shows("row D, seat 4", "booked by you")
	if name := `document.getElementById('user').textContent`; eval[string](one, name) != eval[string](other, name) {
		t.Error("they are two users")
	}
}

func TestSeatLimitIsToldBefore(t *testing.T) {
	w, s := visiting(t, "-seat-limit", "2")
	w.says("Up to 2 seats each; 2 more seats to pick.")
	w.click("row A, seat 1")
	w.click("row A, seat 2")
	w.click("row A, seat 3")
	w.says("You may have 2 seats of this event")
	w.shows("row A, seat 3", "available")
	w.press("Lock 2 seats")
	w.says("left to confirm")
	w.says("Up to 2 seats each; 0 more seats to pick.")
	// After: the server counts what this page does not know of.
	eval[any](w, `localStorage.removeItem(Object.keys(localStorage).find((k) => k.startsWith('seatlock:default')))`)
	w.visit(s.URL)
	w.click("row B, seat 1")
	w.press("Lock this seat")
	w.says("One user may have 2 seats of this event")
}

func TestEventChooser(t *testing.T) {
	file := eventFile(t, `{"events":[
		{"id":"hamlet","name":"Hamlet, Friday","sections":[{"name":"Stalls","rows":[{"row":"A","seats":"1-4"}]}]},
		{"id":"tables","name":"Supper","seats":["Table-1","Table-2"]}]}`)
	w, s := visiting(t, "-events", file)
	w.shows("Stalls, row A, seat 4", "available")
	eval[any](w, `(() => { const s = document.getElementById('event'); s.value = 'tables'; s.dispatchEvent(new Event('change')); })()`)
	w.shows("Table-2", "available")
	if got := eval[string](w, `document.title + location.hash`); got != "Supper – seats#event=tables" {
		t.Errorf("title and address: %s", got)
	}
	w.click("Table-2")
	w.press("Lock this seat")
	w.says("Seat Table-2 is yours")
	w.visit(s.URL + "/#event=tables") // the address opens it
	w.shows("Table-2", "locked by you")
	if text := eval[string](w, `document.getElementById('chooser').innerText`); !strings.Contains(text, "Event") {
		t.Errorf("chooser: %q", text)
	}
}
