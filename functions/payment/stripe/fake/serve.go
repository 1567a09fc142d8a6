package fake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBody is the length in bytes of the longest body of a request.
const maxBody = 1 << 20

// An object is a JSON object.
type object = map[string]any

// An endpoint answers the calls of a route.
type endpoint struct {
	params []string // the names of the parameters, as for parse
	handle func(id string, p params) (object, error)
}

func (s *Stripe) routes() {
	for route, e := range map[string]endpoint{
		"POST /v1/checkout/sessions":             {sessionParams, s.createSession},
		"GET /v1/checkout/sessions":              {[]string{"created[gte]", "created[lte]", "payment_intent", "limit", "starting_after"}, s.listSessions},
		"GET /v1/checkout/sessions/{id}":         {nil, s.getSession},
		"POST /v1/checkout/sessions/{id}/expire": {nil, s.expireSession},
		"GET /v1/payment_intents/{id}":           {nil, s.getIntent},
		"POST /v1/payment_intents/{id}/capture":  {nil, s.captureIntent},
		"POST /v1/payment_intents/{id}/cancel":   {[]string{"cancellation_reason"}, s.cancelIntent},
		"POST /v1/refunds":                       {[]string{"payment_intent", "amount", "metadata[]"}, s.createRefund},
		"GET /v1/refunds":                        {[]string{"payment_intent", "limit", "starting_after"}, s.listRefunds},
	} {
		s.mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, route, e) })
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		write(w, answerOf(nil, &apiError{status: http.StatusNotFound, kind: invalidRequest, message: "Unrecognized request URL (" + r.Method + ": " + r.URL.Path + ")."}))
	})
}

// ServeHTTP answers a request as Stripe does.
func (s *Stripe) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Stripe) serve(w http.ResponseWriter, r *http.Request, route string, e endpoint) {
	if r.Header.Get("Authorization") != "Bearer "+s.config.Key {
		write(w, answerOf(nil, &apiError{status: http.StatusUnauthorized, kind: invalidRequest, message: "Invalid API Key provided."}))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return // the caller has gone, or sends more than any call needs
	}
	p, err := parse(r.URL.RawQuery, string(body), e.params)
	if err != nil {
		write(w, answerOf(nil, err))
		return
	}
	key := ""
	if r.Method == http.MethodPost {
		key = r.Header.Get("Idempotency-Key")
	}
	id := r.PathValue("id")
	fault := s.fault(Call{Route: route, ID: id, Key: key})
	a := s.once(key, r.URL.Path+"?"+p.Encode(), func() answer {
		time.Sleep(fault.Before)
		return s.do(id, p, e, fault)
	})
	time.Sleep(fault.After)
	if fault.Lost {
		panic(http.ErrAbortHandler)
	}
	write(w, a)
}

// do carries out a call, unless the fault prevents it.
func (s *Stripe) do(id string, p params, e endpoint, fault Fault) answer {
	var a answer
	if !fault.NoEffect {
		s.mu.Lock()
		s.elapse()
		o, err := e.handle(id, p)
		a = answerOf(o, err)
		s.mu.Unlock()
	}
	if fault.Status != 0 {
		return answerOf(nil, errorOf(fault.Status))
	}
	return a
}

// An answer is the answer to a call.
type answer struct {
	status   int // 0 if the call never arrived
	body     []byte
	saved    bool // for the call's key
	replayed bool
}

func answerOf(o object, err error) answer {
	if err == nil {
		return answer{status: http.StatusOK, body: encode(o), saved: true}
	}
	var e *apiError
	if !errors.As(err, &e) {
		panic(err) // the handlers return no other errors
	}
	return answer{status: e.status, body: encode(object{"error": e.object()}), saved: e.saved}
}

func encode(o object) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o); err != nil {
		panic(err) // an object has only strings, numbers, lists and objects
	}
	return b.Bytes()
}

func write(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	if a.replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
}

const invalidRequest = "invalid_request_error"

// An apiError is an error of the API.
type apiError struct {
	status            int
	kind, code, param string
	message           string
	saved             bool // whether a call with the same key gets it again
	intent            object
}

func (e *apiError) Error() string { return e.message }

func (e *apiError) object() object {
	o := object{"type": e.kind, "message": e.message}
	for name, value := range map[string]string{"code": e.code, "param": e.param} {
		if value != "" {
			o[name] = value
		}
	}
	if e.code != "" {
		o["doc_url"] = "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(e.code, "_", "-")
	}
	if e.intent != nil {
		o["payment_intent"] = e.intent
	}
	return o
}

// missing returns the error for an unknown object.
func missing(what, id string) error {
	return &apiError{status: http.StatusNotFound, kind: invalidRequest, code: "resource_missing", param: "id", message: "No such " + what + ": '" + id + "'"}
}

// unexpected returns the error for an object whose state does not allow a call.
func unexpected(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: "payment_intent_unexpected_state", message: message, saved: true}
}
