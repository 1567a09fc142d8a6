package functions_test

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stores are the values of the parameter Store for which the template creates a store.
var stores = []string{"valkey", "memorydb"}

// deployed is a Lambda function of the template.
type deployed struct {
	properties map[string]any
	program    string // the folder of its main package
	env        map[string]string
}

// functionsOf returns the Lambda functions of the template by name.
func functionsOf(t *testing.T, tmpl *template) map[string]deployed {
	t.Helper()
	found := make(map[string]deployed)
	for name, p := range tmpl.of("AWS::Lambda::Function") {
		key := at(t, p, "Code", "S3Key").(string)
		d := deployed{p, strings.TrimSuffix(path.Base(key), ".zip"), make(map[string]string)}
		for variable, value := range at(t, p, "Environment", "Variables").(map[string]any) {
			d.env[variable] = fmt.Sprint(value)
		}
		found[name] = d
	}
	return found
}

// functionBehind returns the name of the function that an integration calls.
func functionBehind(t *testing.T, tmpl *template, integration string) string {
	t.Helper()
	uri := at(t, tmpl.of("AWS::ApiGatewayV2::Integration"), integration, "IntegrationUri")
	return strings.TrimSuffix(strings.Trim(uri.(string), "<>"), ".Arn")
}

// open are the routes that need no token: the public lists, and the calls about guests.
var open = []string{"GET /seats", "GET /events", "GET /openapi.yaml", "GET /session", "POST /signout"}

// webhooks is the route that needs a signature instead.
const webhooks = "POST /webhooks/stripe"

// paying are the parameters of a stack that takes payments.
var paying = map[string]any{"Checkout": "stripe", "StripeKeySecret": "shop/stripe", "StripeWebhookSecret": "shop/webhooks"}

// TestTemplateAuthorizes checks that every call except the public ones needs a token.
// TestTemplateWithGuests is the counterpart with guests.
func TestTemplateAuthorizes(t *testing.T) {
	tmpl := readTemplate(t, paying)
	for name, r := range tmpl.of("AWS::ApiGatewayV2::Route") {
		want := "JWT"
		if route := r["RouteKey"].(string); slices.Contains(open, route) || route == webhooks {
			want = "NONE"
		}
		if r["AuthorizationType"] != want {
			t.Errorf("%s has the AuthorizationType %v, want %s", name, r["AuthorizationType"], want)
		}
		if want == "JWT" {
			authorizer := at(t, tmpl.of("AWS::ApiGatewayV2::Authorizer"), strings.Trim(r["AuthorizerId"].(string), "<>"))
			if kind := at(t, authorizer, "AuthorizerType"); kind != "JWT" {
				t.Errorf("the authorizer of %s is of type %v, want JWT", name, kind)
			}
		}
	}
}

// TestTemplateTokens checks that tokens must come from the issuer and be for the
// audience in the parameters, or else come from a user pool of the stack.
func TestTemplateTokens(t *testing.T) {
	for _, c := range []struct {
		given            map[string]any
		issuer, audience string
		pools            int
	}{
		{nil, "<UserPool.ProviderURL>", "<UserPoolClient>", 1},
		{map[string]any{"JwtIssuer": "https://login.example", "JwtAudience": "shop"}, "https://login.example", "shop", 0},
	} {
		tmpl := readTemplate(t, c.given)
		jwt := at(t, tmpl.of("AWS::ApiGatewayV2::Authorizer"), "Users", "JwtConfiguration")
		if issuer, audience := at(t, jwt, "Issuer"), at(t, jwt, "Audience", 0); issuer != c.issuer || audience != c.audience {
			t.Errorf("%v: the issuer is %v and the audience %v, want %s and %s", c.given, issuer, audience, c.issuer, c.audience)
		}
		if n := len(tmpl.of("AWS::Cognito::UserPool")); n != c.pools {
			t.Errorf("%v: the stack has %d user pools, want %d", c.given, n, c.pools)
		}
	}
}

