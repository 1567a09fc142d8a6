package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"

	"seatlock/functions/access"
	"seatlock/functions/payment"
	"seatlock/lockstore"
)

const (
	payB1  = `{"eventId":"gala","seatId":"B1","userId":"user456"}`
	refund = `{"orderId":"ORDER"}`
)

// orderRequests returns the requests about orders, and those that an order of the seats
// makes fail.
func orderRequests() map[string]request {
	by := func(before func(*fixture), body string) request {
		return request{body: body, header: asOperator, before: before}
	}
	buyer := func(s *fixture) { s.caller = "user456" }
	requests := map[string]request{
		"POST /confirm 403 payment_required": {body: payB1, before: func(s *fixture) { s.policy.ConfirmBy = access.ConfirmByPayment }},
		"POST /release 409 order_paid":       {body: payB1, before: paidAndNotBooked},
		"POST /release 409 order_changed":    {body: payB1, before: contended(checkedOut)},
		"POST /cancel 409 order_paid":        by(paid, `{"eventId":"gala","seatId":"B1","userId":"user456"}`),
		"POST /move 409 order_changed":       by(contended(paid), `{"eventId":"gala","seatIds":["B1"],"toSeatIds":["B2"],"userId":"user456"}`),
		"POST /block 409 order_paid":         by(paidAndNotBooked, `{"eventId":"gala","seatIds":["B1"],"evict":true}`),
		"POST /block 409 order_changed":      by(contended(checkedOut), `{"eventId":"gala","seatIds":["B1"],"evict":true}`),
		"POST /evict 409 order_paid":         by(paidAndNotBooked, `{"eventId":"gala","seatIds":["B1"]}`),
		"POST /evict 409 order_changed":      by(contended(checkedOut), `{"eventId":"gala","seatIds":["B1"]}`),

		"POST /checkout 200 open":                {body: `{"eventId":"gala","seatIds":["B1"],"userId":"user456","levels":["child"],"returnUrl":"/thanks","name":"Ann","email":"ann@example.org"}`},
		"POST /checkout 200 free":                {body: `{"seatIds":["C1","C2"],"userId":"user456"}`},
		"POST /checkout 409 seat_booked":         {body: `{"seatId":"D1","userId":"user456"}`},
		"POST /checkout 409 lock_not_held":       {body: `{"seatIds":["A1","C1"],"userId":"user123"}`},
		"POST /checkout 409 lock_expired":        {body: `{"seatId":"E1","userId":"user789"}`},
		"POST /checkout 409 order_changed":       {body: strings.Replace(payB1, "B1", "A1", 1), before: checkedOut},
		"POST /checkout 503 payment_unavailable": {body: payB1, before: providerAway},

		"GET /order 200 paid":          {target: "?userId=user456&orderId=ORDER", before: paid},
		"GET /order 200 history":       {target: "?orderId=ORDER", header: asOperator, before: paid},
		"GET /order 403 forbidden":     {target: "?userId=user123", before: buyer},
		"GET /order 404 unknown_order": {target: "?userId=user456"},
		"HEAD /order 200":              {target: "?userId=user456&eventId=gala", before: checkedOut},
		"HEAD /order 403":              {target: "?userId=user123", before: buyer},
		"GET /orders 200 some":         {target: "?eventId=gala", header: asOperator, before: checkedOut},
		"GET /orders 200 nothing":      {target: "?state=needs_person", header: asOperator},
		"GET /orders 403 forbidden":    {before: buyer},
		"HEAD /orders 200":             {header: asOperator},
		"HEAD /orders 403":             {before: buyer},

		"POST /refund 200 order":         by(paid, refund),
		"POST /refund 200 event":         by(paid, `{"eventId":"gala","wholeEvent":true}`),
		"POST /refund 404 unknown_order": by(nil, `{"orderId":"NONE"}`),
		"POST /refund 409 order_changed": by(contended(paid), refund),

		"POST /refund 503 payment_unavailable": by(func(s *fixture) { paid(s); providerAway(s) }, `{"orderId":"ORDER","amount":100}`),

		"POST /webhooks/{provider} 200":             {body: "ORDER", header: "Till-Signature: SIGNED", before: atTheTill},
		"POST /webhooks/{provider} 400 bad_request": {body: "ORDER", header: "Till-Signature: forged", before: atTheTill},
		"POST /webhooks/{provider} 503 overloaded":  {before: full},
	}
	for call, p := range map[string]request{
		"/checkout": {body: payB1},
		"/refund":   {body: `{"orderId":"NONE"}`, header: asOperator},
	} {
		with := func(before func(*fixture)) request { return request{body: p.body, header: p.header, before: before} }
		for answer, p := range map[string]request{
			"400 bad_request":            {body: strings.Replace(badEvent, "}\"", "}\",\"wholeEvent\":true", 1), header: p.header},
			"401 unauthenticated":        {body: p.body, header: "Authorization: Bearer guessed", before: needsKey},
			"404 unknown_event":          {body: `{"eventId":"opera","wholeEvent":true}`, header: p.header},
			"413 too_large":              {body: `{"seatId":"` + strings.Repeat("A", 70<<10) + `"}`, header: p.header},
			"415 unsupported_media_type": {body: p.body, header: p.header + "\r\nContent-Type: text/plain"},
			"429 rate_limited":           {body: p.body, before: rateLimited},
			"500 internal":               with(storeFails(io.ErrUnexpectedEOF)),
			"503 store_unavailable":      with(storeFails(lockstore.ErrUnavailable)),
			"503 seat_map_changed":       with(storeFails(lockstore.ErrOtherSeats)),
			"503 outcome_unknown":        with(storeFails(lockstore.ErrOutcomeUnknown)),
			"503 sign_in_unavailable":    {body: p.body, header: "Authorization: Bearer x", before: issuerAway},
			"503 overloaded":             {body: p.body, before: full},
		} {
			requests["POST "+call+" "+answer] = p
		}
	}
	requests["POST /checkout 400 bad_request"] = request{body: badEvent}
	requests["POST /checkout 403 forbidden"] = request{body: a1, before: buyer}
	requests["POST /checkout 404 unknown_event"] = request{body: `{"eventId":"opera","seatId":"A1","userId":"user123"}`}
	requests["POST /checkout 404 unknown_seat"] = request{body: `{"seatIds":["A1","Z1","Z2"],"userId":"user123"}`}
	requests["POST /refund 403 forbidden"] = request{body: `{"orderId":"NONE"}`, before: buyer}
	for call, user := range map[string]string{"/order": "userId=user456&", "/orders": ""} {
		fails := func(err error) request {
			return request{target: "?" + user, header: asOperator, before: storeFails(err)}
		}
		for answer, p := range map[string]request{
			"GET 400 bad_request":         {target: "?" + user + "eventId=%7Bx%7D", header: asOperator},
			"GET 401 unauthenticated":     {target: "?" + user, header: "Authorization: Bearer guessed", before: needsKey},
			"GET 404 unknown_event":       {target: "?" + user + "eventId=opera", header: asOperator},
			"GET 429 rate_limited":        {target: "?" + user, before: rateLimited},
			"GET 500 internal":            fails(io.ErrUnexpectedEOF),
			"GET 503 store_unavailable":   fails(lockstore.ErrUnavailable),
			"GET 503 seat_map_changed":    fails(lockstore.ErrOtherSeats),
			"GET 503 outcome_unknown":     fails(lockstore.ErrOutcomeUnknown),
			"GET 503 sign_in_unavailable": {target: "?" + user, header: "Authorization: Bearer x", before: issuerAway},
			"GET 503 overloaded":          {target: "?" + user, before: full},
			"HEAD 400":                    {target: "?" + user + "eventId=%7Bx%7D", header: asOperator},
			"HEAD 401":                    {target: "?" + user, before: needsKey},
			"HEAD 404":                    {target: "?" + user + "eventId=opera", header: asOperator},
			"HEAD 429":                    {target: "?" + user, before: rateLimited},
			"HEAD 503":                    {target: "?" + user, header: "Authorization: Bearer x", before: issuerAway},
		} {
			method, rest, _ := strings.Cut(answer, " ")
			p.target = strings.TrimRight(p.target, "?&")
			requests[method+" "+call+" "+rest] = p
		}
	}
	delete(requests, "GET /orders 503 outcome_unknown") // unlike GET /order, it changes nothing
	return requests
}

