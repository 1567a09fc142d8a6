package main

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"maps"
	"strings"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc"
	"seatlock/lockstore"
)

// A request is sent to a fixture after the function before has changed the fixture.
type request struct {
	target string // after the path; VERSION and ORDER stand for the fixture's
	body   string // ORDER stands for the fixture's order
	header string // lines of "Name: value"; TOKEN and SIGNED stand for the fixture's
	before func(*fixture)
}

const (
	a1       = `{"seatId":"A1","userId":"user123"}`
	misspelt = `{"seat":"A1","userId":"user123"}`
	badEvent = `{"eventId":"{x}","seatId":"A1"}`
)

// allRequests returns requests that together get every answer that openapi.yaml
// describes, by the answer.
func allRequests() map[string]request {
	requests := map[string]request{
		"POST /lock 200 one":                {body: a1},
		"POST /lock 200 several":            {body: `{"seatIds":["A2","A3","B1"],"userId":"user123"}`},
		"POST /lock 200 prices":             {body: `{"eventId":"gala","seatIds":["A1","A2"],"userId":"user123","levels":["adult","child"]}`},
		"POST /lock 409 not_on_sale":        {body: `{"eventId":"gala","seatId":"A1","userId":"user123"}`, before: saleIsOver},
		"POST /lock 200 count":              {body: `{"count":3,"userId":"user123"}`},
		"POST /lock 200 areas":              {body: `{"eventId":"gala","seatIds":["A2"],"areas":[{"section":"Floor","count":2}],"userId":"user123"}`},
		"GET /seats 200 areas":              {target: "?eventId=gala"},
		"POST /lock 409 not_enough":         {body: `{"eventId":"box","count":2,"userId":"user456"}`},
		"POST /lock 409 orphan_seat":        {body: `{"seatIds":["A2","A3"],"userId":"user123"}`, before: func(s *fixture) { s.events[0].NoSingles = true }},
		"POST /lock 409 seat_locked":        {body: `{"seatIds":["A1","C1"],"userId":"user123"}`},
		"POST /lock 409 seat_booked":        {body: `{"seatIds":["A1","C1","D1"],"userId":"user123"}`},
		"POST /lock 409 seat_limit":         {body: `{"seatIds":["F1","F2"],"userId":"user456"}`},
		"POST /lock 409 seat_blocked":       {body: `{"seatId":"E1","userId":"user123"}`, before: blocks("E1")},
		"POST /extend 200 longer":           {body: `{"seatIds":["C1","C2"],"userId":"user456","expiresAt":"2027-03-05T19:05:00Z"}`},
		"POST /extend 200 no_longer":        {body: `{"seatIds":["C1","C2"],"userId":"user456","seconds":30}`},
		"POST /extend 409 seat_booked":      {body: `{"seatId":"D1","userId":"user456","seconds":60}`},
		"POST /extend 409 lock_not_held":    {body: `{"seatIds":["A1","C1"],"userId":"user123","seconds":60}`},
		"POST /extend 409 lock_expired":     {body: `{"seatId":"E1","userId":"user789","seconds":60}`},
		"POST /confirm 200 one":             {body: `{"seatId":"C1","userId":"user456"}`},
		"POST /confirm 200 reference":       {body: `{"seatIds":["C1","C2"],"userId":"user456","reference":"order-1042"}`},
		"POST /confirm 200 prices":          {body: `{"eventId":"gala","seatId":"B1","userId":"user456"}`},
		"POST /confirm 200 direct":          {body: `{"seatId":"H1","userId":"user999","reference":"box-office","direct":true}`, header: asOperator},
		"POST /confirm 409 seat_booked":     {body: `{"seatId":"D1","userId":"user456","reference":"order-1042"}`},
		"POST /confirm 409 seat_locked":     {body: `{"seatId":"C1","userId":"user999","direct":true}`, header: asOperator},
		"POST /confirm 409 seat_blocked":    {body: `{"seatId":"E9","userId":"user999","direct":true}`, header: asOperator, before: blocks("E9")},
		"POST /confirm 409 lock_not_held":   {body: `{"seatIds":["A1","C1"],"userId":"user123"}`},
		"POST /confirm 409 lock_expired":    {body: `{"seatId":"E1","userId":"user789"}`},
		"POST /release 200 several":         {body: `{"seatIds":["C1","C2"],"userId":"user456"}`},
		"POST /release 200 none":            {body: `{"seatIds":["C1","E5"],"userId":"user123"}`},
		"POST /release 409 seat_booked":     {body: `{"seatId":"D1","userId":"user456"}`},
		"GET /seats 200 whole":              {target: "?eventId=box"},
		"GET /seats 200 changes":            {target: "?eventId=box&since=VERSION", before: changeSince},
		"GET /seats 400 bad_request":        {target: "?since=x&status=locked"},
		"GET /events 200 whole":             {target: "?eventId=box"},
		"GET /events 200 layout":            {target: "?eventId=gala"},
		"GET /events 200 brief":             {target: "?layout=none"},
		"GET /events 400 bad_request":       {target: "?event=box"},
		"GET /openapi.yaml 200":             {},
		"GET /openapi.yaml 400 bad_request": {target: "?version=2"},
		"HEAD /seats 500":                   {before: storeFails(io.ErrUnexpectedEOF)},
		"HEAD /seats 503":                   {before: storeFails(lockstore.ErrUnavailable)},
		"GET /seats 500 internal":           {before: storeFails(io.ErrUnexpectedEOF)},
		"GET /seats 503 store_unavailable":  {before: storeFails(lockstore.ErrUnavailable)},
		"GET /seats 503 seat_map_changed":   {before: storeFails(lockstore.ErrOtherSeats)},
		"HEAD /events 503":                  {header: "Authorization: Bearer x", before: issuerAway},
		"HEAD /openapi.yaml 503":            {header: "Authorization: Bearer x", before: issuerAway},
		"HEAD /openapi.yaml 400":            {target: "?version=2"},
		"HEAD /seats 400":                   {target: "?since=x&status=locked"},
		"HEAD /events 400":                  {target: "?event=box"},
		"HEAD /seats 404":                   {target: "?eventId=opera"},
		"HEAD /events 404":                  {target: "?eventId=opera"},
		"GET /seats 404 unknown_event":      {target: "?eventId=opera"},
		"GET /events 404 unknown_event":     {target: "?eventId=opera"},
	}
	maps.Copy(requests, liveRequests())
	maps.Copy(requests, healthRequests())
	maps.Copy(requests, operatorRequests())
	maps.Copy(requests, sessionRequests())
	maps.Copy(requests, orderRequests())
	for call, bad := range map[string]string{"/lock": misspelt, "/release": badEvent, "/confirm": badEvent, "/extend": badEvent} {
		end := map[string]string{"/extend": `,"expiresAt":"2027-03-05T19:05:00Z"}`}[call]
		with := func(body string) string { return strings.TrimSuffix(body, "}") + cmp.Or(end, "}") }
		a1 := with(a1)
		for answer, p := range map[string]request{
			"400 bad_request":            {body: bad},
			"401 unauthenticated":        {body: a1, header: "Authorization: Bearer guessed", before: needsKey},
			"403 forbidden":              {body: a1, before: func(s *fixture) { s.caller = "user456" }},
			"404 unknown_event":          {body: with(`{"eventId":"opera","seatId":"A1","userId":"user123"}`)},
			"404 unknown_seat":           {body: with(`{"seatIds":["A1","Z1","Z2"],"userId":"user123"}`)},
			"413 too_large":              {body: `{"seatId":"` + strings.Repeat("A", 70<<10) + `"}`},
			"415 unsupported_media_type": {body: a1, header: "Content-Type: text/plain"},
			"429 rate_limited":           {body: a1, before: rateLimited},
			"500 internal":               {body: a1, before: storeFails(io.ErrUnexpectedEOF)},
			"503 store_unavailable":      {body: a1, before: storeFails(lockstore.ErrUnavailable)},
			"503 seat_map_changed":       {body: a1, before: storeFails(lockstore.ErrOtherSeats)},
			"503 outcome_unknown":        {body: a1, before: storeFails(lockstore.ErrOutcomeUnknown)},
			"503 sign_in_unavailable":    {body: a1, header: "Authorization: Bearer x", before: issuerAway},
			"503 overloaded":             {body: a1, before: full},
		} {
			requests["POST "+call+" "+answer] = p
		}
	}
	for _, call := range []string{"/seats", "/events", "/openapi.yaml"} {
		requests["HEAD "+call+" 200"] = request{}
		requests["HEAD "+call+" 304"] = request{header: "If-None-Match: *"}
		requests["HEAD "+call+" 401"] = request{before: needsKey}
		requests["HEAD "+call+" 429"] = request{before: rateLimited}
		requests["GET "+call+" 304"] = request{header: "If-None-Match: *"}
		requests["GET "+call+" 401 unauthenticated"] = request{header: "Authorization: Bearer guessed", before: needsKey}
		requests["GET "+call+" 429 rate_limited"] = request{before: rateLimited}
		requests["GET "+call+" 503 sign_in_unavailable"] = request{header: "Authorization: Bearer x", before: issuerAway}
		requests["GET "+call+" 503 overloaded"] = request{before: full}
	}
	return requests
}

