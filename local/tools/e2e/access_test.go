package e2e

import (
	"os"
	"strings"
	"testing"

	"seatlock/lockstore/storetest/faults"
)

// TestKeyboardOnly books a seat without a mouse. Tab stops at the map once, and
// arrow keys move within it.
func TestKeyboardOnly(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", "../../events/theatre.json")
	s.must("lock", "ben", "S-C2")
	w := b.newUser(1280, 900)
	w.visit(s.URL)
	w.waitSeat("Stalls, row C, seat 2", "on hold for ")
	waitFocus := func(want string) {
		t.Helper()
		w.waitFor("the focus is on "+want, `(look.focus.ariaLabel ?? look.focus.textContent).startsWith(`+quoted(want)+`)`)
	}
	tabTo := func(want string, most int) {
		t.Helper()
		for range most {
			w.keys(tab)
			if strings.HasPrefix(w.focused(), want) {
				return
			}
		}
		t.Fatalf("after %d times Tab the focus is on %q, want %s", most, w.focused(), want)
	}
	tabTo("Skip to the seats", 1)
	w.keys(enter)
	waitFocus("Stalls, row A, seat 2, available")
	w.keys(right, right, down, down, up)
	waitFocus("Stalls, row B, seat 4, available")
	w.keys(left, left, down)
	waitFocus("Stalls, row C, seat 2, on hold for ")
	w.keys(enter)
	w.waitText("Stalls, row C, seat 2 is on hold for ")
	w.keys(kbEnd)
	waitFocus("Stalls, row C, seat 14, available")
	w.keys(kbHome)
	waitFocus("Stalls, row C, seat 1, available")
	w.keys(down, space)
	waitFocus("Stalls, row D, seat 1, picked by you")
	w.keys(pageDown, pageDown)
	waitFocus("Balcony, row C, seat ")
	w.keys(space)
	w.waitText("Hold 2 seats")
	tabTo("Price of Stalls, row D, seat 1", 1)
	tabTo("Leave out Stalls, row D, seat 1", 1)
	tabTo("Leave out Balcony", 1)
	w.keys(enter) // the button disappears, but the focus must not be lost
	waitFocus("Hold this seat")
	w.keys(enter)
	waitFocus("Buy")
	w.keys(enter)
	w.waitText("Booked: Stalls, row D, seat 1")
	waitFocus("Balcony, row C, seat ")
	if n := eval[int](w, `look.all('#map [tabindex="0"]').length`); n != 1 {
		t.Errorf("the map has %d tab stops, want 1", n)
	}
}

// axe runs axe-core on the page in its present state, with the given rules or else with
// all of WCAG 2.2 AA.
func (w *window) axe(what string, rules ...string) {
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
	only := "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']"
	if len(rules) > 0 {
		only = "{type: 'rule', values: ['" + strings.Join(rules, "', '") + "']}"
	}
	for _, f := range eval[[]finding](w, `axe.run(document, {runOnly: `+only+`}).then((r) => r.violations)`) {
		w.t.Errorf("%s: %s (%s): %s, %d times, the first at %s\n%s", what, f.ID, f.Impact, f.Help, len(f.Nodes), f.Nodes[0].HTML, f.Nodes[0].FailureSummary)
	}
}

// TestAxe checks that axe-core finds nothing in any state of the page in the light scheme,
// and nothing about contrast in the dark one, which differs only in colours.
func TestAxe(t *testing.T) {
	t.Parallel()
	theatre, arena := serve(t, "-events", "../../events/theatre.json"), serve(t, "-events", "../../events/arena.json")
	theatre.must("lock", "ben", "S-C2", "S-C3")
	theatre.must("confirm", "ben", "S-C3")
	for scheme, row := range map[string]string{"light": "E", "dark": "F"} {
		rules := map[string][]string{"dark": {"color-contrast"}}[scheme]
		t.Run("theatre, "+scheme, func(t *testing.T) {
			t.Parallel()
			b := needBrowser(t)
			w := b.newUser(1280, 1000)
			w.emulate(scheme, "reduce")
			w.visit(theatre.URL)
			w.axe("the theatre", rules...)
			w.click("Stalls, row " + row + ", seat 1")
			w.click("Stalls, row " + row + ", seat 2")
			w.press("Hold 2 seats")
			w.waitText("left to buy")
			w.click("Stalls, row " + row + ", seat 3")
			w.axe("with a lock", rules...)
			w.press("Buy")
			w.waitText("Booked: ")
			w.axe("with a booking", rules...)
			w.click("Stalls, row " + row + ", seat 4")
			w.lockTooLate("S-" + row + "4")
			w.waitText("Somebody was faster")
			w.axe("with a refusal", rules...)
			w = b.newUser(360, 760)
			w.emulate(scheme, "reduce")
			w.visit(theatre.URL)
			w.axe("on a phone", rules...)
		})
		t.Run("arena, "+scheme, func(t *testing.T) {
			t.Parallel()
			w := needBrowser(t).newUser(1280, 1000)
			w.emulate(scheme, "reduce")
			w.visit(arena.URL)
			w.axe("the arena", rules...)
			eval[any](w, `location.hash = 'event=final-2027-06-12&section=Lower+102'`)
			w.waitSeat("Lower 102, row 1, seat 1", "available")
			w.axe("a section of the arena", rules...)
		})
	}
}

