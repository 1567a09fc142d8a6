package booking

import (
	"io"
	"net/http"
	"time"

	"seatlock/functions/problem"
	"seatlock/functions/telemetry"
)

// webhookCall is the name of the provider's webhooks in logs and metrics.
const webhookCall = "webhook"

// webhook receives a notice of the provider, which signs it and needs no token. It
// answers 200 whatever becomes of the order, so that the provider does not send the
// notice again.
func (a *API) webhook(w http.ResponseWriter, r *http.Request) (o telemetry.Outcome) {
	o.Call = webhookCall
	refuse := func(kind problem.Kind, detail string) telemetry.Outcome {
		refusal := &problem.Refusal{Kind: kind, Detail: detail}
		refusal.Write(w)
		o.Code = string(kind)
		return o
	}
	if r.Method != "POST" {
		w.Header().Set("Allow", "POST")
		return refuse(problem.MethodNotAllowed, "This call takes POST.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(innermost(w), r.Body, maxWebhook))
	if err != nil {
		return refuse(problem.BadRequest, "The body could not be read to its end.")
	}
	id, err := a.payments.Provider().Verify(body, r.Header, time.Now())
	if err != nil {
		return refuse(problem.BadRequest, "The notice is not signed as it must be, or too old.")
	}
	if id != "" {
		a.payments.Notice(r.Context(), id)
	}
	w.Header()["Cache-Control"] = noStore
	return o
}

// maxWebhook is the size in bytes of the largest notice accepted.
const maxWebhook = 256 << 10
