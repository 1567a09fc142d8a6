package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"seatlock/functions/client"
	"seatlock/lockstore"
)

// A desk gives each buyer a token for the element, and takes the money. It is safe for
// concurrent use.
type desk struct {
	server *url.URL
	seats  *client.Client

	// finishTime is how long a sale tries to book paid seats while the buyer waits.
	finishTime time.Duration

	sales  singleflight.Group // by basket
	orders sync.Map           // *order by basket, for all sales. A real shop keeps them in its database
}

// A session is a buyer's session at Seatlock. The shop does not store it: the token is in
// the shop's cookie.
type session struct {
	user  lockstore.UserID // empty if there is none
	token string
}

// session asks Seatlock for the session of the request. Without a valid one, Seatlock makes a
// new guest, unless the query is guest=none. Seatlock renews the session in time.
func (d *desk) session(r *http.Request, query string) (session, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	at := d.server.JoinPath("session")
	at.RawQuery = query
	ask, err := http.NewRequestWithContext(ctx, "GET", at.String(), nil)
	if err != nil {
		return session{}, err
	}
	var s session
	if cookie, err := r.Cookie("shop"); err == nil {
		s.token = cookie.Value
		ask.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := http.DefaultClient.Do(ask)
	if err != nil {
		return session{}, err
	}
	defer resp.Body.Close()
	var answer struct {
		UserID lockstore.UserID `json:"userId"`
	}
	if resp.StatusCode != http.StatusOK {
		return session{}, fmt.Errorf("seatlock answered GET /session with %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return session{}, fmt.Errorf("the answer to GET /session: %w", err)
	}
	for _, c := range resp.Cookies() { // it is also a bearer token
		if strings.HasSuffix(c.Name, "seatlock") {
			s.token = c.Value
		}
	}
	s.user = answer.UserID
	return s, nil
}

// token answers the page with the buyer's token for the element.
func (d *desk) token(w http.ResponseWriter, r *http.Request) {
	s, err := d.session(r, "")
	if err == nil && s.user == "" {
		err = errors.New("seatlock makes no guests: start it with -sessions")
	}
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "The shop cannot serve you now.", err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "shop", Value: s.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	w.Header().Set("Cache-Control", "no-store")
	answer(w, map[string]string{"token": s.token})
}

// pay takes the money for locked seats, and books them. The page may repeat it: a basket
// is paid for once.
func (d *desk) pay(w http.ResponseWriter, r *http.Request) {
	var b basket
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&b); err != nil || len(b.Seats) == 0 {
		refuse(w, http.StatusBadRequest, "The order cannot be read.", err)
		return
	}
	s, err := d.session(r, "guest=none")
	switch {
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "The shop cannot serve you now.", err)
		return
	case s.user == "":
		refuse(w, http.StatusForbidden, "The shop does not know you any more. Load the page again.", errors.New("the request has no session"))
		return
	}
	o, err := d.sell(r.Context(), s.user, b)
	if refusal, ok := errors.AsType[*refusal](err); ok {
		refuse(w, refusal.status, refusal.sentence, refusal.err)
		return
	}
	if err != nil {
		refuse(w, http.StatusBadGateway, "That did not work. You have not paid now. Try again.", err)
		return
	}
	answer(w, map[string]any{"reference": o.ref, "total": o.bill.Total, "currency": o.bill.Currency})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(body) // an error means that the browser has disconnected
}

// refuse answers with a sentence for the buyer, and logs why.
func refuse(w http.ResponseWriter, status int, sentence string, why error) {
	log.Printf("answered with %d: %v", status, why)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": sentence})
}