// operatorRequests returns the requests of operators, and those of GET /mine.
func operatorRequests() map[string]request {
	by := func(body string) request { return request{body: body, header: asOperator} }
	after := func(before func(*fixture), body string) request {
		return request{body: body, header: asOperator, before: before}
	}
	to := func(target string) request { return request{target: target, header: asOperator} }
	requests := map[string]request{
		"POST /cancel 200 reference":     by(`{"eventId":"hall","reference":"order-1041"}`),
		"POST /cancel 200 none":          by(`{"seatId":"D1","userId":"user123"}`),
		"POST /move 200 one":             by(`{"seatIds":["D1"],"toSeatIds":["F1"],"reference":"order-1041"}`),
		"POST /move 409 not_booked":      by(`{"seatIds":["A1","C1","D1"],"toSeatIds":["F1","F2","F3"],"reference":"order-1041"}`),
		"POST /move 409 seat_booked":     after(books("D2"), `{"seatIds":["D1"],"toSeatIds":["D2"],"reference":"order-1041"}`),
		"POST /move 409 seat_locked":     after(locks("H1"), `{"seatIds":["D1"],"toSeatIds":["H1"],"reference":"order-1041"}`),
		"POST /move 409 seat_blocked":    after(blocks("E9"), `{"seatIds":["D1"],"toSeatIds":["E9"],"reference":"order-1041"}`),
		"POST /block 200 reason":         by(`{"seatIds":["J1","J2"],"reason":"camera"}`),
		"POST /block 200 none":           after(blocks("J1"), `{"seatIds":["J1"],"reason":"lights"}`),
		"POST /block 409 seat_booked":    by(`{"seatIds":["C1","D1"],"reason":"camera"}`),
		"POST /block 409 seat_locked":    by(`{"seatIds":["C1","J1"],"reason":"camera"}`),
		"POST /unblock 200 several":      after(blocks("J1", "J2"), `{"seatIds":["J1","J2"]}`),
		"POST /unblock 200 none":         by(`{"seatIds":["J1","J2"]}`),
		"POST /evict 200 several":        by(`{"seatIds":["C1","C2"]}`),
		"POST /evict 200 none":           by(`{"seatIds":["C1","C2"],"userId":"user123"}`),
		"GET /mine 200 some":             {target: "?userId=user456"},
		"GET /mine 200 nothing":          {target: "?userId=user123"},
		"HEAD /mine 200":                 {target: "?userId=user456"},
		"GET /mine 403 forbidden":        {target: "?userId=user123", before: func(s *fixture) { s.caller = "user456" }},
		"HEAD /mine 403":                 {target: "?userId=user123", before: func(s *fixture) { s.caller = "user456" }},
		"GET /bookings 200 all":          to(""),
		"GET /bookings 200":              to("?format=csv"),
		"GET /bookings 200 reference":    to("?reference=order-1041"),
		"GET /bookings 404 unknown_seat": to("?seatId=Z1&seatId=Z2"),
		"HEAD /bookings 200":             to("?format=csv"),
		"GET /journal 200 some":          {header: asOperator, before: func(s *fixture) { s.ask("POST", "/cancel", `{"reference":"order-1041"}`, asOperator) }},
		"GET /journal 200 nothing":       to("?eventId=box"),
		"GET /journal 410 journal_reset": to("?after=of.another-life"),
		"HEAD /journal 200":              to(""),
	}
	for _, call := range []string{"/cancel", "/move", "/block", "/unblock", "/evict"} {
		body := map[string]string{
			"/cancel": `{"seatIds":["A1"],"reference":"r"}`, "/move": `{"seatIds":["A1"],"toSeatIds":["A2"],"reference":"r"}`,
		}[call]
		if body == "" {
			body = `{"seatIds":["A1"]}`
		}
		for answer, p := range map[string]request{
			"400 bad_request":            by(badEvent),
			"401 unauthenticated":        {body: body, header: "Authorization: Bearer guessed", before: needsKey},
			"403 forbidden":              {body: body, before: func(s *fixture) { s.caller = "user456" }},
			"404 unknown_event":          by(`{"eventId":"opera",` + body[1:]),
			"404 unknown_seat":           by(strings.Replace(strings.Replace(body, `"A1"`, `"Z1","Z2"`, 1), `"A2"`, `"A2","A3"`, 1)),
			"413 too_large":              by(`{"seatId":"` + strings.Repeat("A", 70<<10) + `"}`),
			"415 unsupported_media_type": {body: body, header: asOperator + "\r\nContent-Type: text/plain"},
			"429 rate_limited":           {body: body, before: rateLimited},
			"500 internal":               after(storeFails(io.ErrUnexpectedEOF), body),
			"503 store_unavailable":      after(storeFails(lockstore.ErrUnavailable), body),
			"503 seat_map_changed":       after(storeFails(lockstore.ErrOtherSeats), body),
			"503 outcome_unknown":        after(storeFails(lockstore.ErrOutcomeUnknown), body),
			"503 sign_in_unavailable":    {body: body, header: "Authorization: Bearer x", before: issuerAway},
			"503 overloaded":             {body: body, before: full},
		} {
			requests["POST "+call+" "+answer] = p
		}
	}
	for call, user := range map[string]string{"/mine": "userId=user456&", "/bookings": "", "/journal": ""} {
		for answer, p := range map[string]request{
			"GET 400 bad_request":         to("?" + user + "eventId=%7Bx%7D"),
			"GET 401 unauthenticated":     {target: "?" + user, header: "Authorization: Bearer guessed", before: needsKey},
			"GET 404 unknown_event":       to("?" + user + "eventId=opera"),
			"GET 429 rate_limited":        {target: "?" + user, before: rateLimited},
			"GET 500 internal":            {target: "?" + user, header: asOperator, before: storeFails(io.ErrUnexpectedEOF)},
			"GET 503 store_unavailable":   {target: "?" + user, header: asOperator, before: storeFails(lockstore.ErrUnavailable)},
			"GET 503 seat_map_changed":    {target: "?" + user, header: asOperator, before: storeFails(lockstore.ErrOtherSeats)},
			"GET 503 sign_in_unavailable": {target: "?" + user, header: "Authorization: Bearer x", before: issuerAway},
			"GET 503 overloaded":          {target: "?" + user, before: full},
			"HEAD 400":                    to("?" + user + "eventId=%7Bx%7D"),
			"HEAD 401":                    {target: "?" + user, before: needsKey},
			"HEAD 404":                    to("?" + user + "eventId=opera"),
			"HEAD 429":                    {target: "?" + user, before: rateLimited},
			"HEAD 503":                    {target: "?" + user, header: "Authorization: Bearer x", before: issuerAway},
		} {
			method, rest, _ := strings.Cut(answer, " ")
			p.target = strings.TrimRight(p.target, "?&")
			requests[method+" "+call+" "+rest] = p
		}
		if user == "" {
			buyer := request{before: func(s *fixture) { s.caller = "user456" }}
			requests["GET "+call+" 403 forbidden"], requests["HEAD "+call+" 403"] = buyer, buyer
		}
	}
	return requests
}

