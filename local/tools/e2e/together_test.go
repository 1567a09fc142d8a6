package e2e

import (
	"strings"
	"testing"

	"seatlock/lockstore/redisstore/redistest"
)

// TestTwoWindowsRace has two users lock the same seats at once. One gets them, and
// the other gets a sentence that names them.
func TestTwoWindowsRace(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t)
	ann, ben := b.newUser(1280, 900), b.newUser(1280, 900)
	ann.visit(s.URL)
	ben.visit(s.URL)
	for _, w := range []*window{ann, ben} {
		w.waitLight("live")
		w.click("row C, seat 7")
		w.click("row C, seat 8")
		w.waitSeat("row C, seat 7", "picked by you")
	}
	const press = `look.byId('lock').click()`
	done := make(chan bool)
	go func() { defer close(done); eval[any](ann, press) }()
	eval[any](ben, press)
	<-done

	const faster = "Somebody was faster: Row C, seats 7 and 8"
	won := `look.text.includes('left to buy')`
	lost := `look.text.includes(` + quoted(faster) + `)`
	ann.waitFor("the page shows the outcome", won+"||"+lost)
	ben.waitFor("the page shows the outcome", won+"||"+lost)
	winner, loser := ann, ben
	if eval[bool](ben, won) {
		winner, loser = ben, ann
	}
	loser.waitText(faster)
	loser.waitSeat("row C, seat 7", "on hold for ")
	winner.waitSeat("row C, seat 7", "held for you for ")
	if eval[bool](loser, won) {
		t.Error("both windows show the lock as theirs")
	}
	winner.press("Buy")
	winner.waitText("Booked: Row C, seats 7 and 8")
	loser.waitSeat("row C, seat 7", "booked")
}

// TestSomebodyWasFaster checks what a page shows if seats were taken before it could know.
func TestSomebodyWasFaster(t *testing.T) {
	t.Parallel()
	w, _ := openPage(t, "-events", "../../events/theatre.json")
	w.click("Stalls, row C, seat 1")
	w.click("Stalls, row C, seat 2")
	w.click("Balcony, row A, seat 3")
	w.waitText("Hold 3 seats")
	w.lockTooLate("S-C2", "B-A3")
	w.waitText("Somebody was faster: Stalls, row C, seat 2; Balcony, row A, seat 3 are taken. Your other seat is still picked, but not held yet.")
	w.waitSeat("Stalls, row C, seat 2", "on hold for ")
	w.waitSeat("Stalls, row C, seat 1", "picked by you")
	w.press("Hold this seat")
	w.waitText("Stalls, row C, seat 1 is held for you for 2 minutes")
}

// lockTooLate locks seats for another user and presses Lock, before the page can
// learn of it.
func (w *window) lockTooLate(seats ...string) {
	w.t.Helper()
	eval[any](w, `(() => { const r = new XMLHttpRequest(); r.open('POST', 'lock', false); r.setRequestHeader('Content-Type', 'application/json');
		r.send(JSON.stringify({userId: 'ben', seatIds: ['`+strings.Join(seats, "','")+`']})); look.byId('lock').click(); })()`)
}

// TestChangesOfOthers checks that the page shows changes made by others, even to a picked
// seat.
func TestChangesOfOthers(t *testing.T) {
	t.Parallel()
	w, s := openPage(t)
	w.click("row A, seat 1")
	s.must("lock", "ben", "A1", "A2")
	w.waitSeat("row A, seat 2", "on hold for ")
	w.waitText("Somebody was faster: Row A, seat 1 has just been taken")
	s.must("confirm", "ben", "A1")
	s.must("release", "ben", "A2")
	w.waitSeat("row A, seat 1", "booked")
	w.waitSeat("row A, seat 2", "available")
	w.waitCounts(99, 0, 1)
	// A click on a taken seat shows why it cannot be picked.
	w.click("row A, seat 1")
	w.waitText("Row A, seat 1 is booked.")
	w.waitSeat("row A, seat 1", "booked")
	// Changes by others are highlighted, but not a seat that the user picks before it is drawn.
	if got := eval[string](w, `(async () => { const { page } = document.querySelector('seatlock-map').controller, theirs = page.plan.positions.get('A3');
		page.seats.know([theirs], Infinity); page.update([theirs], true);
		`+seat("row B, seat 1")+`.click();
		await new Promise((drawn) => requestAnimationFrame(drawn));
		return [`+seat("row A, seat 3")+`, `+seat("row B, seat 1")+`].map((cell) => cell.dataset.state + cell.classList.contains('moved')).join(); })()`); got != "bookedtrue,pickedfalse" {
		t.Errorf("seats of others and of the user are highlighted: %s", got)
	}
}