// TestTemplateTimeouts checks that an integration waits longer than its function may
// take, and the function longer than the store, so that the innermost one reports what
// happened.
func TestTemplateTimeouts(t *testing.T) {
	tmpl := readTemplate(t, paying)
	for name, i := range tmpl.of("AWS::ApiGatewayV2::Integration") {
		function := at(t, tmpl.of("AWS::Lambda::Function"), functionBehind(t, tmpl, name))
		seconds := at(t, function, "Timeout").(int)
		if seconds < 2 { // the store answers within 1 s, and the adapter needs its margin
			t.Errorf("the function of %s may take %d s, want 2 s or more", name, seconds)
		}
		if ms := i["TimeoutInMillis"].(int); ms <= seconds*1000 || ms > 30000 {
			t.Errorf("%s waits for %d ms, want more than the %d s of its function, and 30 s at most", name, ms, seconds)
		}
		if i["PayloadFormatVersion"] != "2.0" {
			t.Errorf("%s has the payload format %v, want 2.0", name, i["PayloadFormatVersion"])
		}
	}
}

// TestTemplateReservesBooking checks that lists cannot use up the functions or the
// requests a second that are reserved for booking.
func TestTemplateReservesBooking(t *testing.T) {
	const booking, list, operate = 7, 9, 3
	tmpl := readTemplate(t, with(paying, map[string]any{"BookingConcurrency": booking, "ListConcurrency": list, "OperateConcurrency": operate, "BookingRate": booking, "ListRate": list}))
	for name, f := range functionsOf(t, tmpl) {
		want := booking
		switch name {
		case "ListFunction":
			want = list
		case "OperateFunction":
			want = operate
		case "SettleFunction":
			want = 2 // one that is ending, and the next one
		}
		if got := f.properties["ReservedConcurrentExecutions"]; got != want {
			t.Errorf("%s has %v reserved copies, want %d", name, got, want)
		}
	}
	stage := tmpl.of("AWS::ApiGatewayV2::Stage")["Stage"]
	for _, r := range tmpl.of("AWS::ApiGatewayV2::Route") {
		route, rate := r["RouteKey"].(string), at(t, stage, "DefaultRouteSettings", "ThrottlingRateLimit")
		want := booking
		if slices.Contains(open, route) {
			want, rate = list, at(t, stage, "RouteSettings", route, "ThrottlingRateLimit")
		}
		if rate != want {
			t.Errorf("%s has the limit of %v requests a second, want %d", route, rate, want)
		}
	}
	for name, f := range functionsOf(t, readTemplate(t, with(paying, map[string]any{"BookingConcurrency": 0, "ListConcurrency": 0, "OperateConcurrency": 0}))) {
		if got, ok := f.properties["ReservedConcurrentExecutions"]; ok {
			t.Errorf("%s has %v reserved copies, want no reservation: with 0 copies it never runs", name, got)
		}
	}
}

// TestTemplateLogsNoUsers checks that the access log contains neither users nor
// addresses.
func TestTemplateLogsNoUsers(t *testing.T) {
	format := at(t, readTemplate(t, nil).of("AWS::ApiGatewayV2::Stage"), "Stage", "AccessLogSettings", "Format").(string)
	if !json.Valid([]byte(format)) {
		t.Errorf("a line of the access log is not JSON: %s", format)
	}
	known := []string{"requestTime", "requestId", "routeKey", "status", "responseLatency", "integrationLatency", "responseLength", "integrationErrorMessage", "authorizer.error"}
	for _, v := range regexp.MustCompile(`\$context\.([A-Za-z.]+)`).FindAllStringSubmatch(format, -1) {
		if !slices.Contains(known, v[1]) {
			t.Errorf("the access log has %s, want only %q", v[0], known)
		}
	}
}