// saleIsOver waits until the sale of the gala is over.
func saleIsOver(*fixture) { time.Sleep(30 * time.Minute) }

// blocks blocks seats of the hall.
func blocks(seats ...lockstore.SeatID) func(*fixture) {
	return does(lockstore.Block("camera", seats...))
}

// locks locks seats of the hall.
func locks(seats ...lockstore.SeatID) func(*fixture) {
	return does(lockstore.Lock("user789", seats...))
}

// books books seats of the hall.
func books(seats ...lockstore.SeatID) func(*fixture) {
	return does(lockstore.Book("user789", "", seats...))
}

func does(op lockstore.Op) func(*fixture) {
	return func(s *fixture) {
		if _, err := s.store.Do(s.t.Context(), s.events[0].Event, op); err != nil {
			s.t.Fatal(err)
		}
	}
}

// liveRequests returns the requests of viewers.
func liveRequests() map[string]request {
	return map[string]request{
		"GET /seats/live 101":                     {target: "?eventId=box"},
		"GET /seats/live 400 bad_request":         {target: "?status=locked", header: handshake},
		"GET /seats/live 401 unauthenticated":     {header: handshake + "\r\nAuthorization: Bearer guessed", before: needsKey},
		"GET /seats/live 403 forbidden":           {header: handshake + "\r\nOrigin: https://evil.example"},
		"GET /seats/live 404 unknown_event":       {target: "?eventId=opera", header: handshake},
		"GET /seats/live 426 upgrade_required":    {},
		"GET /seats/live 426 handshake":           {header: handshake + "\r\nSec-WebSocket-Version: 7"},
		"GET /seats/live 429 rate_limited":        {header: handshake, before: rateLimited},
		"GET /seats/live 500 internal":            {header: handshake, before: storeFails(io.ErrUnexpectedEOF)},
		"GET /seats/live 503 no_room":             {header: handshake, before: noViewers},
		"GET /seats/live 503 stopping":            {header: handshake, before: stopping},
		"GET /seats/live 503 store_unavailable":   {header: handshake, before: storeFails(lockstore.ErrUnavailable)},
		"GET /seats/live 503 seat_map_changed":    {header: handshake, before: storeFails(lockstore.ErrOtherSeats)},
		"GET /seats/live 503 overloaded":          {header: handshake, before: full},
		"GET /seats/live 503 sign_in_unavailable": {header: handshake + "\r\nAuthorization: Bearer x", before: issuerAway},
		"HEAD /seats/live 400":                    {target: "?status=locked"},
		"HEAD /seats/live 401":                    {before: needsKey},
		"HEAD /seats/live 404":                    {target: "?eventId=opera"},
		"HEAD /seats/live 426":                    {header: handshake, before: noViewers}, // although it would not count as a viewer
		"HEAD /seats/live 429":                    {before: rateLimited},
		"HEAD /seats/live 503":                    {header: "Authorization: Bearer x", before: issuerAway},
	}
}