// TestSoldOut checks that the page does not ask to pick seats while there are none, and
// reports whether seats may become available again.
func TestSoldOut(t *testing.T) {
	t.Parallel()
	w, s := openPage(t, "-seats", "1x2")
	w.waitText("Pick your seats on the map")
	s.must("lock", "ben", "A1", "A2")
	w.waitText("Nothing is left at the moment.")
	s.must("confirm", "ben", "A1", "A2")
	w.waitText("This event is sold out.")
}

// TestAnotherRunner checks that the pages of one server show the changes made through
// another, even after their own server has restarted.
func TestAnotherRunner(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t)
	b, here, there := needBrowser(t), serve(t, "-redis", "redis://"+redis.Addr), serve(t, "-redis", "redis://"+redis.Addr)
	w := b.newUser(1280, 900)
	w.visit(here.URL)
	w.waitLight("live")
	there.must("lock", "ben", "A1", "A2")
	w.waitSeat("row A, seat 1", "on hold for ")
	there.must("confirm", "ben", "A1")
	w.waitSeat("row A, seat 1", "booked")
	w.click("row B, seat 1")
	w.press("Hold this seat")
	w.waitText("left to buy")
	here.restart(func() {
		w.waitLight("away")
		there.must("release", "ben", "A2")
		there.must("lock", "ben", "A3")
	})
	w.waitLight("live")
	w.waitSeat("row A, seat 2", "available")
	w.waitSeat("row A, seat 3", "on hold for ")
	w.press("Buy")
	w.waitText("Booked: Row B, seat 1")
}

// TestOneUserTwoWindows checks that the windows of one browser share the user's
// seats.
func TestOneUserTwoWindows(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t)
	one := b.newUser(1280, 900)
	one.visit(s.URL)
	other := one.secondWindow()
	other.visit(s.URL)
	one.click("row D, seat 4")
	one.press("Hold this seat")
	other.waitSeat("row D, seat 4", "held for you for ")
	other.press("Buy")
	one.waitSeat("row D, seat 4", "booked by you")
	if name := `look.byId('who').textContent`; eval[string](one, name) != eval[string](other, name) {
		t.Error("the windows show two users")
	}
}

func TestSeatLimit(t *testing.T) {
	t.Parallel()
	w, s := openPage(t, "-seat-limit", "2")
	w.waitText("Up to 2 seats each. You can pick 2 more.")
	w.click("row A, seat 1")
	w.click("row A, seat 2")
	w.click("row A, seat 3")
	w.waitText("You can have 2 seats for this event")
	w.waitSeat("row A, seat 3", "available")
	w.press("Hold 2 seats")
	w.waitText("left to buy")
	w.waitText("Up to 2 seats each. You can pick 0 more.")
	// The server also counts seats that the page does not know about.
	eval[any](w, `localStorage.removeItem(Object.keys(localStorage).find((k) => k.startsWith('seatlock:default')))`)
	w.visit(s.URL)
	w.click("row B, seat 1")
	w.press("Hold this seat")
	w.waitText("You have as many seats for this event as one person can have.")
}

func TestEventChooser(t *testing.T) {
	t.Parallel()
	file := eventFile(t, `{"events":[
		{"id":"hamlet","name":"Hamlet, Friday","sections":[{"name":"Stalls","rows":[{"row":"A","seats":"1-4"}]}]},
		{"id":"tables","name":"Supper","seats":["Table-1","Table-2"]}]}`)
	w, s := openPage(t, "-events", file)
	w.waitSeat("Stalls, row A, seat 4", "available")
	eval[any](w, `(() => { const s = look.byId('event'); s.value = 'tables'; s.dispatchEvent(new Event('change')); })()`)
	w.waitSeat("Table-2", "available")
	if got := eval[string](w, `document.title + location.hash`); got != "Supper – seats#event=tables" {
		t.Errorf("the title and the fragment are %s", got)
	}
	w.click("Table-2")
	w.press("Hold this seat")
	w.waitText("Seat Table-2 is held for you")
	w.visit(s.URL + "/#event=tables") // the fragment opens the event
	w.waitSeat("Table-2", "held for you")
	if text := eval[string](w, `look.byId('chooser').innerText`); !strings.Contains(text, "Event") {
		t.Errorf("the chooser has the text %q", text)
	}
}
