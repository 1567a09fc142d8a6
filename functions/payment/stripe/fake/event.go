package fake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// An Event is something that has happened, for which Stripe sends a webhook. Its Body
// has the state at that moment.
type Event struct {
	ID   string
	Type string // such as "checkout.session.completed"
	Body []byte
}

// emit makes an event about the object.
func (s *Stripe) emit(kind string, about object) {
	id := s.newID("evt")
	s.events = append(s.events, Event{id, kind, encode(object{
		"id":               id,
		"object":           "event",
		"api_version":      Version,
		"created":          s.now().Unix(),
		"data":             object{"object": about},
		"livemode":         false,
		"pending_webhooks": 1,
		"request":          nil,
		"type":             kind,
	})})
}

// TakeEvents returns the events since the last call, the oldest first. The caller may
// lose, repeat, reorder or delay their webhooks.
func (s *Stripe) TakeEvents() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.elapse()
	taken := s.events
	s.events = nil
	return taken
}

// Webhook returns the request that delivers the event to the address, signed now.
func (s *Stripe) Webhook(ctx context.Context, address string, e Event) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(e.Body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Stripe-Signature", Sign(e.Body, s.Now(), s.config.Secrets...))
	return r, nil
}

// Sign returns the value of the header Stripe-Signature with a signature by each of
// the secrets.
func Sign(body []byte, at time.Time, secrets ...string) string {
	var header strings.Builder
	fmt.Fprintf(&header, "t=%d", at.Unix())
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
		header.WriteString(",v1=" + hex.EncodeToString(mac.Sum(nil)))
	}
	return header.String()
}
