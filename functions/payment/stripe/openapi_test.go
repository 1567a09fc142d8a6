package stripe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stripe/stripe-mock/embedded"
)

// usedPaths are the paths of Stripe's API that the provider calls.
var usedPaths = []string{
	"/v1/checkout/sessions",
	"/v1/checkout/sessions/{session}",
	"/v1/checkout/sessions/{session}/expire",
	"/v1/payment_intents/{intent}",
	"/v1/payment_intents/{intent}/capture",
	"/v1/payment_intents/{intent}/cancel",
	"/v1/refunds",
}

// described is Stripe's own description of its API, without unused paths, which would
// take as long to read as the rest.
var described = sync.OnceValues(func() (*openapi3.T, error) {
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(embedded.OpenAPISpec, &whole); err != nil {
		return nil, err
	}
	var paths map[string]json.RawMessage
	if err := json.Unmarshal(whole["paths"], &paths); err != nil {
		return nil, err
	}
	maps.DeleteFunc(paths, func(path string, _ json.RawMessage) bool { return !slices.Contains(usedPaths, path) })
	if len(paths) != len(usedPaths) {
		return nil, fmt.Errorf("the description has only %d of the paths %q", len(paths), usedPaths)
	}
	var err error
	if whole["paths"], err = json.Marshal(paths); err != nil {
		return nil, err
	}
	part, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	doc := new(openapi3.T)
	if err := json.Unmarshal(part, doc); err != nil { // the loader would parse it as YAML, which is slower
		return nil, err
	}
	return doc, openapi3.NewLoader().ResolveRefsIn(doc, nil)
})

func description(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// held is a transport that checks answers against Stripe's description.
type held struct {
	t    *testing.T
	next http.RoundTripper
}

func (h held) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := h.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err := asDescribed(description(h.t), r.Method, r.URL.Path, response.StatusCode, body); err != nil {
		h.t.Errorf("%s %s: the answer %d is not as Stripe describes it: %v\n%s", r.Method, r.URL.Path, response.StatusCode, err, body)
	}
	return response, nil
}

// asDescribed returns an error unless an answer conforms to the description.
func asDescribed(doc *openapi3.T, method, path string, status int, body []byte) error {
	var operation *openapi3.Operation
	for template, item := range doc.Paths.Map() {
		if matches(template, path) {
			operation = item.GetOperation(method)
		}
	}
	if operation == nil {
		return fmt.Errorf("there is no such call")
	}
	response := operation.Responses.Status(status)
	if response == nil {
		response = operation.Responses.Default()
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	schema := response.Value.Content["application/json"].Schema.Value
	if err := schema.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		return err
	}
	return knownFields(doc, value)
}

// matches reports whether a path matches the template.
func matches(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == h || strings.HasPrefix(w, "{") })
}

// knownFields returns an error if an object of Stripe's, or one within it, has a field
// that is not described. The schemas allow any.
func knownFields(doc *openapi3.T, value any) error {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			if err := knownFields(doc, v); err != nil {
				return err
			}
		}
	case map[string]any:
		name, _ := value["object"].(string)
		schema := doc.Components.Schemas[name]
		for field, v := range value {
			if schema != nil && schema.Value.Properties[field] == nil {
				return fmt.Errorf("%s has no field %s", name, field)
			}
			if err := knownFields(doc, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// TestTheDescriptionIsStrict checks that wrong answers are found.
func TestTheDescriptionIsStrict(t *testing.T) {
	doc := description(t)
	const right = `{"id":"re_1","object":"refund","amount":1,"created":1,"currency":"eur","status":"failed"}`
	if err := asDescribed(doc, "POST", "/v1/refunds", 200, []byte(right)); err != nil {
		t.Errorf("%s: %v", right, err)
	}
	for wrong, why := range map[string]string{
		`{"id":"re_1","object":"refund","amount":1,"created":1}`:                                 "no currency",
		`{"id":"re_1","object":"refund","amount":"1","created":1,"currency":"eur"}`:              "an amount that is a string",
		`{"id":"re_1","object":"charge","amount":1,"created":1,"currency":"eur"}`:                "another object",
		`{"id":"re_1","object":"refund","amount":1,"created":1,"currency":"eur","state":"done"}`: "an unknown field",
	} {
		if err := asDescribed(doc, "POST", "/v1/refunds", 200, []byte(wrong)); err == nil {
			t.Errorf("a refund with %s is as described, want an error", why)
		}
	}
}
