package apitest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"seatlock/functions/access"
)

// A Call is a request, and what its caller must be allowed to do.
type Call struct {
	Method, Target, Body string // USER stands for the caller's user, or for any if the caller may name one
	Needs                access.Action
}

// calls has a request for every call of the description, and for every field that needs
// more permission than its call.
var calls = []Call{
	{"GET", "/seats", "", access.Look},
	{"GET", "/seats?status=locked", "", access.Look},
	{"GET", "/seats/live", "", access.Look},
	{"GET", "/events", "", access.Look},
	{"GET", "/openapi.yaml", "", access.Look},

	{"POST", "/lock", `{"seatId":"A1","userId":"USER"}`, access.Buy},
	{"POST", "/extend", `{"seatId":"A1","userId":"USER","seconds":60}`, access.Buy},
	{"GET", "/mine?userId=USER", "", access.Buy},
	{"POST", "/release", `{"seatId":"A1","userId":"USER"}`, access.Buy},

	{"POST", "/confirm", `{"seatId":"A1","userId":"USER"}`, access.Confirm},
	{"POST", "/confirm", `{"seatId":"A1","userId":"USER","reference":"order-1"}`, access.Confirm},

	{"POST", "/lock", `{"seatId":"A2","userId":"USER","lockSeconds":300}`, access.Serve},
	{"POST", "/lock", `{"seatId":"A2","userId":"USER","overLimit":true}`, access.Serve},

	{"POST", "/cancel", `{"seatId":"A3","userId":"USER"}`, access.Operate},
	{"POST", "/cancel", `{"reference":"order-1"}`, access.Operate},
	{"POST", "/move", `{"seatId":"A3","toSeatIds":["A4"],"userId":"USER"}`, access.Operate},
	{"POST", "/block", `{"seatId":"A3","reason":"camera"}`, access.Operate},
	{"POST", "/block", `{"seatId":"A3","evict":true}`, access.Operate},
	{"POST", "/unblock", `{"seatId":"A3"}`, access.Operate},
	{"POST", "/evict", `{"seatId":"A3"}`, access.Operate},
	{"GET", "/bookings", "", access.Operate},
	{"GET", "/bookings?format=csv", "", access.Operate},
	{"GET", "/bookings?userId=USER", "", access.Operate},
	{"GET", "/journal", "", access.Operate},
}

// direct are requests that need permission to confirm, besides Needs.
var direct = []Call{
	{"POST", "/confirm", `{"seatId":"A5","userId":"USER","direct":true}`, access.Serve},
	{"POST", "/confirm", `{"seatId":"A5","userId":"USER","direct":true,"blocked":true}`, access.Operate},
}

// orders are the calls that exist where payments are on.
var orders = []Call{
	{"POST", "/checkout", `{"seatId":"A1","userId":"USER"}`, access.Buy},
	{"GET", "/order?userId=USER", "", access.Buy},
	{"GET", "/orders", "", access.Operate},
	{"POST", "/refund", `{"orderId":"NONE"}`, access.Operate},
	{"POST", "/refund", `{"wholeEvent":true}`, access.Operate},
}

// notice is a webhook. It needs a signature but no permission.
var notice = Call{Method: "POST", Target: "/webhooks/till", Body: `{}`}

// forAll are the paths that every caller may use.
var forAll = []string{"/healthz", "/readyz", "/session", "/signin", "/signin/callback", "/signout", "/webhooks/{provider}"}

// Walk makes every call as one caller, with ask, which returns the status of the
// answer. may gives the expected answer to each action, in the order of
// [access.Action]: y if it is allowed, whatever else the answer says, or the status.
// user is the caller's user, or any.
func Walk(t testing.TB, caller, may, user string, ask func(Call) int) {
	t.Helper()
	allowed := strings.Fields(may)
	for _, c := range calls {
		try(t, caller, user, c, allowed[c.Needs], ask)
	}
	for _, c := range direct {
		want := allowed[access.Confirm]
		if want == "y" {
			want = allowed[c.Needs]
		}
		try(t, caller, user, c, want, ask)
	}
}

// WalkOrders is [Walk] for the calls that exist where payments are on.
func WalkOrders(t testing.TB, caller, may, user string, ask func(Call) int) {
	t.Helper()
	allowed := strings.Fields(may)
	for _, c := range orders {
		try(t, caller, user, c, allowed[c.Needs], ask)
	}
	if status := ask(notice); status != http.StatusBadRequest {
		t.Errorf("%s: an unsigned notice is answered %d, want 400", caller, status)
	}
}

// try makes a call as the caller, and reports an error if the answer is not the
// expected one.
func try(t testing.TB, caller, user string, c Call, want string, ask func(Call) int) {
	t.Helper()
	c.Target, c.Body = strings.ReplaceAll(c.Target, "USER", user), strings.ReplaceAll(c.Body, "USER", user)
	got := "y"
	if status := ask(c); status == http.StatusUnauthorized || status == http.StatusForbidden {
		got = fmt.Sprint(status)
	}
	if got != want {
		t.Errorf("%s: %s %s %s: %s, want %s", caller, c.Method, c.Target, c.Body, got, want)
	}
}

// CheckCalls reports an error if the description has a call that neither [Walk] nor
// [WalkOrders] makes.
func CheckCalls(t testing.TB) {
	t.Helper()
	for path := range description().model.Paths.PathItems.KeysFromOldest() {
		known := slices.ContainsFunc(slices.Concat(calls, orders), func(c Call) bool {
			at, _, _ := strings.Cut(c.Target, "?")
			return at == path
		})
		if !known && !slices.Contains(forAll, path) {
			t.Errorf("nobody has tried who may call %s", path)
		}
	}
}
