package oidc

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"

	"golang.org/x/time/rate"
)

// maxAnswer is the largest answer of an issuer, in bytes.
const maxAnswer = 1 << 20

// paced limits the requests to the issuer. A request that comes too soon fails like the
// request before it, or with errTooSoon if that one succeeded.
type paced struct {
	limit *rate.Limiter

	mu   sync.Mutex
	last error
	keys map[string]bool // the key ids in the last answer that had keys
}

var (
	errTooSoon  = errors.New("the issuer was asked less than a second ago")
	errTooLarge = errors.New("the issuer's answer is too large")
)

func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if !p.limit.Allow() {
		p.mu.Lock()
		defer p.mu.Unlock()
		return nil, cmp.Or(p.last, errTooSoon)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	var keys map[string]bool
	if err == nil {
		keys, err = readKeys(resp)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = err
	if err != nil {
		return nil, err
	}
	if keys != nil {
		p.keys = keys
	}
	return resp, nil
}

// readKeys reads the body, restores it, and returns the ids of the keys in it, or nil
// if it has none.
func readKeys(resp *http.Response) (map[string]bool, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	resp.Body.Close()
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxAnswer:
		return nil, errTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &set) != nil || len(set.Keys) == 0 {
		return nil, nil
	}
	keys := make(map[string]bool)
	for _, k := range set.Keys {
		keys[k.ID] = true
	}
	return keys, nil
}

// has reports whether the issuer's last answer with keys had this one.
func (p *paced) has(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[id]
}
