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

// watchSettings say what is told of what goes on.
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

// handler returns next, watched.
func (s watchSettings) handler(next http.Handler, log *slog.Logger) http.Handler {
	reports := []telemetry.Report{telemetry.Log(log, s.users)}
	if s.namespace != none {
		reports = append(reports, emf.Report(os.Stdout, s.namespace))
	}
	return telemetry.Handler(next, lambdaID, reports...)
}

// lambdaID is the id that Lambda gave the request, which its own lines have too.
func lambdaID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return telemetry.RandomID(ctx)
}
