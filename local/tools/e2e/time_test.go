package e2e

import (
	"testing"
)

// TestExpiryIsSeen: a lock that runs out makes no message, and yet every
// window shows it.
func TestExpiryIsSeen(t *testing.T) {
	b, s := needBrowser(t), serve(t, "-lock-ttl", "4s")
	ann, ben := b.user(1280, 900), b.user(1280, 900)
	ann.visit(s.URL)
	ben.visit(s.URL)
	ann.click("row B, seat 2")
	ann.press("Lock this seat")
	ann.says("left to confirm")
	ben.shows("row B, seat 2", "locked for ")
	ann.says("Confirm now, or the seats go back on sale.") // fewer than 20 s are left
	ann.until("a screen reader is warned", `/^[1-4] seconds? left to confirm Row B, seat 2\.$/.test(document.getElementById('urgent').textContent)`)

	ben.shows("row B, seat 2", "available")
	ann.says("Time ran out. Row B, seat 2 is no longer locked for you.")
	ann.shows("row B, seat 2", "available")
	ann.counts(100, 0, 0)
	if eval[bool](ann, `document.getElementById('confirm').checkVisibility()`) {
		t.Error("there is still something to confirm")
	}
}

// TestReloadWithALock: what one has survives a reload, and its end does not move.
func TestReloadWithALock(t *testing.T) {
	w, s := visiting(t)
	w.click("row E, seat 5")
	w.press("Lock this seat")
	w.says("left to confirm")
	const end = `JSON.parse(localStorage[Object.keys(localStorage).find((k) => k.startsWith('seatlock:default'))]).locked[0][1]`
	before := eval[float64](w, end)
	w.visit(s.URL)
	w.shows("row E, seat 5", "locked by you for ")
	w.says("left to confirm")
	if after := eval[float64](w, end); after != before {
		t.Errorf("the lock ends at %v, and did at %v", after, before)
	}
	w.press("Confirm")
	w.says("Booked: Row E, seat 5")
	w.visit(s.URL)
	w.shows("row E, seat 5", "booked by you")
}

// TestReloadAfterItRanOut: nothing is locked again behind the person's back.
func TestReloadAfterItRanOut(t *testing.T) {
	b, s := needBrowser(t), serve(t, "-lock-ttl", "1s")
	w := b.user(1280, 900)
	w.visit(s.URL)
	w.click("row E, seat 5")
	w.press("Lock this seat")
	w.says("left to confirm")
	w.do(navigate("about:blank"))
	ben := b.user(1280, 900)
	ben.visit(s.URL)
	ben.shows("row E, seat 5", "available")
	w.visit(s.URL)
	w.says("Time ran out. Row E, seat 5 is no longer locked for you.")
	w.shows("row E, seat 5", "available")
}

// TestReloadInTheMiddle: the answer to a lock is lost with the page, and the
// lock is not.
func TestReloadInTheMiddle(t *testing.T) {
	b, s := needBrowser(t), serve(t)
	p := inFrontOf(t, s)
	p.losesAnswers.Store(true)
	w := b.user(1280, 900)
	w.visit(p.url)
	w.click("row E, seat 5")
	w.press("Lock this seat")
	s.until(t, "E5", "locked")
	p.losesAnswers.Store(false)
	w.visit(p.url)
	w.shows("row E, seat 5", "locked by you for ")
	w.press("Confirm")
	w.says("Booked: Row E, seat 5")
}

// TestOutcomeUnknown: the page asks again by itself, and nobody is told "taken" of
// what they have.
func TestOutcomeUnknown(t *testing.T) {
	b, s := needBrowser(t), serve(t)
	p := inFrontOf(t, s)
	w := b.user(1280, 900)
	w.visit(p.url)
	w.click("row E, seat 5")
	p.unknown.Store(2)
	w.press("Lock this seat")
	w.says("No answer yet. Asking again")
	w.says("is yours for ")
	w.shows("row E, seat 5", "locked by you for ")
}

// TestServerRestarted: the light says so, the page comes back by itself, and a
// lock that the server has forgotten is not shown as one.
func TestServerRestarted(t *testing.T) {
	w, s := visiting(t)
	w.click("row A, seat 1")
	w.press("Lock this seat")
	w.says("left to confirm")
	s.restart(func() {
		w.says("Reconnecting…")
	})
	s.must("lock", "ben", "A2")
	w.lightIs("live")
	w.shows("row A, seat 2", "locked for ")
	w.shows("row A, seat 1", "available")
	w.says("Row A, seat 1 is not yours any more")
}
