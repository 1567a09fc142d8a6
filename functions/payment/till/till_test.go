package till_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/functions/payment/till"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A desk is a till with the notices that it has delivered.
type desk struct {
	*till.Till
	bodies  [][]byte
	headers []http.Header
}

func newDesk() *desk {
	d := new(desk)
	d.Till = till.New(till.Config{
		Orders: new(memstore.Store),
		Events: func() []lockstore.EventID { return []lockstore.EventID{"concert"} },
		Late:   3 * time.Minute,
		Deliver: func(_ context.Context, body []byte, header http.Header) {
			d.bodies, d.headers = append(d.bodies, body), append(d.headers, header)
		},
	})
	return d
}

// press presses a button of the page.
func (d *desk) press(s payment.Session, button string) *http.Response {
	form := url.Values{"session": {s.ID}, "do": {button}}
	r := httptest.NewRequest("POST", "/till", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result()
}

func TestContract(t *testing.T) {
	paymenttest.Provider(t, func(*testing.T) (payment.Provider, func(payment.Session) error) {
		d := newDesk()
		return d, func(s payment.Session) error {
			if answer := d.press(s, "pay"); answer.StatusCode != http.StatusSeeOther {
				return fmt.Errorf("the till answers %s", answer.Status)
			}
			return nil
		}
	})
}

func request() payment.Request {
	now := time.Now().Truncate(time.Second)
	return payment.Request{
		Terms: payment.Terms{Order: "ORDER1", Event: "concert", User: "ann", Seats: []lockstore.SeatID{"A1"}, Amount: 8405, Currency: "EUR",
			Created: now, PayBefore: now.Add(10 * time.Minute)},
		Title: "<Concert>", Lines: []payment.Line{{Text: "First", Count: 1, Amount: 8405}}, ReturnURL: "https://shop.example/?order=ORDER1",
	}
}

func open(t *testing.T, d *desk) payment.Session {
	t.Helper()
	s, err := d.Open(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPageSaysThatNoMoneyMoves(t *testing.T) {
	d := newDesk()
	s := open(t, d)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest("GET", s.URL, nil))
	for _, want := range []string{"No money moves", "&lt;Concert&gt;", "84.05 EUR", `value="pay"`, `value="decline"`, `value="late"`, `value="leave"`, `href="https://shop.example/?order=ORDER1"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s:\n%s", want, w.Body)
		}
	}
}

// The page speaks the language that the address or else the browser asks for, and says in
// each that no money moves.
func TestPageSpeaksLanguages(t *testing.T) {
	for _, c := range []struct {
		lang, accept string
		want         []string
	}{
		{"", "", []string{`<html lang="en" dir="ltr">`, "No money moves.", "84.05 EUR"}},
		{"", "de-AT,de;q=0.9,en;q=0.5", []string{`<html lang="de" dir="ltr">`, "Es fließt kein Geld.", "84,05 EUR bezahlen"}},
		{"", "es, fr;q=0.5", []string{`<html lang="fr" dir="ltr">`, "Aucun argent ne circule.", "Payer 84,05 EUR"}},
		{"ar", "de", []string{`<html lang="ar" dir="rtl">`, "لا تُنقل أي أموال.", "84.05 EUR", `name="lang" value="ar"`}},
		{"<no language>", "de", []string{`<html lang="de" dir="ltr">`, `value="&lt;no language&gt;"`}},
	} {
		d := newDesk()
		s := open(t, d)
		r := httptest.NewRequest("GET", s.URL+"&lang="+url.QueryEscape(c.lang), nil)
		r.Header.Set("Accept-Language", c.accept)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		for _, want := range c.want {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%q, %q: the page lacks %s:\n%s", c.lang, c.accept, want, w.Body)
			}
		}
	}
}

// Buttons that pay go back to the shop. The others stay, and the payment stays open.
// What the page says in English alone is not called another language.
func TestEnglishTextsAreCalledEnglish(t *testing.T) {
	d := newDesk()
	s := open(t, d)
	for body, method := range map[string]string{"There is no such button.": "POST", "The till takes GET and POST.": "PUT"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, s.URL, nil)
		r.Header.Set("Accept-Language", "de")
		d.ServeHTTP(w, r)
		if lang := w.Header().Get("Content-Language"); lang != "en" || !strings.Contains(w.Body.String(), body) {
			t.Errorf("%s is answered in %q: %s; want %q in en", method, lang, w.Body, body)
		}
	}
}

func TestButtons(t *testing.T) {
	for _, c := range []struct {
		button  string
		status  int
		state   payment.State
		notices int
	}{
		{"pay", 303, payment.Authorised, 1},
		{"late", 303, payment.Pending, 1},
		{"decline", 200, payment.Open, 0},
		{"leave", 200, payment.Open, 0},
		{"shout", 400, payment.Open, 0},
	} {
		d := newDesk()
		s := open(t, d)
		answer := d.press(s, c.button)
		p, err := d.Fetch(t.Context(), s.ID)
		if answer.StatusCode != c.status || p.State != c.state || err != nil || len(d.bodies) != c.notices {
			t.Errorf("%s: %s, the payment is %s (%v), %d notices; want %d, %s, %d", c.button, answer.Status, p.State, err, len(d.bodies), c.status, c.state, c.notices)
		}
		if c.status == 303 && answer.Header.Get("Location") != request().ReturnURL {
			t.Errorf("%s leads to %s", c.button, answer.Header.Get("Location"))
		}
	}
}

func TestPayAfterSeatsAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		s := open(t, d)
		d.press(s, "late")
		for _, c := range []struct {
			after time.Duration
			want  payment.State
		}{{13*time.Minute - time.Second, payment.Pending}, {time.Second, payment.Authorised}} {
			time.Sleep(c.after)
			if p, err := d.Fetch(t.Context(), s.ID); err != nil || p.State != c.want {
				t.Errorf("the payment is %s (%v), want %s", p.State, err, c.want)
			}
		}
	})
}

func TestOnlyItsOwnNoticesCount(t *testing.T) {
	d := newDesk()
	d.press(open(t, d), "pay")
	body, header, now := d.bodies[0], d.headers[0], time.Now()
	if id, err := d.Verify(body, header, now); id != "ORDER1" || err != nil {
		t.Errorf("a notice is about %q (%v), want ORDER1", id, err)
	}
	if id, err := d.Verify([]byte("ORDER2"), header, now); err != payment.ErrBadNotice {
		t.Errorf("a forged notice is about %q (%v)", id, err)
	}
	if id, err := d.Verify(body, header, now.Add(10*time.Minute)); err != payment.ErrBadNotice {
		t.Errorf("a notice of ten minutes ago is about %q (%v)", id, err)
	}
	if id, err := newDesk().Verify(body, header, now); err != payment.ErrBadNotice {
		t.Errorf("a notice of another till is about %q (%v)", id, err)
	}
}

// Amounts are in the smallest unit of ISO 4217, whichever units are in use.
func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		amount   int64
		currency string
		want     string
	}{
		{8405, "EUR", "84.05 EUR"},
		{5, "EUR", "0.05 EUR"},
		{1200, "JPY", "1,200 JPY"},
		{1234, "KWD", "1.234 KWD"},
		{1_000_000, "IDR", "10,000.00 IDR"},
		{1_000_000, "COP", "10,000.00 COP"},
		{150_000, "RSD", "1,500.00 RSD"},
		{1_000_000_000_001, "EUR", "10,000,000,000.01 EUR"},
	} {
		d := newDesk()
		r := request()
		r.Amount, r.Currency, r.Lines = c.amount, c.currency, nil
		s, err := d.Open(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest("GET", s.URL, nil))
		if want := ">Pay " + c.want + "</button>"; !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d %s: the page lacks %s:\n%s", c.amount, c.currency, want, w.Body)
		}
	}
}
