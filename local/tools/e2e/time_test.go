package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestExpiryIsSeen checks that every window shows that a lock has expired, although the
// server sends no message, that both windows of the lock's user say so, and that the seat is
// still picked and can be held again.
func TestExpiryIsSeen(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-lock-ttl", "7s")
	ann, ben := b.newUser(1280, 900), b.newUser(1280, 900)
	ann.visit(s.URL)
	ben.visit(s.URL)
	too := ann.secondWindow()
	too.visit(s.URL)
	ann.click("row B, seat 2")
	ann.press("Hold this seat")
	ann.waitText("left to buy")
	ben.waitSeat("row B, seat 2", "on hold for ")
	ann.waitText("Buy now, or your seats go back on sale.") // fewer than 20 s are left
	ann.waitFor("a screen reader is warned", `/^[1-7] seconds? left to buy Row B, seat 2\.$/.test(look.byId('urgent').textContent)`)

	ben.waitSeat("row B, seat 2", "available")
	for _, w := range []*window{ann, too} {
		w.waitText("Time ran out. Row B, seat 2 is no longer held for you.")
		w.waitSeat("row B, seat 2", "picked by you")
		w.waitCounts(100, 0, 0)
		if eval[bool](w, `look.byId('confirm').checkVisibility()`) {
			t.Error("the button Buy is still there")
		}
	}
	too.press("Hold it again")
	ann.waitSeat("row B, seat 2", "held for you for ")
}

// TestPicksAreKept checks that picks outlast a reload, a visit to another event and a change
// of language, and that the page says which of them somebody else has taken meanwhile.
func TestPicksAreKept(t *testing.T) {
	t.Parallel()
	file := eventFile(t, `{"layouts": {"hall": {"sections": [{"name": "Hall", "pattern": "{row}{seat}", "rows": [{"row": "A", "seats": "1-4"}]}]}},
		"events": [{"id": "fri", "name": "Friday", "layout": "hall"}, {"id": "sat", "name": "Saturday", "layout": "hall"}]}`)
	w, s := openPage(t, "-events", file)
	w.click("Hall, row A, seat 1")
	w.click("Hall, row A, seat 2")
	w.waitSeat("Hall, row A, seat 2", "picked by you")
	eval[any](w, `location.hash = 'event=sat'`)
	w.waitFor("the other event is shown", `look.byId('title').textContent === 'Saturday' && look.one('.ready')`)
	w.waitSeat("Hall, row A, seat 1", "available")
	eval[any](w, `location.hash = 'event=fri'`)
	w.waitSeat("Hall, row A, seat 1", "picked by you")
	w.do(navigate("about:blank"))
	if resp, err := http.Post(s.URL+"/lock", "application/json", strings.NewReader(`{"eventId":"fri","userId":"ben","seatId":"A2"}`)); err != nil || resp.StatusCode != 200 {
		t.Fatalf("the seat is not locked: %v %v", resp, err)
	}
	w.visit(s.URL)
	w.waitSeat("Hall, row A, seat 1", "picked by you")
	w.waitText("Somebody was faster: Hall, row A, seat 2 has just been taken.")
}

// TestReloadWithALock checks that a reload keeps the user's lock and its end.
func TestReloadWithALock(t *testing.T) {
	t.Parallel()
	w, s := openPage(t)
	w.click("row E, seat 5")
	w.press("Hold this seat")
	w.waitText("left to buy")
	const end = `JSON.parse(localStorage[Object.keys(localStorage).find((k) => k.startsWith('seatlock:default'))]).locked[0][1]`
	before := eval[float64](w, end)
	w.visit(s.URL)
	w.waitSeat("row E, seat 5", "held for you for ")
	w.waitText("left to buy")
	if after := eval[float64](w, end); after != before {
		t.Errorf("the lock ends at %v, want %v as before", after, before)
	}
	w.press("Buy")
	w.waitText("Booked: Row E, seat 5")
	w.visit(s.URL)
	w.waitSeat("row E, seat 5", "booked by you")
}

// TestReloadAfterItRanOut checks that a reload does not renew an expired lock.
func TestReloadAfterItRanOut(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-lock-ttl", "3s")
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.click("row E, seat 5")
	w.press("Hold this seat")
	w.waitText("left to buy")
	w.do(navigate("about:blank"))
	ben := b.newUser(1280, 900)
	ben.visit(s.URL)
	ben.waitSeat("row E, seat 5", "available")
	w.visit(s.URL)
	w.waitText("Time ran out. Row E, seat 5 is no longer held for you.")
	w.waitSeat("row E, seat 5", "picked by you")
}

// TestReloadInTheMiddle checks that the page finds a lock whose answer was lost after a
// reload.
func TestReloadInTheMiddle(t *testing.T) {
	t.Parallel()
	w, s, p := openThroughProxy(t)
	p.loseAnswers.Store(true)
	w.click("row E, seat 5")
	w.press("Hold this seat")
	s.waitSeat("E5", "locked")
	p.loseAnswers.Store(false)
	w.visit(p.url)
	w.waitSeat("row E, seat 5", "held for you for ")
	w.press("Buy")
	w.waitText("Booked: Row E, seat 5")
}

// TestOutcomeUnknown checks that the page repeats a call with an unknown outcome by itself,
// and does not report the user's own lock as somebody else's. A repeated release finds
// nothing to release, but must report that the seat was given back.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	w, _, p := openThroughProxy(t)
	w.click("row E, seat 5")
	p.unknownOutcomes.Store(2)
	w.press("Hold this seat")
	w.waitText("No answer yet. Asking again")
	w.waitText("is held for you for ")
	w.waitSeat("row E, seat 5", "held for you for ")
	p.unknownOutcomes.Store(1)
	w.press("Give back")
	w.waitText("Given back: Row E, seat 5.")
}

// TestServerRestarted checks that the light shows a restart of the server, that the
// page connects again by itself, and that it drops a lock that the server lost.
func TestServerRestarted(t *testing.T) {
	t.Parallel()
	w, s := openPage(t)
	w.click("row A, seat 1")
	w.press("Hold this seat")
	w.waitText("left to buy")
	s.restart(func() {
		w.waitText("Reconnecting…")
	})
	s.must("lock", "ben", "A2")
	w.waitLight("live")
	w.waitSeat("row A, seat 2", "on hold for ")
	w.waitSeat("row A, seat 1", "available")
	w.waitText("Row A, seat 1 is not yours any more")
}
