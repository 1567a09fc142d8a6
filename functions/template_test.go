package functions_test

import (
	"archive/zip"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/redis/go-redis/v9"

	"seatlock/functions/problem"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// stores are the values of the template's parameter Store for which the template
// makes a store.
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

// TestTemplateServes calls every route of the template and sells a seat. Each
// function has the environment that the template sets, on a Redis Cluster where
// it has only the permissions of the template's user. The alarms must use metrics
// that these functions write.
func TestTemplateServes(t *testing.T) {
	t.Parallel()
	for _, store := range stores {
		t.Run(store, func(t *testing.T) {
			tmpl := readTemplate(t, map[string]any{"Store": store})
			nodes := redistest.Cluster(t)
			const password = "c0rrecthorse"
			admit(t, nodes, tmpl, password)
			file := eventFile(t)
			running := make(map[string]*function)
			for name, f := range functionsOf(t, tmpl) {
				env := []string{"EVENTS_FILE=" + file}
				for variable, value := range f.env {
					env = append(env, variable+"="+here(value, nodes[0].Addr, password))
				}
				running[name] = start(t, built(t, f.program), env...).up()
			}

			body := `{"seatId":"A1"}`
			calls := []struct{ route, body, want string }{
				{"POST /lock", body, `"userId":"ann","seatIds":["A1"],"status":"locked"`},
				{"POST /release", `{"seatId":"A2"}`, `"status":"available"`},
				{"POST /confirm", body, `"userId":"ann","seatIds":["A1"],"status":"booked"`},
				{"GET /seats", "", `"seatId":"A1","status":"booked"`},
				{"GET /events", "", `"eventId":"gala"`},
				{"GET /openapi.yaml", "", "openapi: 3.1"},
			}
			routes := make(map[string]map[string]any)
			for _, r := range tmpl.of("AWS::ApiGatewayV2::Route") {
				routes[r["RouteKey"].(string)] = r
			}
			if len(routes) != len(calls) {
				t.Fatalf("the template has the routes %q, and the test calls %d", names(routes), len(calls))
			}
			for _, c := range calls {
				route, ok := routes[c.route]
				if !ok {
					t.Fatalf("the template has no route %s among %q", c.route, names(routes))
				}
				integration := strings.Trim(strings.TrimPrefix(route["Target"].(string), "integrations/"), "<>")
				method, path, _ := strings.Cut(c.route, " ")
				event := httpEvent(method, path, "", c.body)
				if route["AuthorizationType"] == "JWT" {
					event.RequestContext.Authorizer = caller("ann")
				}
				got := running[functionBehind(t, tmpl, integration)].send(event)
				if got.StatusCode != 200 || !strings.Contains(got.Body, c.want) {
					t.Errorf("%s: %d %s, want 200 with %s", c.route, got.StatusCode, got.Body, c.want)
				}
			}
			written := make(map[string]bool) // metrics
			for name, f := range running {
				f.Kill() // after this its log is complete
				for _, line := range metricsLines(t, f.log.String()) {
					for _, of := range line.AWS.CloudWatchMetrics {
						for _, m := range of.Metrics {
							written[fmt.Sprint(of.Namespace, " ", m.Name, " ", of.Dimensions)] = true
						}
					}
				}
				if log := f.log.String(); strings.Contains(log, "NOPERM") || strings.Contains(log, "not checked") {
					t.Errorf("the store refused a command of %s: %s", name, log)
				}
			}
			checked := 0
			for name, alarm := range tmpl.of("AWS::CloudWatch::Alarm") {
				queries, _ := alarm["Metrics"].([]any)
				for i := range queries {
					stat, ok := queries[i].(map[string]any)["MetricStat"]
					if !ok || !strings.HasPrefix(at(t, stat, "Metric", "Namespace").(string), "Seatlock/") {
						continue
					}
					checked++
					by, code := at(t, stat, "Metric", "Dimensions", 0, "Name"), at(t, stat, "Metric", "Dimensions", 0, "Value")
					namespace := here(at(t, stat, "Metric", "Namespace").(string), "", "")
					if metric := fmt.Sprintf("%s %v [[%v]]", namespace, at(t, stat, "Metric", "MetricName"), by); !written[metric] {
						t.Errorf("%s uses the metric %s, and the functions wrote %q", name, metric, slices.Sorted(maps.Keys(written)))
					}
					if !slices.Contains(problem.Codes(), code.(string)) {
						t.Errorf("%s uses the code %v, which does not exist", name, code)
					}
				}
			}
			if checked == 0 {
				t.Error("no alarm uses the functions' own metrics")
			}
		})
	}
}

// caller returns what the gateway adds to an event after it has checked a token.
func caller(sub string) *events.APIGatewayV2HTTPRequestContextAuthorizerDescription {
	return &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": sub}},
	}
}

