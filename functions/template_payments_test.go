package functions_test

import (
	"slices"
	"strings"
	"testing"

	"seatlock/lockstore"
)

// TestTemplateWithPayments checks a stack that takes payments: the function checkout
// exists twice, for calls and for its schedule, and only these have the secrets and
// access to the internet.
func TestTemplateWithPayments(t *testing.T) {
	tmpl := readTemplate(t, with(paying, map[string]any{"AllowedOrigins": []any{"https://shop.example", "https://www.shop.example"}, "PublicUrl": "https://shop.example/"}))
	for name, f := range functionsOf(t, tmpl) {
		pays := f.program == "checkout"
		if group, want := at(t, f.properties, "VpcConfig", "SecurityGroupIds", 0), "<FunctionGroup.GroupId>"; (group == want) == pays {
			t.Errorf("%s has the security group %v", name, group)
		}
		for i, subnet := range at(t, f.properties, "VpcConfig", "SubnetIds").([]any) {
			if strings.HasPrefix(subnet.(string), "<CheckoutSubnet") != pays {
				t.Errorf("%s is in the subnet %v (%d)", name, subnet, i)
			}
		}
		if f.env["CHECKOUT"] != "stripe" {
			t.Errorf("%s has the CHECKOUT %q, want stripe", name, f.env["CHECKOUT"])
		}
		want := map[string]string{
			"STRIPE_KEY": "{{resolve:secretsmanager:shop/stripe}}", "STRIPE_WEBHOOK_SECRET": "{{resolve:secretsmanager:shop/webhooks}}",
			"INSTALLATION": stackID, "PAY_WITHIN": "10m", "PAY_MARGIN": "2m",
			"PUBLIC_URL": "https://shop.example/", "RETURN_ORIGINS": "https://shop.example,https://www.shop.example",
		}
		for variable, value := range want {
			if got, has := f.env[variable]; has != pays || pays && got != value {
				t.Errorf("%s has the %s %q, want %q only where payments are taken", name, variable, got, value)
			}
		}
	}
	if err := lockstore.Ref(stackID).Check(); err != nil {
		t.Errorf("the functions refuse the name of their installation: %v", err)
	}
	moved := readTemplate(t, with(paying, map[string]any{"Installation": "shop"}))
	for name, f := range functionsOf(t, moved) {
		if f.program == "checkout" && f.env["INSTALLATION"] != "shop" {
			t.Errorf("%s has the INSTALLATION %q, want that of the parameter", name, f.env["INSTALLATION"])
		}
	}
	routes := make(map[string]string)
	for _, r := range tmpl.of("AWS::ApiGatewayV2::Route") {
		routes[r["RouteKey"].(string)] = functionBehind(t, tmpl, strings.Trim(strings.TrimPrefix(r["Target"].(string), "integrations/"), "<>"))
	}
	for _, route := range []string{"POST /checkout", "GET /order", "GET /orders", "POST /refund", webhooks} {
		if routes[route] != "CheckoutFunction" {
			t.Errorf("%s leads to %q, want CheckoutFunction", route, routes[route])
		}
	}

	schedule := tmpl.of("AWS::Events::Rule")["SettleSchedule"]
	if every, target := schedule["ScheduleExpression"], at(t, schedule, "Targets", 0); every != "rate(1 minute)" || at(t, target, "Arn") != "<SettleFunction.Arn>" || at(t, target, "Input") != settleEvent {
		t.Errorf("the schedule is %v of %v", every, target)
	}
	if seconds := at(t, tmpl.of("AWS::Lambda::Function"), "SettleFunction", "Timeout").(int); seconds <= 60 || seconds >= 120 {
		t.Errorf("the scheduled function may take %d s, want more than the minute between two, and less than two", seconds)
	}
	allowed := 0
	for _, p := range tmpl.of("AWS::Lambda::Permission") {
		if p["Principal"] == "events.amazonaws.com" && p["FunctionName"] == "<SettleFunction>" && p["SourceArn"] == "<SettleSchedule.Arn>" {
			allowed++
		}
	}
	if allowed != 1 {
		t.Errorf("%d permissions let the schedule invoke its function, want 1", allowed)
	}

	groups := tmpl.of("AWS::EC2::SecurityGroup")
	if to := at(t, groups, "FunctionGroup", "SecurityGroupEgress").([]any); len(to) != 1 || at(t, to, 0, "DestinationSecurityGroupId") != "<StoreGroup.GroupId>" {
		t.Errorf("the functions that take no payments can reach %v, want only the store", to)
	}
	to := at(t, groups, "CheckoutGroup", "SecurityGroupEgress").([]any)
	if len(to) != 2 || at(t, to, 0, "DestinationSecurityGroupId") != "<StoreGroup.GroupId>" || at(t, to, 1, "ToPort") != 443 {
		t.Errorf("the function that takes payments can reach %v, want the store and HTTPS", to)
	}
	var outside []string // subnets with access to the internet
	for _, a := range tmpl.of("AWS::EC2::SubnetRouteTableAssociation") {
		outside = append(outside, a["SubnetId"].(string))
	}
	slices.Sort(outside)
	if want := []string{"<CheckoutSubnetA>", "<CheckoutSubnetB>", "<NatSubnet>"}; !slices.Equal(outside, want) {
		t.Errorf("%q have routes of their own, want %q", outside, want)
	}
	in := tmpl.of("AWS::EC2::SecurityGroupIngress")
	if len(in) != 2 || at(t, in, "CheckoutIngress", "SourceSecurityGroupId") != "<CheckoutGroup.GroupId>" {
		t.Errorf("the rules of what is let in are %v, want the functions to the store", in)
	}

	without := readTemplate(t, nil)
	for _, kind := range []string{"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::Events::Rule"} {
		if made := without.of(kind); len(made) > 0 {
			t.Errorf("without payments the stack makes %q, want none", names(made))
		}
	}
	own := readTemplate(t, with(paying, map[string]any{"VpcId": "vpc-1", "SubnetIds": []any{"subnet-1", "subnet-2"}}))
	if made := own.of("AWS::EC2::NatGateway"); len(made) > 0 {
		t.Errorf("in a network of the user's the stack makes %q, want nothing", names(made))
	}
	if subnet := at(t, own.of("AWS::Lambda::Function"), "SettleFunction", "VpcConfig", "SubnetIds", 0); subnet != "subnet-1" {
		t.Errorf("the function is in the subnet %v, want that of the parameter", subnet)
	}
}

