package fake

import (
	"net/http"
	"time"
)

// keyLife is how long an idempotency key is remembered.
const keyLife = 24 * time.Hour

// A saved is a call with an idempotency key, and its answer once it is done.
type saved struct {
	call   string // path and parameters
	at     time.Time
	done   bool
	answer answer
}

// once calls f, unless there was a call with the same key. In that case it returns the
// answer to that call, or an error if that call was different or has no answer yet.
func (s *Stripe) once(key, call string, f func() answer) answer {
	if key == "" {
		return f()
	}
	s.mu.Lock()
	s.elapse()
	before := s.keys[key]
	if before != nil {
		defer s.mu.Unlock()
		switch {
		case before.call != call:
			return answerOf(nil, &apiError{status: http.StatusBadRequest, kind: "idempotency_error",
				message: "Keys for idempotent requests can only be used with the same parameters they were first used with."})
		case !before.done:
			return answerOf(nil, &apiError{status: http.StatusConflict, kind: invalidRequest, code: "idempotency_key_in_use",
				message: "There is currently another in-progress request using this Idempotent Key."})
		}
		a := before.answer
		a.replayed = true
		return a
	}
	this := &saved{call: call, at: s.now()}
	s.keys[key] = this
	s.mu.Unlock()

	a := f()
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.saved {
		this.done, this.answer = true, a
		s.wake(this.at.Add(keyLife))
	} else {
		delete(s.keys, key)
	}
	return a
}