// TestTemplateStoreIsDurable checks that confirmed bookings survive the loss of a
// node, and that the store evicts nothing when its memory is full.
func TestTemplateStoreIsDurable(t *testing.T) {
	valkey, memorydb := readTemplate(t, map[string]any{"Store": "valkey"}), readTemplate(t, map[string]any{"Store": "memorydb"})
	for _, c := range []struct {
		tmpl     *template
		kind     string
		settings []any // the path to the policy
		want     map[string]any
	}{
		{valkey, "AWS::ElastiCache::ReplicationGroup", []any{"ValkeySettings", "Properties", "Properties", "maxmemory-policy"},
			map[string]any{"Durability": "sync", "TransitEncryptionEnabled": true, "AtRestEncryptionEnabled": true, "MultiAZEnabled": true, "AutomaticFailoverEnabled": true, "CacheParameterGroupName": "<ValkeySettings>"}},
		{memorydb, "AWS::MemoryDB::Cluster", []any{"MemoryDbSettings", "Properties", "Parameters", "maxmemory-policy"},
			map[string]any{"TLSEnabled": true, "NumReplicasPerShard": 1, "ParameterGroupName": "<MemoryDbSettings>"}},
	} {
		found := c.tmpl.of(c.kind)
		if len(found) != 1 || len(valkey.of(c.kind))+len(memorydb.of(c.kind)) != 1 {
			t.Fatalf("the stack has %d of %s, want 1 with one store and 0 with the other", len(found), c.kind)
		}
		for name, cluster := range found {
			for property, want := range c.want {
				if cluster[property] != want {
					t.Errorf("%s has %s %v, want %v", name, property, cluster[property], want)
				}
			}
			if policy := at(t, c.tmpl.resources, name, "DeletionPolicy"); policy == "Delete" {
				t.Errorf("the bookings in %s are deleted with the stack, want a snapshot or the cluster kept", name)
			}
		}
		if policy := at(t, c.tmpl.resources, c.settings...); policy != "noeviction" {
			t.Errorf("%s has the maxmemory-policy %v, want noeviction", c.kind, policy)
		}
	}
}

// TestTemplateAlarmsAndLogs checks that every alarm notifies the topic, that sums
// include functions that were not called, and that logs expire.
func TestTemplateAlarmsAndLogs(t *testing.T) {
	for _, store := range stores {
		if n := len(readTemplate(t, map[string]any{"Store": store}).of("AWS::CloudWatch::Alarm")); n != 7 {
			t.Errorf("%s: the stack has %d alarms without payments, want 7", store, n)
		}
		tmpl := readTemplate(t, with(paying, map[string]any{"Store": store}))
		alarms := tmpl.of("AWS::CloudWatch::Alarm")
		if len(alarms) != 12 {
			t.Errorf("%s: the alarms are %q, want 12", store, names(alarms))
		}
		for name, a := range alarms {
			if action := at(t, a, "AlarmActions", 0); action != "<Alarms>" {
				t.Errorf("%s: %s goes to %v, want <Alarms>", store, name, action)
			}
			// CloudWatch has no sum for a minute in which one of the metrics has no
			// value.
			queries, _ := a["Metrics"].([]any)
			for i := range queries {
				sum, _ := at(t, queries, 0).(map[string]any)["Expression"].(string)
				if id := at(t, queries, i, "Id").(string); i > 0 && strings.Contains(sum, "+") && !strings.Contains(sum, "FILL("+id+", 0)") {
					t.Errorf("%s: %s adds up %s, want FILL(%s, 0) in it", store, name, sum, id)
				}
			}
		}
		for name, l := range tmpl.of("AWS::Logs::LogGroup") {
			if days := l["RetentionInDays"]; days != 30 {
				t.Errorf("%s is kept for %v days, want 30", name, days)
			}
		}
	}
}

