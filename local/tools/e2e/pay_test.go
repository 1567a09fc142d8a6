package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// TestPayAtTheTill checks that a buyer pays for locked seats and gets them with a
// reference, even after a declined card, and that seats stay locked after the buyer leaves
// the payment, until the buyer gives them back.
func TestPayAtTheTill(t *testing.T) {
	t.Parallel()
	w, s := openPage(t, "-checkout", "till", "-events", "../../events/theatre.json")
	for _, n := range []string{"1", "2", "3"} {
		w.click("Stalls, row E, seat " + n)
	}
	w.press("Hold 3 seats")
	w.waitText("Pay to make them yours.")
	w.press("Pay £114.00")
	w.waitText("No money moves.")
	w.press("Decline the card")
	w.waitText("Declined. You can try again")
	w.press("Pay 114.00 GBP")
	w.waitText("Paid and booked: Stalls, row E, seats 1, 2 and 3 for £114.00. Your reference is ")
	w.waitSeat("Stalls, row E, seat 3", "booked by you")
	w.waitFor("the address has no order", `location.search === '' && location.hash.startsWith('#event=winters-tale')`)
	w.axe("after a payment")
	const receipt = `(() => { const receipt = look.byId('receipt'), code = look.byId('receipt-code'), calendar = look.byId('receipt-calendar');
		return receipt.checkVisibility() && ['The Winter', 'Stalls, row E, seat 2', '£114.00', /reference is (\w+)/.exec(look.byId('notice').textContent)[1]].every((text) => receipt.innerText.includes(text))
			&& code.naturalWidth > 0 && calendar.href.startsWith('blob:') && calendar.download.endsWith('.ics'); })()`
	w.waitFor("the receipt has the reference, its code and a file for the calendar", receipt)
	eval[any](w, `location.reload()`)
	w.waitFor("the receipt outlasts a reload", receipt)
	call(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	w.waitFor("only the receipt is printed", `look.byId('receipt').checkVisibility() && !['header', 'main', 'footer', '#receipt-print'].some((other) => look.one(other).checkVisibility())`)
	call(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	eval[any](w, `look.byId('receipt-close').focus(), look.byId('receipt-close').click()`)
	if got := eval[string](w, `look.focus.id`); got != "title" {
		t.Errorf("once the receipt is closed, the focus is on %q, want the heading", got)
	}
	w.visit(s.URL)
	w.waitFor("the receipt stays closed", `!look.byId('receipt').checkVisibility()`)

	w.click("Stalls, row F, seat 1")
	w.press("Hold this seat")
	// The answer to the first request is lost, and the page asks again.
	eval[any](w, `(() => { const real = fetch; window.fetch = async (url, ...options) => { const answer = await real(url, ...options);
		if (!String(url).endsWith('/checkout')) return answer; window.fetch = real; throw new TypeError('lost'); }; })()`)
	w.press("Pay £38.00")
	w.waitText("No money moves.")
	w.visit(s.URL) // away from the till, which stays unpaid
	w.waitText("Not paid yet. Stalls, row F, seat 1 is held for you for ")
	w.waitFor("the time left is that to pay", `/^(10|9):/.test(look.byId('countdown').textContent)`)
	w.waitSeat("Stalls, row F, seat 1", "held for you for ")
	w.press("Pay £38.00") // the same payment
	w.waitText("No money moves.")
	eval[any](w, `look.one('a').click()`) // back to the shop
	w.waitText("Not paid yet.")
	w.press("Give back")
	w.waitText("Stalls, row F, seat 1 was given back, and no money was taken.")
	s.waitSeat("S-F1", "available")
	w.waitFor("only the paid seats are the user's", `look.all('#bought li').length === 3 && !look.one('#locked-box').checkVisibility()`)

	// The till speaks the language of the page, whatever the browser's is.
	w.visit(s.URL + "?lang=de")
	w.click("Stalls, Reihe F, Platz 1")
	eval[any](w, `look.byId('lock').click()`)
	w.waitFor("the seat can be paid for", `look.byId('confirm').checkVisibility()`)
	eval[any](w, `look.byId('confirm').click()`)
	w.waitText("Es fließt kein Geld.")
}

// TestWhatBecameOfAnOrder checks what a buyer reads about an order in each state, as it
// progresses and when it has ended.
func TestWhatBecameOfAnOrder(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-events", house)
	s.must("lock", "ann", "S-E-1") // otherwise the page finds that the seat is not booked
	s.must("confirm", "ann", "S-E-1")
	p := newProxy(t, s)
	w := b.newUser(1280, 900)
	const seat = "Stalls, row E, seat 1 "
	answer := func(state, more string) {
		p.order.Store(fmt.Sprintf(`{"orderId":"K7Q2","eventId":"premiere","userId":"ann","seatIds":["S-E-1"],"state":"%s","total":3800,"currency":"GBP"%s}`, state, more))
	}
	for _, journey := range [][]struct{ state, more, want string }{
		{
			{"opening", "", "The payment is being opened."},
			{"booking", "", "Your payment has arrived, and " + seat + "is being booked."},
			{"giving_back", "", seat + "is being given back. If you have paid, you get your money back."},
			{"needs_person", `,"refunded":0`, "Something went wrong with your order, and the shop has to look at it. Nothing is lost. If you write to the shop, give it your reference: K7Q2."},
		},
		{{"refunded", `,"refunded":3800`, seat + "is not booked: your payment came too late, or the shop has cancelled it. £38.00 was paid back to you."}},
		{{"closed", "", seat + "was given back, and no money was taken."}},
		{{"paid", `,"refunded":900`, "Paid and booked: Stalls, row E, seat 1 for £38.00. Your reference is K7Q2. £9.00 was paid back to you."}},
		{{"refunded", `,"refunded":3800`, seat + "was given back, and £38.00 was paid back to you."}}, // it was booked before
	} {
		answer(journey[0].state, journey[0].more)
		w.visit(p.url + "?order=K7Q2")
		for _, step := range journey {
			answer(step.state, step.more)
			w.waitText(step.want)
		}
	}

	// A refund for a seat and a place that the buyer keeps, before the page knows of them.
	user := eval[string](w, `localStorage['seatlock:user']`)
	s.must("lock", user, "S-E-2")
	s.must("confirm", user, "S-E-2")
	place := eval[string](w, `(async () => { const post = async (call, body) => (await fetch(call, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({eventId: 'premiere', userId: '`+user+`', ...body})})).json();
		const { seatIds } = await post('lock', {areas: [{section: 'Floor', count: 1}]}); await post('confirm', {seatIds}); return seatIds[0]; })()`)
	p.order.Store(`{"orderId":"K7Q3","eventId":"premiere","userId":"` + user + `","seatIds":["S-E-2",` + quoted(place) + `],"state":"refunded","total":3800,"currency":"GBP","refunded":3800}`)
	w.visit(p.url + "?order=K7Q3")
	w.waitText("£38.00 was paid back to you. Stalls, row E, seat 2; 1 place in Floor are still yours.")
	w.waitSeat("Stalls, row E, seat 2", "booked by you")
}