// TestPhone checks that nothing but the map is wider than a small phone, and that
// every target is large enough. (TestMapOnPhone checks those of the map.)
func TestPhone(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", "../../events/theatre.json")
	w := b.newUser(360, 740)
	w.visit(s.URL)
	check := func(what string) {
		t.Helper()
		if wide := eval[float64](w, `document.documentElement.scrollWidth`); wide > 360 {
			t.Errorf("%s: the page is %v px wide, want at most 360", what, wide)
		}
		small := eval[[]string](w, `[...look.all('button, select, .bar a')].filter((e) => e.checkVisibility())
			.filter((e) => e.offsetWidth < 24 || e.offsetHeight < 24).map((e) => e.outerHTML)`)
		if len(small) > 0 {
			t.Errorf("%s: %d targets are smaller than 24 px: %.200s", what, len(small), small[0])
		}
	}
	check("at first")
	w.click("Balcony, row C, seat 18")
	w.click("Balcony, row C, seat 17")
	w.press("Hold 2 seats")
	w.waitText("left to buy")
	w.click("Stalls, row A, seat 2") // the panel with the lock must not cover it
	w.waitSeat("Stalls, row A, seat 2", "picked by you")
	check("with a lock")
}

// TestReducedMotion checks that nothing moves for a user who prefers reduced motion.
func TestReducedMotion(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t)
	for motion, want := range map[string]bool{"reduce": false, "no-preference": true} {
		w := b.newUser(1280, 900)
		w.emulate("light", motion)
		w.visit(s.URL)
		eval[any](w, `(() => { window.moved = 0; for (const root of look.roots) root.addEventListener('animationstart', () => window.moved++); })()`)
		s.must("lock", "ben", "A1")
		w.waitSeat("row A, seat 1", "on hold for ")
		s.must("release", "ben", "A1")
		w.waitSeat("row A, seat 1", "available")
		if moved := eval[int](w, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(window.moved))))`) > 0; moved != want {
			t.Errorf("motion %s: there are animations: %v, want %v", motion, moved, want)
		}
	}
}

// TestEverythingFromTheServer checks that the page loads all files from the server,
// and works below a base path.
func TestEverythingFromTheServer(t *testing.T) {
	t.Parallel()
	w, _, p := openThroughProxy(t)
	w.click("row A, seat 1")
	w.press("Hold this seat")
	w.waitText("is held for you")
	from := eval[[]string](w, `performance.getEntriesByType('resource').map((e) => e.name)`)
	if len(from) < 6 {
		t.Errorf("the page loaded only %d files: %q", len(from), from)
	}
	for _, url := range from {
		if !strings.HasPrefix(url, p.url) {
			t.Errorf("the page loaded %s", url)
		}
	}
}

// TestEveryTabStopActs checks that Tab stops only at elements that keys act on, in the
// overview of a large venue and in one of its sections.
func TestEveryTabStopActs(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", "../../events/arena.json")
	w := b.newUser(1280, 900)
	for _, view := range []string{"", "#section=Lower+101"} {
		w.visit(s.URL + view)
		for range 12 {
			w.keys(tab)
			if !eval[bool](w, `look.focus.matches('body, a[href], button, select, [role=gridcell]')`) {
				t.Errorf("Tab stops at %s", eval[string](w, `look.focus.cloneNode(false).outerHTML`))
			}
		}
	}
}

// TestMessagesOnPhone checks that on a phone a message stays in view until it is closed,
// whatever the user has, together with the time, the buttons, and the held and picked seats,
// even at twice the font size.
func TestMessagesOnPhone(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t)
	w := b.newUser(360, 740)
	w.visit(s.URL)
	inView := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			w.waitFor(id+" is in view", `(({top, bottom, left, right, width}) => width > 0 && top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth)(look.byId(`+quoted(id)+`).getBoundingClientRect())`)
		}
	}
	waitMessage := func(text string) {
		t.Helper()
		w.waitText(text)
		inView("notice")
	}
	w.click("row A, seat 3")
	w.press("Hold this seat")
	w.press("Buy")
	waitMessage("Booked: Row A, seat 3")
	w.click("row A, seat 5")
	w.press("Hold this seat")
	w.click("row B, seat 5")
	inView("countdown", "confirm", "release", "locked", "picked", "lock")
	eval[any](w, `document.documentElement.style.fontSize = '200%'`)
	inView("countdown", "confirm", "release")
	eval[any](w, `document.documentElement.style.fontSize = ''`)
	w.lockTooLate("B5")
	waitMessage("Somebody was faster")
	inView("countdown", "confirm", "release", "locked")
	eval[any](w, `look.byId('dismiss').click()`)
	w.waitFor("the message is gone", `!look.byId('notice').checkVisibility()`)
	eval[any](w, `scrollTo(0, 0)`)
	w.waitFor("the message that the connection is lost covers no seat", `(() => { document.querySelector('seatlock-map').controller.host.light('away');
		const {bottom, height} = look.one('.stale span').getBoundingClientRect(); return height > 0 && bottom <= Math.min(...look.all('#map .seat').map((c) => c.getBoundingClientRect().top)); })()`)
}
