package till

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("till").Parse(pageText))

// policy lets the page have its own style, and nothing else.
var policy = "default-src 'none'; style-src 'sha256-" + styleHash() + "'; base-uri 'none'; frame-ancestors 'none'"

func styleHash() string {
	_, style, _ := strings.Cut(pageText, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// view is what the page shows of a session.
type view struct {
	Session, Title, Total, Return string
	Lines                         []line
	Open                          bool
	Note                          string
	Until                         string
}

type line struct {
	Text   string
	Count  int
	Amount string
}

// ServeHTTP answers the page of a session, /till?session=ID, and its buttons, which
// POST there.
func (t *Till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	id := r.FormValue("session")
	s, err := t.read(r.Context(), id)
	switch {
	case errors.Is(err, lockstore.ErrNoOrder), errors.Is(err, payment.ErrRefused):
		http.Error(w, "There is no such payment.", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, "The till cannot read this payment just now. Try again.", http.StatusServiceUnavailable)
		return
	}
	switch {
	case r.Method == "GET" || r.Method == "HEAD":
		t.show(w, id, s, "")
	case r.Method != "POST":
		h.Set("Allow", "GET, HEAD, POST")
		http.Error(w, "The till takes GET and POST.", http.StatusMethodNotAllowed)
	default:
		t.press(w, r, id, s)
	}
}

// press does what a button of the page says.
func (t *Till) press(w http.ResponseWriter, r *http.Request, id string, s *session) {
	late := false
	switch r.PostFormValue("do") {
	case "pay":
	case "late":
		late = true
	case "decline":
		t.show(w, id, s, "Declined. You can try again as long as there is time.")
		return
	case "leave":
		t.show(w, id, s, "You have left, and never come back. The payment ends by itself.")
		return
	default:
		http.Error(w, "There is no such button.", http.StatusBadRequest)
		return
	}
	paid, err := t.pay(r.Context(), id, late)
	switch {
	case err != nil:
		http.Error(w, "The till could not write this down. Try again.", http.StatusServiceUnavailable)
	case !paid:
		s.State = payment.Void
		t.show(w, id, s, "It is too late: this payment is over.")
	default:
		t.notify(r.Context(), s.Order)
		http.Redirect(w, r, s.ReturnURL, http.StatusSeeOther)
	}
}

func (t *Till) show(w http.ResponseWriter, id string, s *session, note string) {
	v := view{Session: id, Title: s.Title, Total: money(s.Amount, s.Currency), Return: s.ReturnURL, Open: s.State == payment.Open, Note: note,
		Until: s.PayBefore.UTC().Format("15:04:05 MST")}
	for _, l := range s.Lines {
		v.Lines = append(v.Lines, line{l.Text, l.Count, money(l.Amount, s.Currency)})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, v); err != nil {
		return // the client has gone
	}
}

// money writes an amount in the smallest unit of a currency, such as 84.00 EUR.
func money(amount int64, code string) string {
	digits := 2 // also of a currency that is not known
	if unit, err := currency.ParseISO(code); err == nil {
		digits, _ = currency.Standard.Rounding(unit)
	}
	value := float64(amount)
	for range digits {
		value /= 10
	}
	return message.NewPrinter(language.English).Sprint(number.Decimal(value, number.Scale(digits))) + " " + code
}
