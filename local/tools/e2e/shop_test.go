package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

const house = "../../events/house.json"

// text returns JavaScript for the text of an element, with single spaces.
func text(selector string) string {
	return `(look.one(` + quoted(selector) + `)?.innerText ?? "").replace(/\s+/g, ' ').trim()`
}

func (w *window) waitIn(selector, want string) {
	w.t.Helper()
	w.waitFor(selector+" has the text "+want, text(selector)+`.includes(`+quoted(want)+`)`)
}

// choose chooses an option of a list, as a user does.
func (w *window) choose(label, option string) {
	w.t.Helper()
	eval[any](w, `(() => { const list = look.one('select[aria-label=' + CSS.escape(`+quoted(label)+`) + ']');
		list.value = [...list.options].find((o) => o.text === `+quoted(option)+`).value; list.dispatchEvent(new Event('change')); })()`)
}

// pressLabel clicks on the button with the label.
func (w *window) pressLabel(label string) {
	w.t.Helper()
	eval[any](w, `look.one('button[aria-label=' + CSS.escape(`+quoted(label)+`) + ']').click()`)
}

// TestPrices checks that a buyer sees what seats cost and how many are left, chooses a
// price for each, and pays the server's total.
func TestPrices(t *testing.T) {
	t.Parallel()
	w, _ := openPage(t, "-events", house)
	w.waitIn("#prices", "First from €31.00 60 left")
	w.waitIn("#prices", "Café, with a drink €55.00 36 left")
	w.waitSeat("Stalls, row A, seat 3", "available, from €31.00")
	w.click("Stalls, row A, seat 1")
	w.click("Café, row 1, seat 1")
	w.waitIn("#picked-total", "€117.00")
	w.choose("Price of Stalls, row A, seat 1", "Child €31.00")
	w.waitIn("#picked-total", "€86.00")
	w.axe("with prices")
	w.press("Hold 2 seats")
	w.waitIn("#locked-total", "€86.00")
	w.waitIn("#prices", "First from €31.00 59 left")
	eval[any](w, `location.reload()`) // the choices outlast it
	w.waitIn("#locked-total", "€86.00")
	w.press("Buy")
	w.waitText("Café, row 1, seat 1 for €86.00.")
}

// TestCategoriesLookDifferent checks that every category has a mark of its own beside
// its colour, and that both stand out from the chair, by day and by night.
func TestCategoriesLookDifferent(t *testing.T) {
	t.Parallel()
	var categories, rows []string
	for i := range 8 {
		categories = append(categories, fmt.Sprintf(`{"id":"c%d","name":"C%d","price":%d,"color":"%s"}`, i, i, 1000*i, []string{"#ffff00", "#000000", "#ffffff", "#8c1d2f"}[i%4]))
		rows = append(rows, fmt.Sprintf(`{"row":"%d","seats":"1-4","category":"c%d"}`, i+1, i))
	}
	w, _ := openPage(t, "-events", eventFile(t, `{"events":[{"id":"hall","currency":"EUR","categories":[`+strings.Join(categories, ",")+`],"sections":[{"name":"Hall","pattern":"{row}-{seat}","rows":[`+strings.Join(rows, ",")+`]}]}]}`))
	for _, scheme := range []string{"light", "dark"} {
		w.emulate(scheme, "reduce")
		type look struct {
			Mark     string
			Contrast float64
		}
		looks := eval[[]look](w, `(() => {
			const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
			const light = (colour) => {
				context.fillStyle = colour;
				context.fillRect(0, 0, 1, 1);
				const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
				return 0.2126 * r + 0.7152 * g + 0.0722 * b;
			};
			return [1, 2, 3, 4, 5, 6, 7, 8].map((row) => {
				const chair = getComputedStyle(look.one('#map [aria-label^="Hall, row ' + row + ', seat 1,"]'), '::before');
				const [a, b] = [light(chair.borderTopColor), light(getComputedStyle(look.one('.room')).backgroundImage.match(/(rgb|oklch)\([^)]*\)/)[0])];
				return {Mark: [chair.backgroundImage.replace(/(rgb|oklch|oklab|color)\([^()]*\)/g, ''), chair.backgroundSize, chair.backgroundPosition].join(), Contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)};
			});
		})()`)
		seen := make(map[string]int)
		for i, l := range looks {
			if other, ok := seen[l.Mark]; ok {
				t.Errorf("%s: categories %d and %d have the same mark %s", scheme, other, i, l.Mark)
			}
			seen[l.Mark] = i
			if l.Contrast < 3 {
				t.Errorf("%s: category %d has the contrast %.2f, want 3", scheme, i, l.Contrast)
			}
		}
	}
}

