package boot

import (
	"context"
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"seatlock/functions/access"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/emf"
)

// reported returns next with its requests reported to the log and as metrics.
func reported(next telemetry.Handler, s settings.Telemetry, log *slog.Logger) http.Handler {
	reports := []telemetry.Report{telemetry.Log(log, s.LogUsers), telemetry.Audit(log, s.LogUsers)}
	if s.MetricsNamespace != "" {
		reports = append(reports, emf.Report(os.Stdout, s.MetricsNamespace))
	}
	if s.LogAddresses {
		answer := next
		next = func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
			o := answer(w, r)
			o.Client = access.Proxies(nil).Client(r) // the client is known from the gateway
			return o
		}
	}
	observed := telemetry.Observe(next, lambdaID, reports...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Lambda's own lines have Lambda's id, so a client must not choose another one
		// for ours.
		r.Header.Del("X-Request-Id")
		observed.ServeHTTP(w, r)
	})
}

// lambdaID returns the id that Lambda gave the request and uses in its own lines.
func lambdaID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return telemetry.RandomID(ctx)
}
