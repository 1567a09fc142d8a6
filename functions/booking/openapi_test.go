package booking

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/functions/problem"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// runnersOwn are the paths that an API does not answer. The README's table leaves out
// those for load balancers.
var (
	forBalancers = []string{"/healthz", "/readyz"}
	ofOrders     = []string{"/checkout", "/order", "/orders", "/refund", "/webhooks/{provider}"} // where payments are on
	runnersOwn   = append([]string{LivePath, "/session", "/signin", "/signin/callback", "/signout"}, forBalancers...)
)

// A node is an object of openapi.yaml.
type node = map[string]any

func describedAPI(t *testing.T) node {
	t.Helper()
	var doc node
	if err := yaml.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// under returns the node that the names lead to.
func under(t *testing.T, n node, names ...string) node {
	t.Helper()
	for _, name := range names {
		next, ok := n[name].(node)
		if !ok {
			t.Fatalf("openapi.yaml has no %s", strings.Join(names, "."))
		}
		n = next
	}
	return n
}

// oneSeat returns an API with one seat.
func oneSeat(t *testing.T) *API { return oneSeatWith(t, nil) }

func oneSeatWith(t *testing.T, pay *payment.Payments) *API {
	t.Helper()
	m, err := venue.Grid(1, 1, venue.Defaults{LockTTL: 60e9})
	if err != nil {
		t.Fatal(err)
	}
	api, err := New(Config{Store: new(memstore.Store), Events: []venue.Event{m}, Payments: pay})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// TestEveryPathIsDescribed checks that the description has every path with the
// methods that it takes, and no other path.
func TestEveryPathIsDescribed(t *testing.T) {
	store := new(memstore.Store)
	pay, err := payment.New(payment.Config{Seats: store, Orders: store, Provider: new(paymenttest.Bank), Within: time.Minute, Margin: payment.MinMargin,
		Event: func(lockstore.EventID) (*lockstore.Event, error) { return nil, lockstore.ErrNoOrder }})
	if err != nil {
		t.Fatal(err)
	}
	api := oneSeatWith(t, pay)
	api.paths["/webhooks/{provider}"] = api.paths["/webhooks/bank"]
	delete(api.paths, "/webhooks/bank")
	paths := under(t, describedAPI(t), "paths")
	var described []string
	for path := range paths {
		if !slices.Contains(runnersOwn, path) {
			described = append(described, path)
		}
	}
	slices.Sort(described)
	if have := slices.Sorted(maps.Keys(api.paths)); !slices.Equal(described, have) {
		t.Errorf("the paths described are %q, want those that are answered: %q", described, have)
	}
	for path, h := range api.paths {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("DELETE", path, nil))
		takes := strings.Split(strings.ToLower(w.Header().Get("Allow")), ", ")
		methods := slices.DeleteFunc(slices.Sorted(maps.Keys(under(t, paths, path))), func(key string) bool { return strings.HasPrefix(key, "x-") })
		if !slices.Equal(methods, takes) {
			t.Errorf("%s is described for %q and takes %q", path, methods, takes)
		}
	}
	for path, item := range paths {
		if (item.(node)["x-runner-only"] == true) != slices.Contains(append(ofOrders, runnersOwn...), path) {
			t.Errorf("x-runner-only of %s is wrong", path)
		}
	}
}

// TestEveryCodeIsDescribed checks that the description has every code in the
// answers with its status, and no other code.
func TestEveryCodeIsDescribed(t *testing.T) {
	doc := describedAPI(t)
	var have, named, answered []string
	for _, code := range problem.Codes() {
		have = append(have, code+" "+fmt.Sprint(problem.Kind(code).Status()))
		named = append(named, code)
	}
	var listed []string
	for _, code := range under(t, doc, "components", "schemas", "Problem", "properties", "code")["enum"].([]any) {
		listed = append(listed, code.(string))
	}
	if sorted(listed); !slices.Equal(listed, sorted(named)) {
		t.Errorf("the codes described are %q, want %q", listed, named)
	}

	// A schema of one status names the codes that go with it.
	var look func(any)
	look = func(n any) {
		switch n := n.(type) {
		case []any:
			for _, child := range n {
				look(child)
			}
		case node:
			if properties, ok := n["properties"].(node); ok {
				status, _ := properties["status"].(node)
				code, _ := properties["code"].(node)
				if number, ok := status["const"].(int); ok {
					codes, _ := code["enum"].([]any)
					for _, c := range append(codes, code["const"]) {
						if c != nil {
							answered = append(answered, fmt.Sprintf("%v %d", c, number))
						}
					}
				}
			}
			for _, child := range n {
				look(child)
			}
		}
	}
	look(doc)
	if have, answered = sorted(have), sorted(answered); !slices.Equal(have, answered) {
		t.Errorf("the answers described have the codes %q, want %q", answered, have)
	}
}

// sorted sorts the list in place, and returns it without duplicates.
func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// TestDescriptionAgreesWithReadme compares the calls and the codes of the
// description with the README's.
func TestDescriptionAgreesWithReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(string(text), "$1") // without links
	doc := describedAPI(t)

	description, _ := under(t, doc, "components", "schemas", "Problem", "properties", "code")["description"].(string)
	_, table, _ := strings.Cut(description, "\n\n")
	if table == "" || !strings.Contains(readme, "\n"+strings.TrimRight(table, "\n")+"\n\n") {
		t.Errorf("the README's table of codes is not that of openapi.yaml:\n%s", table)
	}

	_, table, _ = strings.Cut(readme, "| call | body or query | answer (200) |")
	table, _, _ = strings.Cut(table, "\n\n**Bodies.**")
	var listed, described []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[a-z./{}]+)` \\|").FindAllStringSubmatch(table, -1) {
		listed = append(listed, row[1])
	}
	for path, item := range under(t, doc, "paths") {
		for method := range item.(node) {
			if call := strings.ToUpper(method) + " " + path; method != "head" && !strings.HasPrefix(method, "x-") && !slices.Contains(forBalancers, path) {
				described = append(described, call)
			}
		}
	}
	if listed, described = sorted(listed), sorted(described); !slices.Equal(listed, described) {
		t.Errorf("the README's table has %q, openapi.yaml %q", listed, described)
	}
	server, err := os.ReadFile("../../local/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range forBalancers {
		if !strings.Contains(string(server), "**`"+path+"`**") {
			t.Errorf("the server's README does not describe %s", path)
		}
	}
}

// TestLimitsAreDescribed compares the numbers of the description with the code's.
func TestLimitsAreDescribed(t *testing.T) {
	schemas := under(t, describedAPI(t), "components", "schemas")
	for _, c := range []struct {
		want any
		at   []string
	}{
		{lockstore.MaxSeats, []string{"SeatsRequest", "properties", "seatIds", "maxItems"}},
		{lockstore.MaxSeats, []string{"SeatIds", "maxItems"}},
		{lockstore.MaxSeats, []string{"MoveRequest", "properties", "toSeatIds", "maxItems"}},
		{lockstore.MaxSeats, []string{"Blocked", "properties", "seatIds", "maxItems"}},
		{lockstore.MaxEntries, []string{"Journal", "properties", "entries", "maxItems"}},
		{fmt.Sprintf("^[A-Za-z0-9_.-]{0,%d}$", lockstore.MaxIDLen), []string{"Reference", "pattern"}},
		{fmt.Sprintf("^[A-Za-z0-9_.-]{1,%d}$", lockstore.MaxIDLen), []string{"Seq", "pattern"}},
		{int(lockstore.MaxLockTTL.Seconds()), []string{"LockRequest", "properties", "lockSeconds", "maximum"}},
		{int(lockstore.MaxLockTTL.Seconds()), []string{"ExtendRequest", "properties", "seconds", "maximum"}},
		{venue.MaxEventSeats, []string{"Roster", "properties", "seats", "maxItems"}},
		{lockstore.MaxSeats, []string{"Problem", "properties", "seats", "maxItems"}},
		{lockstore.MaxUserLen, []string{"UserId", "maxLength"}},
		{fmt.Sprintf("^[A-Za-z0-9_.-]{1,%d}$", lockstore.MaxIDLen), []string{"EventId", "pattern"}},
		{lockstore.MaxIDLen, []string{"SeatId", "maxLength"}},
		{fmt.Sprintf("^[A-Za-z0-9_.-]{1,%d}$", lockstore.MaxIDLen), []string{"Version", "pattern"}},
		{int(lockstore.MaxLockTTL.Seconds()), []string{"Event", "properties", "lockSeconds", "maximum"}},
		{int(lockstore.MaxLockTTL.Seconds()), []string{"Event", "properties", "maxLockSeconds", "maximum"}},
		{int(lockstore.MaxLockTTL.Seconds()), []string{"Locked", "properties", "expiresInSeconds", "maximum"}},
		{int(lockstore.MaxLockTTL.Seconds()), []string{"RetryAfter", "maximum"}},
		{venue.MaxEventSeats, []string{"Event", "properties", "seatCount", "maximum"}},
		{venue.MaxEventSeats, []string{"SeatList", "properties", "seats", "maxItems"}},
	} {
		last := len(c.at) - 1
		if got := under(t, schemas, c.at[:last]...)[c.at[last]]; got != c.want {
			t.Errorf("%s is described as %v, want %v", strings.Join(c.at, "."), got, c.want)
		}
	}
	limit := under(t, describedAPI(t), "components", "parameters", "Limit", "schema")
	if limit["maximum"] != lockstore.MaxEntries || limit["default"] != defaultEntries {
		t.Errorf("limit is described as %v, want %d and %d", limit, defaultEntries, lockstore.MaxEntries)
	}
	if want := fmt.Sprintf("The body is larger than %d bytes.", maxBody); !strings.Contains(string(openAPI), want) {
		t.Errorf("the description does not have %q", want)
	}
}

// TestOpenAPIIsServed checks the answers of GET /openapi.yaml, with and without a
// body.
func TestOpenAPIIsServed(t *testing.T) {
	api := oneSeat(t)
	ask := func(method string, header http.Header) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/openapi.yaml", nil)
		r.Header = header
		w := httptest.NewRecorder()
		api.Routes().ServeHTTP(w, r)
		return w
	}
	got := ask("GET", nil)
	if got.Code != 200 || got.Body.String() != string(openAPI) || got.Header().Get("Content-Type") != "application/yaml" || got.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("GET: %d %v, with %d bytes", got.Code, got.Header(), got.Body.Len())
	}
	head := ask("HEAD", nil)
	if head.Code != 200 || head.Body.Len() > 0 || head.Header().Get("Content-Length") != fmt.Sprint(len(openAPI)) {
		t.Errorf("HEAD: %d %v, with %d bytes", head.Code, head.Header(), head.Body.Len())
	}
	if again := ask("GET", http.Header{"If-None-Match": {got.Header().Get("ETag")}}); again.Code != 304 || again.Body.Len() > 0 {
		t.Errorf("with its ETag: %d, with %d bytes", again.Code, again.Body.Len())
	}
}
