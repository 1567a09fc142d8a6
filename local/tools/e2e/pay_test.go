package e2e

import "testing"

// TestPayAtTheTill checks that a buyer pays for locked seats and gets them with a
// reference, also after a card was declined, and that seats whose payment was left stay
// locked until the buyer gives them back.
func TestPayAtTheTill(t *testing.T) {
	t.Parallel()
	w, s := openPage(t, "-checkout", "till", "-events", "../../events/theatre.json")
	for _, n := range []string{"1", "2", "3"} {
		w.click("Stalls, row E, seat " + n)
	}
	w.press("Lock 3 seats")
	w.waitText("Pay to book.")
	w.press("Pay £114.00")
	w.waitText("No money moves.")
	w.press("Decline the card")
	w.waitText("Declined. You can try again")
	w.press("Pay 114.00 GBP")
	w.waitText("Paid and booked: Stalls, row E, seats 1, 2 and 3 for £114.00. Your reference is ")
	w.waitSeat("Stalls, row E, seat 3", "booked by you")
	w.waitFor("the address has no order", `location.search === '' && location.hash.startsWith('#event=winters-tale')`)
	w.axe("after a payment")

	w.click("Stalls, row F, seat 1")
	w.press("Lock this seat")
	// The answer to the first request is lost, and the page asks again.
	eval[any](w, `(() => { const real = fetch; window.fetch = async (url, ...options) => { const answer = await real(url, ...options);
		if (!String(url).endsWith('/checkout')) return answer; window.fetch = real; throw new TypeError('lost'); }; })()`)
	w.press("Pay £38.00")
	w.waitText("No money moves.")
	w.visit(s.URL) // away from the till, which stays unpaid
	w.waitText("Not paid yet. Stalls, row F, seat 1 stays yours for ")
	w.waitFor("the time left is that to pay", `/^(10|9):/.test(look.byId('countdown').textContent)`)
	w.waitSeat("Stalls, row F, seat 1", "locked by you for ")
	w.press("Pay £38.00") // the same payment
	w.waitText("No money moves.")
	eval[any](w, `look.one('a').click()`) // back to the shop
	w.waitText("Not paid yet.")
	w.press("Release")
	w.waitText("Stalls, row F, seat 1 is given back, and no money was taken.")
	s.waitSeat("S-F1", "available")
	w.waitFor("only the paid seats are the user's", `look.all('#bought li').length === 3 && !look.one('#locked-box').checkVisibility()`)
}