// checkedOut makes user456 check out B1 of the gala.
func checkedOut(s *fixture) {
	var o struct{ OrderID string }
	if err := json.Unmarshal(s.ask("POST", "/checkout", payB1, "").Body.Bytes(), &o); err != nil {
		s.t.Fatal(err)
	}
	s.order = o.OrderID
}

// atTheTill makes user456 pay for B1. The notice has not arrived yet.
func atTheTill(s *fixture) {
	checkedOut(s)
	r := httptest.NewRequest("POST", "/till?session=till."+s.order, strings.NewReader(url.Values{"do": {"pay"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.till.ServeHTTP(httptest.NewRecorder(), r)
	if s.notice == nil {
		s.t.Fatal("the till has sent no notice")
	}
}

// paid makes user456 pay for B1, and delivers the notice.
func paid(s *fixture) {
	atTheTill(s)
	s.ask("POST", "/webhooks/till", string(s.notice), "Till-Signature: "+s.signed)
}

// paidAndNotBooked makes user456 pay for B1 while the seats cannot be booked.
func paidAndNotBooked(s *fixture) {
	atTheTill(s)
	seats := s.store
	s.store = unbookable{seats}
	s.ask("POST", "/webhooks/till", string(s.notice), "Till-Signature: "+s.signed)
	s.store = seats
}

// An unbookable store books nothing.
type unbookable struct{ lockstore.LockStore }

func (u unbookable) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	if op.Kind == lockstore.KindBook {
		return lockstore.Result{}, lockstore.ErrUnavailable
	}
	return u.LockStore.Do(ctx, ev, op)
}

// contended makes another program change the order of B1 whenever this one does.
func contended(before func(*fixture)) func(*fixture) {
	return func(s *fixture) {
		before(s)
		s.orders = busy{s.orders}
	}
}

type busy struct{ lockstore.OrderStore }

func (busy) Put(context.Context, lockstore.Order) (int64, error) { return 0, lockstore.ErrOrderChanged }

// providerAway makes the till unavailable, for opening payments and for asking about refunds.
func providerAway(s *fixture) { s.pays = away{s.till} }

type away struct{ payment.Provider }

func (away) Open(context.Context, payment.Request) (payment.Session, error) {
	return payment.Session{}, io.ErrUnexpectedEOF
}

func (away) Refunds(context.Context, string) ([]payment.Refund, error) {
	return nil, io.ErrUnexpectedEOF
}
