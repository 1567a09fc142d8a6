package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/access"
	sessions "seatlock/functions/access/session"
	"seatlock/functions/booking"
	"seatlock/functions/client"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

const backendKey = "the-key-of-the-shop-s-back-end-in-tests"

// A theatre is a Seatlock server, the shop that sells its seats, and a buyer at the shop.
type theatre struct {
	t      *testing.T
	store  *memstore.Store
	events []venue.Event
	server *httptest.Server
	shop   *httptest.Server
	desk   *desk
	buyer  *http.Client

	api     atomic.Pointer[http.Handler]                                           // of the server
	confirm atomic.Pointer[func(http.ResponseWriter, *http.Request, http.Handler)] // serves POST /confirm instead
	paying  atomic.Pointer[context.Context]                                        // of the shop's last POST /pay
}

func openTheatre(t *testing.T) *theatre {
	t.Helper()
	events, err := venue.ReadFile("../../events/theatre.json", venue.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	th := &theatre{t: t, store: new(memstore.Store), events: events}
	th.start("a-key-of-at-least-thirty-two-characters")
	th.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if confirm := th.confirm.Load(); confirm != nil && r.URL.Path == "/confirm" {
			(*confirm)(w, r, *th.api.Load())
			return
		}
		(*th.api.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(th.server.Close)
	at, err := url.Parse(th.server.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	th.desk = &desk{server: at, seats: th.client(backendKey), finishTime: 10 * time.Second}
	handler, err := newShop(th.desk)
	if err != nil {
		t.Fatal(err)
	}
	th.shop = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		th.paying.Store(&ctx)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(th.shop.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	th.buyer = &http.Client{Jar: jar}
	return th
}

// start starts the server, or starts it again with another key of its sessions.
func (th *theatre) start(sessionKey string) {
	th.t.Helper()
	sealer, err := sessions.NewSealer(sessionKey)
	if err != nil {
		th.t.Fatal(err)
	}
	guests, err := sessions.New(sealer, sessions.Options{Guests: true})
	if err != nil {
		th.t.Fatal(err)
	}
	policy := &access.Policy{Sessions: guests, BackendKeys: []string{backendKey}}
	api, err := booking.New(booking.Config{Store: th.store, Events: th.events, Access: *policy, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		th.t.Fatal(err)
	}
	var handler http.Handler = (&sessions.Desk{Policy: policy, Sessions: guests}).Handler(api.Routes())
	th.api.Store(&handler)
}

func (th *theatre) client(token string) *client.Client {
	th.t.Helper()
	c, err := client.New(th.server.URL, client.Options{Token: token})
	if err != nil {
		th.t.Fatal(err)
	}
	th.t.Cleanup(c.Close)
	return c
}

// token returns the token that the shop gives its page.
func (th *theatre) token() string {
	th.t.Helper()
	resp, err := th.buyer.Get(th.shop.URL + "/token")
	if err != nil {
		th.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		th.t.Fatalf("the shop gives no token: %s, %v", resp.Status, err)
	}
	return answer.Token
}

// lock locks a seat for the buyer, as the element does.
func (th *theatre) lock(seat lockstore.SeatID) {
	th.t.Helper()
	if _, err := th.client(th.token()).Do(th.t.Context(), th.events[0].Event, lockstore.Lock("", seat)); err != nil {
		th.t.Fatal(err)
	}
}

// A payment is the shop's answer to POST /pay.
type payment struct {
	Status    int
	Message   string
	Reference lockstore.Ref
	Total     int64
}

// pay pays for a seat at a price level, whose button showed the total.
func (th *theatre) pay(ctx context.Context, seat, level string, total int) (payment, error) {
	body := fmt.Sprintf(`{"eventId":%q,"seats":[{"seatId":%q,"level":%q}],"total":%d}`, th.events[0].ID, seat, level, total)
	r, err := http.NewRequestWithContext(ctx, "POST", th.shop.URL+"/pay", strings.NewReader(body))
	if err != nil {
		return payment{}, err
	}
	resp, err := th.buyer.Do(r)
	if err != nil {
		return payment{}, err
	}
	defer resp.Body.Close()
	p := payment{Status: resp.StatusCode}
	return p, json.NewDecoder(resp.Body).Decode(&p)
}

// must is like pay, but the answer must have the status.
func (th *theatre) must(status int, seat, level string, total int) payment {
	th.t.Helper()
	p, err := th.pay(th.t.Context(), seat, level, total)
	if err != nil || p.Status != status {
		th.t.Fatalf("the shop answers with %+v, %v, want the status %d", p, err, status)
	}
	return p
}

// onConfirm serves the server's POST /confirm.
func (th *theatre) onConfirm(serve func(http.ResponseWriter, *http.Request, http.Handler)) {
	th.confirm.Store(&serve)
}

// loseAnswer carries out a call and loses its answer. It returns the call's reference.
func loseAnswer(r *http.Request, api http.Handler) lockstore.Ref {
	text, _ := io.ReadAll(r.Body)
	var call struct{ Reference lockstore.Ref }
	json.Unmarshal(text, &call)
	r.Body = io.NopCloser(strings.NewReader(string(text)))
	api.ServeHTTP(httptest.NewRecorder(), r)
	return call.Reference
}

// TestPriceOfTheButton checks that the shop charges the price of the level that the buyer
// chose, and nothing if the button showed another price.
func TestPriceOfTheButton(t *testing.T) {
	th := openTheatre(t)
	th.lock("S-E1")
	if p := th.must(http.StatusConflict, "S-E1", "child", 3800); !strings.Contains(p.Message, "You have paid nothing.") {
		t.Errorf("the shop says %q", p.Message)
	}
	if p := th.must(http.StatusOK, "S-E1", "child", 1900); p.Total != 1900 || p.Reference == "" {
		t.Errorf("the order is %+v", p)
	}
	th.lock("B-A1") // it has no levels
	if p := th.must(http.StatusOK, "B-A1", "", 2100); p.Total != 2100 {
		t.Errorf("the order is %+v", p)
	}
}

// TestPaidOnce checks that paying for a basket again, or in several windows at once, makes
// only one order.
func TestPaidOnce(t *testing.T) {
	th := openTheatre(t)
	th.lock("S-E1")
	var windows sync.WaitGroup
	payments := make([]payment, 8)
	for i := range payments {
		windows.Go(func() { payments[i], _ = th.pay(t.Context(), "S-E1", "child", 1900) })
	}
	windows.Wait()
	for _, p := range append(payments, th.must(http.StatusOK, "S-E1", "child", 1900)) {
		if p != payments[0] || p.Status != http.StatusOK || p.Reference == "" {
			t.Errorf("one basket has the orders %+v and %+v", payments[0], p)
		}
	}
}

// TestBuyerGoesAway checks that the shop books paid seats even if the browser disconnects,
// and that the buyer gets the same order later.
func TestBuyerGoesAway(t *testing.T) {
	th := openTheatre(t)
	th.lock("S-E1")
	ctx, leave := context.WithCancel(t.Context())
	var calls atomic.Int64
	booked := make(chan lockstore.Ref, 10)
	th.onConfirm(func(w http.ResponseWriter, r *http.Request, api http.Handler) {
		if calls.Add(1) == 1 {
			leave()
			<-(*th.paying.Load()).Done()
			panic(http.ErrAbortHandler) // the call is lost, so that the shop must repeat it
		}
		booked <- loseAnswer(r, api)
		th.confirm.Store(nil)
		panic(http.ErrAbortHandler)
	})
	if p, err := th.pay(ctx, "S-E1", "child", 1900); err == nil {
		t.Fatalf("the browser that went away got %+v", p)
	}
	select {
	case ref := <-booked:
		if p := th.must(http.StatusOK, "S-E1", "child", 1900); p.Reference != ref {
			t.Errorf("the booking is %s, and the order %+v", ref, p)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the shop does not book what was paid for")
	}
}

// TestOutcomeUnknown checks that, while the shop does not know whether the seats are booked,
// it neither refunds the money nor says that nothing was charged.
func TestOutcomeUnknown(t *testing.T) {
	th := openTheatre(t)
	th.desk.finishTime = 100 * time.Millisecond
	th.lock("S-E1")
	var ref lockstore.Ref
	th.onConfirm(func(w http.ResponseWriter, r *http.Request, api http.Handler) {
		ref = loseAnswer(r, api)
		panic(http.ErrAbortHandler)
	})
	if p := th.must(http.StatusAccepted, "S-E1", "child", 1900); !strings.HasPrefix(p.Message, "You have paid.") {
		t.Errorf("the shop says %q", p.Message)
	}
	th.confirm.Store(nil)
	if p := th.must(http.StatusOK, "S-E1", "child", 1900); p.Reference != ref || p.Total != 1900 {
		t.Errorf("the booking is %s, and the order %+v", ref, p)
	}
}

// TestMoneyBack checks that the shop refunds the money if the seats were lost meanwhile, and
// that the buyer can pay for them again.
func TestMoneyBack(t *testing.T) {
	th := openTheatre(t)
	th.lock("S-E1")
	th.onConfirm(func(w http.ResponseWriter, r *http.Request, api http.Handler) {
		th.confirm.Store(nil)
		if _, err := th.store.Do(r.Context(), th.events[0].Event, lockstore.Evict("", "S-E1")); err != nil {
			t.Error(err)
		}
		api.ServeHTTP(w, r)
	})
	if p := th.must(http.StatusConflict, "S-E1", "child", 1900); !strings.HasSuffix(p.Message, "Your money is returned.") {
		t.Errorf("the shop says %q", p.Message)
	}
	if p := th.must(http.StatusConflict, "S-E1", "child", 1900); !strings.HasSuffix(p.Message, "You have not paid for them now.") {
		t.Errorf("the shop says %q", p.Message)
	}
	th.lock("S-E1")
	th.must(http.StatusOK, "S-E1", "child", 1900)
}

// TestSession checks that a buyer stays the same user, and gets a new token once Seatlock
// refuses the old one.
func TestSession(t *testing.T) {
	th := openTheatre(t)
	th.lock("S-E1")
	th.lock("S-E1") // by the same user
	before := th.token()
	th.start("another-key-of-at-least-thirty-two-characters")
	if _, err := th.client(before).Do(t.Context(), th.events[0].Event, lockstore.Lock("", "S-E2")); err == nil {
		t.Fatal("the old token is still valid")
	}
	if p := th.must(http.StatusForbidden, "S-E1", "child", 1900); !strings.Contains(p.Message, "Load the page again.") {
		t.Errorf("the shop says %q", p.Message)
	}
	th.lock("S-E2")
	th.must(http.StatusOK, "S-E2", "child", 1900)
}

// TestAddressOfTheElement checks the address of the module for a server whose address ends
// with a slash.
func TestAddressOfTheElement(t *testing.T) {
	th := openTheatre(t)
	resp, err := th.buyer.Get(th.shop.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(page), `"`+th.server.URL+`/embed/v1.js"`) {
		t.Errorf("%v, %s", err, page)
	}
}