// healthRequests returns the requests of load balancers, which need no token.
func healthRequests() map[string]request {
	return map[string]request{
		"GET /healthz 200 alive":            {before: needsKey},
		"HEAD /healthz 200":                 {before: storeFails(lockstore.ErrUnavailable)},
		"GET /readyz 200 ready":             {before: needsKey},
		"GET /readyz 503 stopping":          {before: stopping},
		"GET /readyz 503 store_unavailable": {before: storeFails(lockstore.ErrUnavailable)},
		"HEAD /readyz 200":                  {},
		"HEAD /readyz 503":                  {before: stopping},
	}
}

// noViewers allows no viewers.
func noViewers(s *fixture) { s.viewers = 0 }

// full leaves the client only a spare connection.
func full(s *fixture) { s.full = true }

// stopping makes the runner stop.
func stopping(s *fixture) { s.stopping = true }

// needsKey makes every call need the back end's key.
func needsKey(s *fixture) {
	s.policy.BackendKeys, s.policy.Private = []string{strings.Repeat("k", 32)}, true
}

// issuerAway makes every call need a token, while none can be checked.
func issuerAway(s *fixture) {
	s.policy.Tokens, s.policy.Private = oidc.New("http://127.0.0.1:1", "shop", slog.New(slog.DiscardHandler)), true
}

