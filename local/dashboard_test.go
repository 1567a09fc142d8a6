package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"seatlock/functions/booking"
	"seatlock/functions/payment"
	"seatlock/functions/problem"
	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/metrics"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/faults"
)

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// expressions returns the PromQL expressions of the dashboard.
func expressions(t *testing.T) []string {
	t.Helper()
	type panel struct {
		Title, Type string
		ID          int
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct{ Expr string }
	}
	var dashboard struct {
		Title  string
		ID     *int
		Panels []panel
	}
	if err := json.Unmarshal([]byte(contents(t, "../deploy/grafana-dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.ID != nil || dashboard.Title == "" {
		t.Error("the dashboard cannot be imported: it must have a title, and no id")
	}
	var all []string
	ids := make(map[int]bool)
	for i, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d has the title %q and the id %d", i, p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %s has no query", p.Title)
		}
		for _, other := range dashboard.Panels[:i] {
			a, b := p.GridPos, other.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H || a.X+a.W > 24 {
				t.Errorf("the panels %s and %s overlap, or are wider than the page", p.Title, other.Title)
			}
		}
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	if len(all) < 20 {
		t.Errorf("the dashboard has %d queries, want at least 20", len(all))
	}
	return all
}

// An alertRule is a rule of deploy/alerts.yaml.
type alertRule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alertRules(t *testing.T) []alertRule {
	t.Helper()
	var rules struct{ Groups []struct{ Rules []alertRule } }
	if err := yaml.Unmarshal([]byte(contents(t, "../deploy/alerts.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	var all []alertRule
	for _, g := range rules.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

var (
	metricName = regexp.MustCompile(`\b(?:seatlock|process|go)_[a-z_]+\b`)
	selectors  = regexp.MustCompile(`([a-z_]*)\{([^}]*)\}`)
	matchers   = regexp.MustCompile(`\b(code|call|state|operation|result)(?:!?=~?)"([^"]*)"`)
)

// TestWhatIsShownIsMeasured checks that the dashboard, the alerts and the README
// name metrics and label values that the program has, and that the README lists
// all metrics of Seatlock's own.
func TestWhatIsShownIsMeasured(t *testing.T) {
	_, metricsURL, _ := servingMetrics(t)
	exposed := make(map[string]bool)
	own := make(map[string]bool)
	for line := range strings.Lines(get(t, metricsURL)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[1] != "TYPE" {
			continue
		}
		name := fields[2]
		exposed[name] = true
		if fields[3] == "histogram" {
			exposed[name+"_bucket"], exposed[name+"_count"], exposed[name+"_sum"] = true, true, true
		}
		if strings.HasPrefix(name, "seatlock_") {
			own[name] = true
		}
	}

	_, section, _ := strings.Cut(contents(t, "README.md"), "\n## Metrics\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := make(map[string]bool)
	for row := range strings.Lines(section) {
		if cells := strings.Split(row, "|"); len(cells) > 2 {
			for _, name := range metricName.FindAllString(cells[1], -1) {
				documented[name] = true
			}
		}
	}
	if a, b := slices.Sorted(maps.Keys(own)), slices.Sorted(maps.Keys(documented)); !slices.Equal(a, b) {
		t.Errorf("the README has the metrics\n%q, want\n%q", b, a)
	}

	states := []string{lockstore.Available.String(), lockstore.Locked.String(), lockstore.Booked.String(), lockstore.Blocked.String()}
	for _, stage := range payment.Stages() {
		states = append(states, string(stage))
	}
	known := map[string][]string{
		"code":      append(problem.Codes(), telemetry.OK, telemetry.NotModified),
		"call":      booking.Calls(),
		"state":     states,
		"operation": telemetry.Operations(),
	}
	results := map[string][]string{
		"seatlock_comparisons_total": metrics.ComparisonResults[:],
		"seatlock_store_calls_total": telemetry.Results,
	}
	exprs := expressions(t)
	shown := strings.Join(exprs, "\n")
	for _, a := range alertRules(t) {
		exprs = append(exprs, a.Expr)
	}
	for _, expr := range exprs {
		for _, name := range metricName.FindAllString(expr, -1) {
			if !exposed[name] {
				t.Errorf("there is no %s: %s", name, expr)
			}
		}
		for _, selector := range selectors.FindAllStringSubmatch(expr, -1) {
			for _, m := range matchers.FindAllStringSubmatch(selector[2], -1) {
				values := known[m[1]]
				if m[1] == "result" { // each metric has its own results
					values = results[selector[1]]
				}
				for value := range strings.SplitSeq(m[2], "|") {
					if !slices.Contains(values, value) {
						t.Errorf("%s has no %s %s: %s", selector[1], m[1], value, expr)
					}
				}
			}
		}
	}
	for name := range own {
		if !strings.Contains(shown, name) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// TestDashboardIsPromQL checks that Prometheus can parse the expressions of the
// dashboard.
func TestDashboardIsPromQL(t *testing.T) {
	faults.Need(t, "promtool", "the dashboard's queries were not parsed")
	fill := strings.NewReplacer("$__rate_interval", "1m", "$job", "seatlock", "$instance", ".*", "$event", ".*")
	type rule struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	type group struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	}
	g := group{Name: "dashboard"}
	for i, expr := range expressions(t) {
		expr = fill.Replace(expr)
		if strings.Contains(expr, "$") {
			t.Errorf("%s has an unknown variable", expr)
		}
		g.Rules = append(g.Rules, rule{"panel:of:" + strings.Repeat("x", i+1), expr})
	}
	text, err := yaml.Marshal(map[string][]group{"groups": {g}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", file)
}

// TestAlerts checks that Prometheus accepts the alert rules, that each rule
// fires when it should and only then, and that it says what to do.
func TestAlerts(t *testing.T) {
	var tests struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal([]byte(contents(t, "../deploy/alerts_test.yaml")), &tests); err != nil {
		t.Fatal(err)
	}
	fires, silent := make(map[string]bool), make(map[string]bool)
	for _, test := range tests.Tests {
		for _, a := range test.AlertRuleTest {
			fires[a.Alertname] = fires[a.Alertname] || len(a.ExpAlerts) > 0
			silent[a.Alertname] = silent[a.Alertname] || len(a.ExpAlerts) == 0
		}
	}
	for _, a := range alertRules(t) {
		if !fires[a.Alert] || !silent[a.Alert] {
			t.Errorf("%s is tested to fire: %v, and not to fire: %v; want both", a.Alert, fires[a.Alert], silent[a.Alert])
		}
		if a.Annotations["summary"] == "" || a.Annotations["action"] == "" || !slices.Contains([]string{"page", "ticket", "info"}, a.Labels["severity"]) {
			t.Errorf("%s must have a summary, an action and a severity: %v %v", a.Alert, a.Annotations, a.Labels)
		}
	}
	faults.Need(t, "promtool", "the alert rules were not tried")
	promtool(t, "", "check", "rules", "../deploy/alerts.yaml")
	promtool(t, "", "test", "rules", "../deploy/alerts_test.yaml")
}