// TestFilter checks that a buyer can show only some categories, and that the best seats are
// then chosen from these.
func TestFilter(t *testing.T) {
	t.Parallel()
	w, _ := openPage(t, "-events", house)
	dim := func(name string) string { return seat(name) + `.classList.contains('dim')` }
	eval[any](w, `[...look.all('#prices button')].find((b) => b.innerText.startsWith('Second')).click()`)
	w.waitFor("First is dim, and Second is not", dim("Stalls, row A, seat 1")+" && !"+dim("Stalls, row D, seat 1"))
	w.press("Best available")
	w.waitText("Stalls, row D, seat 12 is held for you for")
	eval[any](w, `look.one('#prices [aria-pressed=true]').click()`)
	w.waitFor("nothing is dim", `!look.one('.dim')`)
	eval[any](w, `(() => { const most = look.byId('most'); most.selectedIndex = 1; most.dispatchEvent(new Event('change')); })()`)
	w.waitIn("#most", "Up to €18.00")
	w.waitFor("all seats cost more", dim("Stalls, row D, seat 1")+" && "+dim("Café, row 1, seat 1"))
}

// TestParty checks that one click picks a party side by side, that another click moves
// it, and that an aisle separates.
func TestParty(t *testing.T) {
	t.Parallel()
	w, _ := openPage(t, "-events", house)
	w.pressLabel("More seats")
	w.pressLabel("More seats")
	w.waitText("3 together")
	w.click("Stalls, row A, seat 2") // seat 1 is not left alone
	for _, n := range []string{"1", "2", "3"} {
		w.waitSeat("Stalls, row A, seat "+n, "picked by you")
	}
	w.click("Stalls, row B, seat 10")
	for _, n := range []string{"8", "9", "10"} { // the aisle is behind seat 10
		w.waitSeat("Stalls, row B, seat "+n, "picked by you")
	}
	w.waitSeat("Stalls, row A, seat 2", "available")
	w.keys(left, left, left, left, enter)
	w.waitSeat("Stalls, row B, seat 6", "picked by you")
	w.press("Hold 3 seats")
	w.waitText("Stalls, row B, seats 5, 6 and 7 are held for you for")
	w.click("Left box, row 1, seat 3")
	w.waitSeat("Left box, row 1, seat 2", "picked by you")
	w.waitIn("#picked-total", "€132.00")
}

// TestPartyFindsNoRoom checks what a buyer reads if there is no room for a party.
func TestPartyFindsNoRoom(t *testing.T) {
	t.Parallel()
	w, _ := openPage(t, "-events", eventFile(t, `{"events":[{"id":"hall","sections":[{"name":"Hall","rows":[{"row":"A-B","seats":"1-2|3-4"}]}]}]}`))
	for range 2 {
		w.pressLabel("More seats")
	}
	w.click("Hall, row A, seat 2")
	w.waitText("There are no 3 seats side by side here.")
	w.press("Best available")
	w.waitText("There are at most 2 seats side by side left there.")
	w.axe("with an offer")
	w.press("Sit apart")
	w.waitText("are held for you for")
	w.waitText("They are not all side by side.")
	w.waitCounts(5, 3, 0)
}