// rateLimited uses up the client's rate limit.
func rateLimited(s *fixture) {
	s.policy.Rate = access.NewRate(0.001)
	s.ask("GET", "/seats", "", "")
}

// changeSince gets a list for the client and then releases Box-1. The next request
// goes to the same program, since no other knows the list's version.
func changeSince(s *fixture) {
	s.api = s.newAPI()
	var list struct{ Version string }
	if err := json.Unmarshal(s.ask("GET", "/seats?eventId=box", "", "").Body.Bytes(), &list); err != nil {
		s.t.Fatal(err)
	}
	s.version = list.Version
	s.ask("POST", "/release", `{"eventId":"box","seatId":"Box-1","userId":"user123"}`, "")
}

// storeFails makes every call of the store fail with err.
func storeFails(err error) func(*fixture) {
	return func(s *fixture) { s.store, s.orders = failing{err: err}, failing{err: err} }
}

// failing is a store whose every call fails.
type failing struct {
	lockstore.LockStore
	lockstore.OrderStore
	err error
}

func (f failing) Do(context.Context, *lockstore.Event, lockstore.Op) (lockstore.Result, error) {
	return lockstore.Result{}, f.err
}

func (f failing) List(context.Context, *lockstore.Event, lockstore.Version) (lockstore.Snapshot, error) {
	return lockstore.Snapshot{}, f.err
}

func (f failing) Roster(context.Context, *lockstore.Event, lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	return "", func(yield func(lockstore.Holding, error) bool) { yield(lockstore.Holding{}, f.err) }
}

func (f failing) Journal(context.Context, *lockstore.Event, lockstore.Seq, int) ([]lockstore.Entry, error) {
	return nil, f.err
}

func (f failing) Put(context.Context, lockstore.Order) (int64, error) { return 0, f.err }

func (f failing) Order(context.Context, lockstore.OrderID) (lockstore.Order, error) {
	return lockstore.Order{}, f.err
}

func (f failing) Orders(context.Context, lockstore.EventID, lockstore.OrderID) ([]lockstore.Order, error) {
	return nil, f.err
}

func (f failing) Wait(context.Context, *lockstore.Event, lockstore.Version) error { return f.err }
