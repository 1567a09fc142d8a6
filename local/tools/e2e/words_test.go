package e2e

import (
	"cmp"
	"os"
	"testing"
)

// plain is JavaScript for the text of the page without bidirectional marks.
const plain = `look.text.replace(/[\u061c\u200e\u200f\u2066-\u2069]/g, '').replace(/\s+/g, ' ')`

func (w *window) waitPlain(text string) {
	w.t.Helper()
	w.waitFor("the page has the text "+quoted(text), plain+`.includes(`+quoted(text)+`)`)
}

// fits checks that the page is as wide as the window, and that no text is cut off.
func (w *window) fits(what string, width int64) {
	w.t.Helper()
	if wide := eval[float64](w, `document.documentElement.scrollWidth`); wide > float64(width) {
		w.t.Errorf("%s: the page is %v px wide, want at most %d", what, wide, width)
	}
	cut := eval[[]string](w, `[...look.all('button, .cost, .total, #countdown')].filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline').map((e) => e.outerHTML)`)
	if len(cut) > 0 {
		w.t.Errorf("%s: texts are cut off: %.300q", what, cut)
	}
}

// TestLanguageOfTheAddress books seats in German, which the address selects, and checks that
// the language outlasts a reload without it and that no other language is loaded.
func TestLanguageOfTheAddress(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", house)
	w := b.newUser(360, 740) // German has long words
	w.visit(s.URL + "?lang=de")
	w.waitIn("#prices", "First ab 31,00 € noch 60")
	w.waitSeat("Stalls, Reihe A, Platz 1", "frei, ab 31,00\u00a0€")
	for range 3 {
		w.pressLabel("Größer") // a tap on a small seat would only enlarge it
	}
	w.waitFor("the seat is large", seat("Stalls, Reihe A, Platz 1")+`.getBoundingClientRect().width >= 18`)
	w.click("Stalls, Reihe A, Platz 1")
	w.press("Diesen Platz reservieren")
	w.waitText("Stalls, Reihe A, Platz 1 ist 5 Minuten lang für Sie reserviert. Kaufen Sie ihn, damit er Ihnen gehört.")
	w.fits("in German", 360)
	if dir := os.Getenv("E2E_SHOTS"); dir != "" {
		w.screenshot(dir + "/german-phone.png")
	}
	w.axe("in German")
	w.visit(s.URL)
	w.press("Kaufen")
	w.waitText("Gebucht: Stalls, Reihe A, Platz 1 für 62,00 €. Wir freuen uns auf Sie.")
	if lang := eval[string](w, `document.documentElement.lang`); lang != "de" {
		t.Errorf("the language is said to be %q", lang)
	}
	tables := eval[[]string](w, `performance.getEntriesByType('resource').map((e) => /\/(en|de|fr|ar)-\w+\.js$/.exec(e.name)?.[1]).filter(Boolean)`)
	if len(tables) != 1 || tables[0] != "de" {
		t.Errorf("the page loaded the messages in %q, want the German ones alone", tables)
	}
}

// TestRightToLeft checks that the page is laid out from right to left in Arabic, that the map
// keeps its geometry, and that nothing overlaps or overflows, on a desktop and a phone.
func TestRightToLeft(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", house)
	dir := cmp.Or(os.Getenv("E2E_SHOTS"), t.TempDir())
	for name, width := range map[string]int64{"desktop": 1280, "phone": 360} {
		w := b.newUser(width, 900)
		w.emulate("light", "reduce")
		w.visit(s.URL + "?lang=ar")
		w.waitPlain("اختر مقاعدك على المخطط")
		row := map[string]string{"desktop": "A", "phone": "B"}[name]
		for range 3 {
			w.pressLabel("أكبر") // a tap on a small seat would only enlarge it
		}
		for _, n := range []string{"1", "2"} {
			w.clickOn(`look.one('[role=gridcell][aria-label*="الصف \u2068` + row + `\u2069، المقعد \u2068` + n + `\u2069"]')`)
		}
		w.press("احجز مقعدين مؤقتًا")
		w.waitPlain("حُجز لك مؤقتًا: Stalls، الصف " + row + "، المقعدان 1 و2. المدة: 5 دقائق.")
		w.waitFor("the countdown reads from left to right", `/^[45]:\d\d$/.test(look.byId('countdown').textContent)`)
		w.axe("in Arabic, on a " + name)
		w.waitFor("seat 2 is at the right of seat 1", `(() => { const [one, two] = look.all('.seat[data-state=yours]').map((c) => c.getBoundingClientRect()); return two.left > one.left; })()`)
		w.fits(name, width)
		if name == "desktop" {
			w.waitFor("the panel is at the left of the map", `look.one('.ticket').getBoundingClientRect().right <= look.one('.venue').getBoundingClientRect().left`)
		}
		eval[any](w, `scrollTo(0, 0)`)
		w.screenshot(dir + "/arabic-" + name + ".png")
		w.press("إرجاع")
		w.waitPlain("تم الإرجاع: ")
	}
}
