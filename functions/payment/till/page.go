package till

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

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
	Wanted                        string // the language that the address names
	Lines                         []line
	Open                          bool
	Note                          string
	Pay, Until                    string
	Say                           *texts
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
	h.Set("Vary", "Accept-Language")
	say := textsFor(r)
	h.Set("Content-Language", say.Lang())
	id := r.FormValue("session")
	s, err := t.read(r.Context(), id)
	switch {
	case errors.Is(err, lockstore.ErrNoOrder), errors.Is(err, payment.ErrRefused):
		http.Error(w, say.unknown, http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, say.unreadable, http.StatusServiceUnavailable)
		return
	}
	switch {
	case r.Method == "GET" || r.Method == "HEAD":
		t.show(w, r, say, id, s, "")
	case r.Method != "POST":
		h.Set("Allow", "GET, HEAD, POST")
		h.Set("Content-Language", "en")
		http.Error(w, "The till takes GET and POST.", http.StatusMethodNotAllowed)
	default:
		t.press(w, r, say, id, s)
	}
}

// press does what a button of the page says.
func (t *Till) press(w http.ResponseWriter, r *http.Request, say *texts, id string, s *session) {
	late := false
	switch r.PostFormValue("do") {
	case "pay":
	case "late":
		late = true
	case "decline":
		t.show(w, r, say, id, s, say.declined)
		return
	case "leave":
		t.show(w, r, say, id, s, say.left)
		return
	default:
		w.Header().Set("Content-Language", "en")
		http.Error(w, "There is no such button.", http.StatusBadRequest)
		return
	}
	paid, err := t.pay(r.Context(), id, late)
	switch {
	case err != nil:
		http.Error(w, say.notWritten, http.StatusServiceUnavailable)
	case !paid:
		s.State = payment.Void
		t.show(w, r, say, id, s, say.tooLate)
	default:
		t.notify(r.Context(), s.Order)
		http.Redirect(w, r, s.ReturnURL, http.StatusSeeOther)
	}
}

func (t *Till) show(w http.ResponseWriter, r *http.Request, say *texts, id string, s *session, note string) {
	total := money(say.tag, s.Amount, s.Currency)
	v := view{Say: say, Wanted: r.FormValue("lang"), Session: id, Title: s.Title, Total: total, Return: s.ReturnURL, Open: s.State == payment.Open, Note: note,
		Pay: fmt.Sprintf(say.Pay, total), Until: fmt.Sprintf(say.Until, s.PayBefore.UTC().Format("15:04:05 MST"))}
	for _, l := range s.Lines {
		v.Lines = append(v.Lines, line{l.Text, l.Count, money(say.tag, l.Amount, s.Currency)})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, v); err != nil {
		return // the client has gone
	}
}
