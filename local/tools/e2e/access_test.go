package e2e

import (
	"os"
	"strings"
	"testing"

	"seatlock/lockstore/storetest/faults"
)

// TestKeyboardOnly books a seat without a mouse: one stop for Tab in the map,
// and arrow keys inside.
func TestKeyboardOnly(t *testing.T) {
	b, s := needBrowser(t), serve(t, "-events", "../../events/theatre.json")
	s.must("lock", "ben", "S-C2")
	w := b.user(1280, 900)
	w.visit(s.URL)
	w.shows("Stalls, row C, seat 2", "locked for ")
	heard := func(want string) {
		t.Helper()
		w.until("the focus is on "+want, `(document.activeElement.ariaLabel ?? document.activeElement.textContent).startsWith(`+quoted(want)+`)`)
	}
	stops := func(want string, most int) {
		t.Helper()
		for range most {
			w.keys(tab)
			if strings.HasPrefix(w.focused(), want) {
				return
			}
		}
		t.Fatalf("%d times Tab, and the focus is on %q, not on %s", most, w.focused(), want)
	}
	stops("To the seats", 1)
	w.keys(enter)
	heard("Stalls, row A, seat 2, available")
	w.keys(right, right, down, down, up)
	heard("Stalls, row B, seat 4, available")
	w.keys(left, left, down)
	heard("Stalls, row C, seat 2, locked for ")
	w.keys(enter)
	w.says("Stalls, row C, seat 2 is locked for ")
	w.keys(kbEnd)
	heard("Stalls, row C, seat 14, available")
	w.keys(kbHome)
	heard("Stalls, row C, seat 1, available")
	w.keys(down, space)
	heard("Stalls, row D, seat 1, picked by you")
	w.keys(pageDown, pageDown)
	heard("Balcony, row C, seat ")
	w.keys(space)
	w.says("Lock 2 seats")
	stops("Leave out Stalls, row D, seat 1", 1)
	stops("Leave out Balcony", 1)
	w.keys(enter) // it is gone, and the focus not lost
	heard("Lock this seat")
	w.keys(enter)
	heard("Confirm")
	w.keys(enter)
	w.says("Booked: Stalls, row D, seat 1")
	heard("Balcony, row C, seat ")
	if n := eval[int](w, `document.querySelectorAll('#map [tabindex="0"]').length`); n != 1 {
		t.Errorf("the map has %d tab stops", n)
	}
}

// axe runs axe-core on the page as it is, with all rules of WCAG 2.2 AA.
func (w *window) axe(what string) {
	w.t.Helper()
	source, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		faults.Missing(w.t, "axe-core (npm ci in local/tools/e2e)", "accessibility was not tried")
	}
	type finding struct {
		ID, Impact, Help string
		Nodes            []struct {
			HTML           string
			FailureSummary string
		}
	}
	if !eval[bool](w, `'axe' in window`) {
		eval[any](w, string(source)+";null")
	}
	for _, f := range eval[[]finding](w, `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => r.violations)`) {
		w.t.Errorf("%s: %s (%s): %s, %d times, first: %s\n%s", what, f.ID, f.Impact, f.Help, len(f.Nodes), f.Nodes[0].HTML, f.Nodes[0].FailureSummary)
	}
}

