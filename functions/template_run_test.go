package functions_test

import (
	"archive/zip"
	"debug/elf"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
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

// TestTemplateServes calls every route of the template and sells a seat. Each function
// has the environment from the template, and on a Redis Cluster only the permissions of
// the template's user. The alarms must use metrics that these functions write.
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
			const buyer, backend, operator = "", "[backend]", "[others operator]"
			calls := []struct{ route, groups, body, want string }{
				{"POST /lock", buyer, body, `"userId":"ann","seatIds":["A1"],"status":"locked"`},
				{"POST /extend", buyer, `{"seatId":"A1","seconds":90}`, `"status":"locked"`},
				{"GET /mine", buyer, "", `"seatId":"A1","status":"locked"`},
				{"POST /release", buyer, `{"seatId":"A2"}`, `"status":"available"`},
				{"POST /confirm", backend, `{"seatId":"A1","userId":"ann"}`, `"userId":"ann","seatIds":["A1"],"status":"booked"`},
				{"GET /seats", buyer, "", `"seatId":"A1","status":"booked"`},
				{"GET /bookings", operator, "", `"seatId":"A1","status":"booked","userId":"ann"`},
				{"POST /move", operator, `{"seatId":"A1","toSeatIds":["A4"],"userId":"ann"}`, `"toSeatIds":["A4"]`},
				{"POST /cancel", operator, `{"seatId":"A4","userId":"ann"}`, `"seatIds":["A4"],"status":"available"`},
				{"POST /block", operator, `{"seatId":"A4","reason":"camera"}`, `"status":"blocked"`},
				{"POST /unblock", operator, `{"seatId":"A4"}`, `"seatIds":["A4"]`},
				{"POST /evict", operator, `{"seatId":"A4"}`, `"seatIds":[]`},
				{"GET /journal", operator, "", `"kind":"move"`},
				{"GET /events", buyer, "", `"eventId":"gala"`},
				{"GET /openapi.yaml", buyer, "", "openapi: 3.1"},
				{"GET /session", buyer, "", `"open":false,"signIn":false`},
				{"POST /signout", buyer, "", `"open":false`},
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
					authorize(t, &event, "ann", strings.Fields(strings.Trim(c.groups, "[]")))
				}
				got := running[functionBehind(t, tmpl, integration)].send(event)
				if got.StatusCode != 200 || !strings.Contains(got.Body, c.want) {
					t.Errorf("%s: %d %s, want 200 with %s", c.route, got.StatusCode, got.Body, c.want)
				}
			}
			written := make(map[string]bool) // metrics
			for name, f := range running {
				f.Kill() // its log is complete after this
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

// authorize adds to the event a token of a user in the groups, and what the gateway
// adds after verifying it.
func authorize(t *testing.T, event *events.APIGatewayV2HTTPRequest, sub string, groups []string) {
	t.Helper()
	claims, err := json.Marshal(map[string]any{"sub": sub, "cognito:groups": groups})
	if err != nil {
		t.Fatal(err)
	}
	encoded := base64.RawURLEncoding.EncodeToString
	event.Headers["authorization"] = "Bearer " + encoded([]byte(`{"alg":"RS256"}`)) + "." + encoded(claims) + "." + encoded([]byte("verified by the gateway"))
	event.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": sub, "cognito:groups": "[" + strings.Join(groups, " ") + "]"}},
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

// here returns the value of a template variable adapted to the servers of the test,
// which have no TLS.
func here(value, addr, password string) string {
	value = strings.Replace(value, "{{resolve:secretsmanager:<StorePassword>}}", password, 1)
	value = strings.Replace(value, "rediss://", "redis://", 1)
	value = strings.ReplaceAll(value, "<AWS::StackName>", "seatlock")
	return host.ReplaceAllString(value, "@"+addr)
}

// TestTemplateSettings checks that the functions read every variable that the template
// sets. A function that reads a variable refuses a wrong value by its name.
func TestTemplateSettings(t *testing.T) {
	t.Parallel()
	server := "REDIS_URL=redis://" + redistest.New(t).Addr
	needed := []string{"CHECKOUT=stripe", "INSTALLATION=shop", "STRIPE_KEY=sk_test_1"}
	variables := make(map[[2]string]string) // a variable, a program and a function that has both
	for name, f := range functionsOf(t, readTemplate(t, paying)) {
		for variable := range f.env {
			program := "lock" // which reads what all do
			if f.program == "checkout" {
				program = f.program
			}
			variables[[2]string{variable, program}] = name
		}
	}
	for what, name := range variables {
		variable, program := what[0], what[1]
		if program == "checkout" && variables[[2]string{variable, "lock"}] != "" && variable != "CHECKOUT" {
			continue // read in the same way
		}
		env := []string{server, "EVENTS_FILE=" + eventFile(t), variable + "=not a value!"}
		if program == "checkout" {
			env = append(slices.Clone(needed), env...)
		}
		if said := start(t, built(t, program), env...).fails(); !strings.Contains(said, variable) {
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
	programs := make(map[string]bool)
	for name, f := range functionsOf(t, readTemplate(t, paying)) {
		programs[f.program] = true
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
		t.Errorf("the zips are %q, %v, want one for each of %q", zips, err, names(programs))
	}

	var emulator []string
	if runtime.GOARCH != "arm64" {
		const qemu = "qemu-aarch64-static"
		faults.Need(t, qemu, "the functions for arm64 were not run")
		emulator = []string{qemu}
	}
	command := func(name string) []string { return append(emulator, filepath.Join(dir, name)) }
	sell(t, command, "REDIS_URL=redis://"+redistest.New(t).Addr)
	sellAtStripe(t, command, "REDIS_URL=redis://"+redistest.New(t).Addr)
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
