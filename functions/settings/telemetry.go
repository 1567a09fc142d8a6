package settings

import (
	"log/slog"
	"regexp"
)

// Telemetry is the settings of the log and the metrics.
type Telemetry struct {
	origins

	LogUsers bool

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
		{
			Flag: "log", Env: "LOG_FORMAT", Default: "text",
			Usage: "log to standard error in `FORMAT` text or json",
			Must:  "must be text or json",
			into:  choice(&t.LogJSON, map[string]bool{"text": false, "json": true}),
		}, {
			Flag: "log-level", Env: "LOG_LEVEL", Default: "info",
			Usage: "log lines of `LEVEL` and above: debug (every request), info, warn (refused requests) or error (failures of the server)",
			Must:  "must be debug, info, warn or error",
			into:  choice(&t.LogLevel, map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}),
		}, {
			Flag: "log-users", Env: "LOG_USERS", Default: "false", ReadBy: ByBoth,
			Usage: "name users in the log",
			Must:  mustBool,
			into:  yesNo(&t.LogUsers),
		}, {
			Flag: "metrics-addr", Env: "METRICS_ADDR",
			Usage: "serve /metrics for Prometheus on `HOST:PORT`, which only Prometheus should reach; port 0 chooses a free port",
			into:  text(&t.MetricsAddr),
		}, {
			Env: "METRICS_NAMESPACE", Default: "Seatlock", ReadBy: ByLambda,
			Usage: "the CloudWatch namespace of the metrics; none turns metrics off",
			Must:  "must be 1 to 255 letters, digits and . - _ / #",
			into:  value{read: t.readNamespace},
		},
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