// TestTemplateInFront checks that the API's own domain can be turned off, that lists of
// a CDN have the right age, and that there is a budget if its parameter is set.
func TestTemplateInFront(t *testing.T) {
	for _, c := range []struct {
		given   map[string]any
		off     bool
		seconds string
		budgets int
	}{
		{nil, false, "0", 0},
		{map[string]any{"DefaultEndpoint": "disabled", "ListCacheSeconds": 2, "MonthlyBudget": 500, "AlarmEmail": "ann@example.com"}, true, "2", 1},
	} {
		tmpl := readTemplate(t, c.given)
		if off := at(t, tmpl.of("AWS::ApiGatewayV2::Api"), "Api", "DisableExecuteApiEndpoint"); off != c.off {
			t.Errorf("%v: the API's own domain is off: %v, want %v", c.given, off, c.off)
		}
		for name, f := range functionsOf(t, tmpl) {
			if got := f.env["CACHE_SECONDS"]; f.program == "list" && got != c.seconds {
				t.Errorf("%v: %s has CACHE_SECONDS %q, want %s", c.given, name, got, c.seconds)
			}
		}
		budgets := tmpl.of("AWS::Budgets::Budget")
		if len(budgets) != c.budgets {
			t.Errorf("%v: the stack has %d budgets, want %d", c.given, len(budgets), c.budgets)
		}
		for _, b := range budgets {
			if amount, to := at(t, b, "Budget", "BudgetLimit", "Amount"), at(t, b, "NotificationsWithSubscribers", 0, "Subscribers", 0, "Address"); amount != 500 || to != "ann@example.com" {
				t.Errorf("the budget is %v for %v", amount, to)
			}
		}
	}
}

// TestTemplateIsClosed checks that the functions can reach only the store, that only
// they can reach it, and that they have only the permissions in AWS that Lambda needs.
func TestTemplateIsClosed(t *testing.T) {
	tmpl := readTemplate(t, nil)
	groups := tmpl.of("AWS::EC2::SecurityGroup")
	if to := at(t, groups, "FunctionGroup", "SecurityGroupEgress").([]any); len(to) != 1 || at(t, to, 0, "DestinationSecurityGroupId") != "<StoreGroup.GroupId>" {
		t.Errorf("the functions can reach %v, want only the store", to)
	}
	if to := at(t, groups, "StoreGroup", "SecurityGroupEgress").([]any); len(to) != 1 || at(t, to, 0, "CidrIp") != "127.0.0.1/32" {
		t.Errorf("the store can reach %v, want only itself", to)
	}
	for name, g := range groups {
		if in, ok := g["SecurityGroupIngress"]; ok {
			t.Errorf("%s lets in %v, want nothing", name, in)
		}
	}
	in := tmpl.of("AWS::EC2::SecurityGroupIngress")
	if len(in) != 1 || at(t, in, "StoreIngress", "SourceSecurityGroupId") != "<FunctionGroup.GroupId>" {
		t.Errorf("the rules of what is let in are %v, want only the functions to the store", in)
	}
	for _, policy := range at(t, tmpl.of("AWS::IAM::Role"), "FunctionRole", "Policies").([]any) {
		for _, s := range at(t, policy, "PolicyDocument", "Statement").([]any) {
			for _, action := range at(t, s, "Action").([]any) {
				service, _, _ := strings.Cut(action.(string), ":")
				if at(t, s, "Effect") == "Allow" && (strings.Contains(action.(string), "*") || (service != "logs" && service != "ec2")) {
					t.Errorf("the functions may do %v, want only named actions of logs and ec2", action)
				}
				if service == "logs" && at(t, s, "Resource") != "<FunctionLogs.Arn>" {
					t.Errorf("the functions may write to %v, want only their own log", at(t, s, "Resource"))
				}
			}
		}
	}
	if kinds := tmpl.of("AWS::EC2::InternetGateway"); len(kinds) > 0 {
		t.Error("the network has an internet gateway, want none")
	}
}