// admit creates the template's user of the store on every node.
func admit(t *testing.T, nodes redistest.Nodes, tmpl *template, password string) {
	t.Helper()
	for _, kind := range []string{"AWS::ElastiCache::User", "AWS::MemoryDB::User"} {
		for _, user := range tmpl.of(kind) {
			rule := []any{"ACL", "SETUSER", user["UserName"], "reset", ">" + password}
			for _, word := range strings.Fields(user["AccessString"].(string)) {
				rule = append(rule, word)
			}
			for _, n := range nodes {
				c := redis.NewClient(&redis.Options{Addr: n.Addr})
				if err := c.Do(t.Context(), rule...).Err(); err != nil {
					t.Fatal(err)
				}
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

var host = regexp.MustCompile(`@<[^>]+>:6379`)

// here returns a variable of the template as it must be for the servers of the
// test, which have no TLS.
func here(value, addr, password string) string {
	value = strings.Replace(value, "{{resolve:secretsmanager:<StorePassword>}}", password, 1)
	value = strings.Replace(value, "rediss://", "redis://", 1)
	value = strings.ReplaceAll(value, "<AWS::StackName>", "seatlock")
	return host.ReplaceAllString(value, "@"+addr)
}

// TestTemplateAuthorizes checks that every call that changes a seat needs a token.
func TestTemplateAuthorizes(t *testing.T) {
	tmpl := readTemplate(t, nil)
	for name, r := range tmpl.of("AWS::ApiGatewayV2::Route") {
		want := "JWT"
		if strings.HasPrefix(r["RouteKey"].(string), "GET ") {
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

// TestTemplateTokens checks that tokens must be of the issuer and for the audience
// in the parameters, or else of a user pool of the stack.
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

// TestTemplateTimeouts checks that an integration waits longer than its function
// may take, and a function longer than the store, so that the innermost reports
// what happened.
func TestTemplateTimeouts(t *testing.T) {
	tmpl := readTemplate(t, nil)
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

// TestTemplateSettings checks that the functions read every variable that the
// template sets. A function refuses a wrong value by the variable's name; it would
// not if it did not read the variable.
func TestTemplateSettings(t *testing.T) {
	t.Parallel()
	program := built(t, "lock")
	server := "REDIS_URL=redis://" + redistest.New(t).Addr
	variables := make(map[string]string) // a variable and a function that has it
	for name, f := range functionsOf(t, readTemplate(t, nil)) {
		for variable := range f.env {
			variables[variable] = name
		}
	}
	for variable, name := range variables {
		said := start(t, program, server, "EVENTS_FILE="+eventFile(t), variable+"=not a value!").fails()
		if !strings.Contains(said, variable) {
			t.Errorf("%s sets %s, which the functions do not read: %s", name, variable, said)
		}
	}
}

// TestTemplateRunsTheZips checks that every zip has a function with its processor
// and runtime, and sells seats with the programs in the zips.
func TestTemplateRunsTheZips(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "run", "../deploy/package", "-o", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	machines := map[any]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64}
	var programs []string
	for name, f := range functionsOf(t, readTemplate(t, nil)) {
		programs = append(programs, f.program)
		program := filepath.Join(dir, f.program)
		unzip(t, program+".zip", program)
		read, err := elf.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		read.Close()
		if want := machines[at(t, f.properties, "Architectures", 0)]; read.Machine != want {
			t.Errorf("%s.zip is for %v, want %v as %s", f.program, read.Machine, want, name)
		}
		if f.properties["Runtime"] != "provided.al2023" || f.properties["Handler"] != "bootstrap" {
			t.Errorf("%s runs %v on %v, want bootstrap on provided.al2023", name, f.properties["Handler"], f.properties["Runtime"])
		}
	}
	zips, err := filepath.Glob(filepath.Join(dir, "*.zip"))
	if err != nil || len(zips) != len(programs) {
		t.Errorf("the zips are %q, %v, want one for each of %q", zips, err, programs)
	}

	var emulator []string
	if runtime.GOARCH != "arm64" {
		const qemu = "qemu-aarch64-static"
		faults.Need(t, qemu, "the functions for arm64 were not run")
		emulator = []string{qemu}
	}
	sell(t, func(name string) []string { return append(emulator, filepath.Join(dir, name)) }, "REDIS_URL=redis://"+redistest.New(t).Addr)
}

// unzip writes the program in a zip to a file.
func unzip(t *testing.T, from, to string) {
	t.Helper()
	z, err := zip.OpenReader(from)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	r, err := z.Open("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestTemplateReservesBooking checks that lists cannot use up the functions or the
// requests a second that are reserved for booking.
func TestTemplateReservesBooking(t *testing.T) {
	const booking, list = 7, 9
	tmpl := readTemplate(t, map[string]any{"BookingConcurrency": booking, "ListConcurrency": list, "BookingRate": booking, "ListRate": list})
	for name, f := range functionsOf(t, tmpl) {
		want := booking
		if f.program == "list" {
			want = list
		}
		if got := f.properties["ReservedConcurrentExecutions"]; got != want {
			t.Errorf("%s has %v reserved copies, want %d", name, got, want)
		}
	}
	stage := tmpl.of("AWS::ApiGatewayV2::Stage")["Stage"]
	for _, r := range tmpl.of("AWS::ApiGatewayV2::Route") {
		route, rate := r["RouteKey"].(string), at(t, stage, "DefaultRouteSettings", "ThrottlingRateLimit")
		want := booking
		if strings.HasPrefix(route, "GET ") {
			want, rate = list, at(t, stage, "RouteSettings", route, "ThrottlingRateLimit")
		}
		if rate != want {
			t.Errorf("%s has the limit of %v requests a second, want %d", route, rate, want)
		}
	}
	for name, f := range functionsOf(t, readTemplate(t, map[string]any{"BookingConcurrency": 0, "ListConcurrency": 0})) {
		if got, ok := f.properties["ReservedConcurrentExecutions"]; ok {
			t.Errorf("%s has %v reserved copies, want no reservation: with 0 copies it never runs", name, got)
		}
	}
}

// TestTemplateLogsNoUsers checks that the access log has neither users nor
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

// TestTemplateAlarmsAndLogs checks that every alarm goes to the topic, and that
// logs are deleted after a time.
func TestTemplateAlarmsAndLogs(t *testing.T) {
	for _, store := range stores {
		tmpl := readTemplate(t, map[string]any{"Store": store})
		alarms := tmpl.of("AWS::CloudWatch::Alarm")
		if len(alarms) != 7 {
			t.Errorf("%s: the alarms are %q, want 7", store, names(alarms))
		}
		for name, a := range alarms {
			if action := at(t, a, "AlarmActions", 0); action != "<Alarms>" {
				t.Errorf("%s: %s goes to %v, want <Alarms>", store, name, action)
			}
		}
		for name, l := range tmpl.of("AWS::Logs::LogGroup") {
			if days := l["RetentionInDays"]; days != 30 {
				t.Errorf("%s is kept for %v days, want 30", name, days)
			}
		}
	}
}

// TestTemplateIsClosed checks that the functions can reach only the store, that
// only they can reach the store, and that they have only the permissions in AWS
// that Lambda needs.
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

// TestTemplateOnPostgreSQL checks that the functions have the URL of the database
// and can reach only that, that the stack makes no other store, and that a seat
// can be booked.
func TestTemplateOnPostgreSQL(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t, map[string]any{"Store": "postgres", "PostgresSecret": "shop/seats", "PostgresGroup": "sg-1", "VpcId": "vpc-1"})
	for _, kind := range []string{"AWS::ElastiCache::ReplicationGroup", "AWS::MemoryDB::Cluster", "AWS::SecretsManager::Secret"} {
		if made := tmpl.of(kind); len(made) > 0 {
			t.Errorf("the stack makes %q, want no store", names(made))
		}
	}
	to := at(t, tmpl.of("AWS::EC2::SecurityGroup"), "FunctionGroup", "SecurityGroupEgress").([]any)
	if len(to) != 1 || at(t, to, 0, "DestinationSecurityGroupId") != "sg-1" || at(t, to, 0, "ToPort") != 5432 {
		t.Errorf("the functions can reach %v, want only port 5432 of sg-1", to)
	}
	server := pgtest.New(t, pgtest.Unsafe...)
	file := eventFile(t)
	running := make(map[string]*function)
	for _, f := range functionsOf(t, tmpl) {
		if url, ok := f.env["REDIS_URL"]; ok || f.env["POSTGRES_URL"] != "{{resolve:secretsmanager:shop/seats}}" {
			t.Errorf("%s has the REDIS_URL %q and the POSTGRES_URL %q, want none and that of the secret", f.program, url, f.env["POSTGRES_URL"])
		}
		env := []string{"EVENTS_FILE=" + file}
		for variable, value := range f.env {
			env = append(env, variable+"="+strings.NewReplacer("{{resolve:secretsmanager:shop/seats}}", server.URL("postgres"), "<AWS::StackName>", "seatlock").Replace(value))
		}
		running[f.program] = start(t, built(t, f.program, "postgres"), env...).up()
	}
	running["lock"].post("/lock", "A1", "ann", 200, `"status":"locked"`)
	running["confirm"].post("/confirm", "A1", "ann", 200, `"status":"booked"`)
	if got := running["list"].ask("GET", "/seats", "", ""); got.StatusCode != 200 || !strings.Contains(got.Body, `"seatId":"A1","status":"booked"`) {
		t.Errorf("GET /seats: %d %s, want 200 with A1 booked", got.StatusCode, got.Body)
	}
}
