package settings

import (
	"log/slog"
	"regexp"
)

// Telemetry holds the settings of the log and the metrics.
type Telemetry struct {
	origins

	LogUsers     bool
	LogAddresses bool

	// For the runner. Lambda has settings of its own for the format and the level
	// of a function's log.
	LogJSON     bool
	LogLevel    slog.Level
	MetricsAddr string // empty: no metrics are served

	// For Lambda functions, whose metrics are lines of their logs.
	MetricsNamespace string // empty: there are no metrics
}

func (t *Telemetry) declare() (string, []Setting) {
	return "Log and metrics", []Setting{
		{Flag: "log", Env: "LOG_FORMAT", Default: "text",
			into:  choice(&t.LogJSON, map[string]bool{"text": false, "json": true}, "must be text or json"),
			Usage: "log to standard error in `FORMAT` text or json"},
		{Flag: "log-level", Env: "LOG_LEVEL", Default: "info",
			into:  choice(&t.LogLevel, map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}, "must be debug, info, warn or error"),
			Usage: "log lines of `LEVEL` and above: debug (every request), info, warn (refused requests) or error (failures of the server)"},
		{Flag: "log-users", Env: "LOG_USERS", Default: "false", ReadBy: ByBoth, into: yesNo(&t.LogUsers),
			Usage: "name users in the log"},
		{Flag: "log-addresses", Env: "LOG_ADDRESSES", Default: "false", ReadBy: ByBoth, into: yesNo(&t.LogAddresses),
			Usage: "log the addresses of clients"},
		{Flag: "metrics-addr", Env: "METRICS_ADDR", into: text(&t.MetricsAddr),
			Usage: "serve /metrics for Prometheus on `HOST:PORT`, which only Prometheus should reach; port 0 chooses a free port"},
		{Env: "METRICS_NAMESPACE", Default: "Seatlock", ReadBy: ByLambda,
			into:  value{read: t.readNamespace, must: "must be 1 to 255 letters, digits and . - _ / #"},
			Usage: "the CloudWatch namespace of the metrics; none turns metrics off"},
	}
}

// namespace matches the names that CloudWatch accepts.
var namespace = regexp.MustCompile(`^[A-Za-z0-9._/#-]{1,255}$`)

func (t *Telemetry) readNamespace(text string) bool {
	if t.MetricsNamespace = text; text == "none" {
		t.MetricsNamespace = ""
	}
	return namespace.MatchString(text)
}

func (t *Telemetry) check() error { return nil }
