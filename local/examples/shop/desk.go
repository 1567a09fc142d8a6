package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
)

// A desk knows the buyers, and takes their money. It is safe for concurrent use.
type desk struct {
	server *url.URL
	seats  *client.Client

	mu     sync.Mutex
	buyers map[string]buyer // by the shop's cookie. A real shop has sessions that end
}

// A buyer is somebody with a session at the shop. It has a session at Seatlock as well,
// whose token the page gets.
type buyer struct {
	user  lockstore.UserID
	token string
}

const mostBuyers = 10_000

// buyer returns whom a request is from. The shop asks Seatlock for a session of each new
// buyer, so that nobody can act for somebody else.
func (d *desk) buyer(w http.ResponseWriter, r *http.Request) (buyer, error) {
	cookie, err := r.Cookie("shop")
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		if b, known := d.buyers[cookie.Value]; known {
			return b, nil
		}
	}
	if len(d.buyers) >= mostBuyers {
		return buyer{}, errors.New("the shop has too many buyers")
	}
	b, err := d.newBuyer(r.Context())
	if err != nil {
		return buyer{}, err
	}
	id := rand.Text()
	d.buyers[id] = b
	http.SetCookie(w, &http.Cookie{Name: "shop", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return b, nil
}

// newBuyer gets a session from Seatlock. Its cookie is also a bearer token.
func (d *desk) newBuyer(ctx context.Context) (buyer, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", d.server.JoinPath("session").String(), nil)
	if err != nil {
		return buyer{}, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return buyer{}, err
	}
	defer resp.Body.Close()
	var answer struct {
		UserID lockstore.UserID `json:"userId"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return buyer{}, fmt.Errorf("seatlock answered %s: %w", resp.Status, err)
	}
	for _, c := range resp.Cookies() {
		if strings.HasSuffix(c.Name, "seatlock") && answer.UserID != "" {
			return buyer{answer.UserID, c.Value}, nil
		}
	}
	return buyer{}, fmt.Errorf("seatlock gives no session (%s): start it with -sessions", resp.Status)
}

// token answers the page with the buyer's token for the element.
func (d *desk) token(w http.ResponseWriter, r *http.Request) {
	b, err := d.buyer(w, r)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "The shop cannot serve you now.", err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	answer(w, map[string]string{"token": b.token})
}

// An order is what the page wants to pay for.
type order struct {
	EventID lockstore.EventID  `json:"eventId"`
	SeatIDs []lockstore.SeatID `json:"seatIds"`
}

// pay takes the money for locked seats, and books them.
func (d *desk) pay(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&o); err != nil || len(o.SeatIDs) == 0 {
		refuse(w, http.StatusBadRequest, "The order cannot be read.", err)
		return
	}
	b, err := d.buyer(w, r)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "The shop cannot serve you now.", err)
		return
	}
	ref, bill, err := d.sell(r.Context(), b.user, o)
	var conflict *lockstore.ConflictError
	switch {
	case errors.As(err, &conflict):
		refuse(w, http.StatusConflict, "The seats are not yours any more. You have paid nothing.", err)
	case err != nil:
		refuse(w, http.StatusBadGateway, "That did not work. You have paid nothing.", err)
	default:
		answer(w, map[string]any{"reference": ref, "total": bill.Total, "currency": bill.Currency})
	}
}

// sell books locked seats of a user for money. The locks are extended first, so that they
// last until the money is there.
func (d *desk) sell(ctx context.Context, user lockstore.UserID, o order) (lockstore.Ref, client.Bill, error) {
	ev, err := d.event(ctx, o.EventID)
	if err != nil {
		return "", client.Bill{}, err
	}
	if _, err := d.seats.Do(ctx, ev, lockstore.Extend(user, time.Now().Add(2*time.Minute), o.SeatIDs...)); err != nil {
		return "", client.Bill{}, err
	}
	// To lock again what the user has changes nothing, and answers what it costs.
	_, bill, err := d.seats.Buy(ctx, ev, lockstore.Lock(user, o.SeatIDs...))
	if err != nil {
		return "", bill, err
	}
	// Here a shop charges the card with bill.Total.
	op := lockstore.Confirm(user, o.SeatIDs...)
	op.Ref = lockstore.Ref("SHOP-" + rand.Text()[:8])
	if _, err := d.seats.Do(ctx, ev, op); err != nil {
		return "", bill, err // and here it gives the money back
	}
	return op.Ref, bill, nil
}

// event returns an event of the server.
func (d *desk) event(ctx context.Context, id lockstore.EventID) (*lockstore.Event, error) {
	events, err := d.seats.Events(ctx)
	if err != nil {
		return nil, err
	}
	for _, ev := range events {
		if ev.ID == id {
			return ev, nil
		}
	}
	return nil, fmt.Errorf("there is no event %q", id)
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(body) // a browser that has gone needs no answer
}

// refuse answers with a sentence for the buyer, and logs why.
func refuse(w http.ResponseWriter, status int, sentence string, why error) {
	log.Printf("refused with %d: %v", status, why)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": sentence})
}
