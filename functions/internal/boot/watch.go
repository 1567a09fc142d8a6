package boot

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/emf"
)

// watchSettings configure the log and the metrics.
type watchSettings struct {
	users     bool   // in the log
	namespace string // of the metrics; none: there are none
}

// none is the namespace that turns metrics off.
const none = "none"

// read reads the settings.
func (s *watchSettings) read(env func(string) string) error {
	s.namespace = cmp.Or(env("METRICS_NAMESPACE"), "Seatlock")
	if err := emf.CheckNamespace(s.namespace); err != nil {
		return fmt.Errorf("METRICS_NAMESPACE %q: %w", s.namespace, err)
	}
	return parse(env, "LOG_USERS", &s.users, strconv.ParseBool)
}

// handler returns a handler that answers with next, and logs and measures it.
func (s watchSettings) handler(next telemetry.Handler, log *slog.Logger) http.Handler {
	reports := []telemetry.Report{telemetry.Log(log, s.users)}
	if s.namespace != none {
		reports = append(reports, emf.Report(os.Stdout, s.namespace))
	}
	return telemetry.Observe(next, lambdaID, reports...)
}

// lambdaID returns the id that Lambda gave the request, which is also in Lambda's
// own log lines.
func lambdaID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return telemetry.RandomID(ctx)
}