// TestBestAfterALostAnswer checks that the page asks which seats it got before it asks for
// the best seats again, even after a reload.
func TestBestAfterALostAnswer(t *testing.T) {
	t.Parallel()
	w, _, p := openThroughProxy(t)
	w.pressLabel("More seats")
	p.unknownOutcomes.Store(1) // the server has locked two
	w.press("Best available")
	w.waitText("are held for you for")
	w.waitCounts(98, 2, 0)
	p.loseAnswers.Store(true)
	w.press("Best available")
	w.waitCounts(96, 4, 0)
	p.loseAnswers.Store(false)
	w.visit(p.url)
	w.waitFor("all four are the user's", `look.all('#locked li').length === 4`)
	w.waitCounts(96, 4, 0)
}

// TestAreas checks that places of an area are counted, priced, locked together with
// seats, and given back.
func TestAreas(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", house)
	w, other := b.newUser(1280, 900), b.newUser(1280, 900)
	w.visit(s.URL)
	other.visit(s.URL)
	w.waitIn("#areas", "Floor 150 places left €18.00")
	for range 2 {
		w.pressLabel("More of Floor")
	}
	w.click("Stalls, row A, seat 1")
	w.waitIn("#picked", "Floor 2 × €36.00")
	w.axe("with places of an area")
	w.press("Hold 3 tickets")
	w.waitText("2 places in Floor are held for you for")
	other.waitIn("#areas", "148 places left")
	other.waitIn("#prices", "Standing €18.00 148 left")
	w.visit(s.URL)
	w.waitIn("#locked-total", "€98.00")
	w.pressLabel("Give back Floor")
	w.waitText("Given back: 1 place in Floor.")
	other.waitIn("#areas", "149 places left")
	w.press("Buy")
	w.waitText("1 place in Floor for €80.00.")
}

// TestFactsOfSeats checks that the special features of a seat are shown in words.
func TestFactsOfSeats(t *testing.T) {
	t.Parallel()
	w, _ := openPage(t, "-events", house)
	w.waitSeat("Stalls, row C, seat 1", "available, from €31.00, wheelchair place, Step-free from the foyer")
	w.waitSeat("Stalls, row C, seat 2", "available, from €31.00, companion seat")
	w.click("Stalls, row H, seat 2")
	w.waitIn(".card", "restricted view A pillar is in the way")
	w.waitIn("#picked", "restricted view")
	w.waitIn("#facts", "wheelchair place")
}

// TestSingleSeats checks that the page offers an alternative to a choice that leaves a single
// seat.
func TestSingleSeats(t *testing.T) {
	t.Parallel()
	w, _ := openPage(t, "-events", house)
	w.click("Stalls, row A, seat 2")
	w.press("Hold this seat")
	w.waitText("This would leave one seat empty on its own.")
	w.press("Take Stalls, row A, seat 1")
	w.waitSeat("Stalls, row A, seat 1", "picked by you")
	w.waitSeat("Stalls, row A, seat 2", "available")
	w.press("Hold this seat")
	w.waitText("Stalls, row A, seat 1 is held for you for")
}

// TestNotOnSale checks that a buyer reads when the sale opens or that it has closed, in the
// buyer's time zone, and that nothing can be locked before.
func TestNotOnSale(t *testing.T) {
	t.Parallel()
	b := needBrowser(t)
	for want, times := range map[string]string{
		"Tickets go on sale on Friday, 5 January 2148 at 04:00 GMT-5.":  `"opensAt":"2148-01-05T10:00:00+01:00"`,
		"Ticket sales closed on Sunday, 5 January 2020 at 04:00 GMT-5.": `"closesAt":"2020-01-05T10:00:00+01:00"`,
	} {
		s := serve(t, "-events", eventFile(t, `{"events":[{"id":"hall",`+times+`,"sections":[{"name":"Hall","rows":[{"row":"A","seats":"1-4"}]}]}]}`))
		w := b.newUser(1280, 900)
		call(w, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/New_York"})
		w.visit(s.URL)
		w.waitIn("#sale", want)
		w.click("Hall, row A, seat 1")
		w.press("Hold this seat")
		w.waitIn("#notice", want)
		w.waitCounts(4, 0, 0)
	}
}