// TestNoComparisonAlarm checks that the alarm fires if no comparison is finished for two
// hours, and neither on a new stack whose first comparisons take longer than one run, nor
// as long as one an hour is finished. Comparisons are begun every ten minutes.
func TestNoComparisonAlarm(t *testing.T) {
	alarm := readTemplate(t, paying).of("AWS::CloudWatch::Alarm")["NoComparisonAlarm"]
	if alarm["Statistic"] != "Minimum" || alarm["TreatMissingData"] != "notBreaching" || alarm["DatapointsToAlarm"] != nil {
		t.Fatalf("the alarm is %v, and this test knows another kind", alarm)
	}
	period, periods, threshold := alarm["Period"].(int)/60, alarm["EvaluationPeriods"].(int), alarm["Threshold"].(int)
	for _, c := range []struct {
		what        string
		every       int // minutes from one comparison to the next
		finished    func(minute int) bool
		first, last int // the minutes between which it fires; 0: it must not
	}{
		{"none is finished", 10, func(int) bool { return false }, 61, 180},
		{"none is finished, and they take long", 40, func(int) bool { return false }, 61, 180},
		{"none is finished in the first hour", 10, func(minute int) bool { return minute >= 60 }, 0, 0},
		{"one an hour is finished", 10, func(minute int) bool { return minute%60 == 55 }, 0, 0},
		{"all are finished", 10, func(int) bool { return true }, 0, 0},
	} {
		// bad reports whether there were comparisons and none was finished.
		bad := func(from, to int) bool {
			some := false
			for minute := max(from, 0); minute < to; minute++ {
				if minute%c.every == 5 {
					if some = true; b2i(!c.finished(minute)) < threshold {
						return false
					}
				}
			}
			return some
		}
		for begin := range period { // periods may begin at any minute
			fired, row := 0, 0
			for end := begin; end < 300 && fired == 0; end += period {
				if row++; !bad(end-period, end) {
					row = 0
				}
				if row == periods {
					fired = end
				}
			}
			if fired < c.first || fired > c.last {
				t.Errorf("%s: with periods that begin at minute %d it fires after %d minutes, want %d to %d", c.what, begin, fired, c.first, c.last)
			}
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