// TestAxe: no finding at all, by day and by night, in every state of the page.
func TestAxe(t *testing.T) {
	b := needBrowser(t)
	theatre, arena := serve(t, "-events", "../../events/theatre.json"), serve(t, "-events", "../../events/arena.json")
	theatre.must("lock", "ben", "S-C2", "S-C3")
	theatre.must("confirm", "ben", "S-C3")
	for scheme, row := range map[string]string{"light": "E", "dark": "F"} {
		w := b.user(1280, 1000)
		w.look(scheme, "reduce")
		w.visit(theatre.URL)
		w.axe("the theatre")
		w.click("Stalls, row " + row + ", seat 1")
		w.click("Stalls, row " + row + ", seat 2")
		w.press("Lock 2 seats")
		w.says("left to confirm")
		w.click("Stalls, row " + row + ", seat 3")
		w.axe("with a lock")
		w.press("Confirm")
		w.says("Booked: ")
		w.axe("with a booking")
		w.click("Stalls, row " + row + ", seat 4")
		eval[any](w, `(() => { const x = new XMLHttpRequest(); x.open('POST', 'lock', false); x.setRequestHeader('Content-Type', 'application/json');
			x.send(JSON.stringify({userId: 'ben', seatIds: ['S-`+row+`4']})); document.getElementById('lock').click(); })()`)
		w.says("Somebody was faster")
		w.axe("with bad news")
		w = b.user(360, 760)
		w.look(scheme, "reduce")
		w.visit(theatre.URL)
		w.axe("on a phone")

		w = b.user(1280, 1000)
		w.look(scheme, "reduce")
		w.visit(arena.URL)
		w.axe("the arena")
		eval[any](w, `location.hash = 'event=final-2027-06-12&section=Lower+102'`)
		w.shows("Lower 102, row 1, seat 1", "available")
		w.axe("a section of the arena")
	}
}

// TestPhone: nothing but the map is wider than the smallest phone, and every
// target can be hit.
func TestPhone(t *testing.T) {
	b, s := needBrowser(t), serve(t, "-events", "../../events/theatre.json")
	w := b.user(360, 740)
	w.visit(s.URL)
	check := func(what string) {
		t.Helper()
		if wide := eval[float64](w, `document.documentElement.scrollWidth`); wide > 360 {
			t.Errorf("%s: the page is %v px wide", what, wide)
		}
		small := eval[[]string](w, `[...document.querySelectorAll('.seats .seat, button, select, .bar a')].filter((e) => e.checkVisibility())
			.filter((e) => e.offsetWidth < 24 || e.offsetHeight < 24).map((e) => e.outerHTML)`)
		if len(small) > 0 {
			t.Errorf("%s: %d targets are smaller than 24 px: %.200s", what, len(small), small[0])
		}
	}
	check("at first")
	w.click("Balcony, row C, seat 18")
	w.click("Balcony, row C, seat 17")
	w.press("Lock 2 seats")
	w.says("left to confirm")
	w.click("Stalls, row A, seat 2") // what is yours does not hide the seats for good
	w.shows("Stalls, row A, seat 2", "picked by you")
	check("with a lock")
}

// TestReducedMotion: who wants no movement gets none.
func TestReducedMotion(t *testing.T) {
	b, s := needBrowser(t), serve(t)
	for motion, want := range map[string]bool{"reduce": false, "no-preference": true} {
		w := b.user(1280, 900)
		w.look("light", motion)
		w.visit(s.URL)
		eval[any](w, `(() => { window.moved = 0; document.addEventListener('animationstart', () => window.moved++); })()`)
		s.must("lock", "ben", "A1")
		w.shows("row A, seat 1", "locked for ")
		s.must("release", "ben", "A1")
		w.shows("row A, seat 1", "available")
		if moved := eval[int](w, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(window.moved))))`) > 0; moved != want {
			t.Errorf("motion %s: something moved is %v", motion, moved)
		}
	}
}

// TestNothingFromElsewhere: all comes from the server, and works below a base path.
func TestNothingFromElsewhere(t *testing.T) {
	b, s := needBrowser(t), serve(t)
	p := inFrontOf(t, s)
	w := b.user(1280, 900)
	w.visit(p.url)
	w.click("row A, seat 1")
	w.press("Lock this seat")
	w.says("is yours")
	from := eval[[]string](w, `performance.getEntriesByType('resource').map((e) => e.name)`)
	if len(from) < 15 {
		t.Errorf("only %d files were fetched: %q", len(from), from)
	}
	for _, url := range from {
		if !strings.HasPrefix(url, p.url) {
			t.Errorf("it fetched %s", url)
		}
	}
}
