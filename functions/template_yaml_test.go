package functions_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// A template is deploy/template.yaml as CloudFormation would read it with the given
// parameters. Its references are resolved, except that values that only AWS knows
// remain as "<Resource.Attribute>".
type template struct {
	parameters map[string]any
	conditions map[string]any
	resources  map[string]any
	outputs    map[string]any
}

// readTemplate reads the template. A parameter that is not given has its default, or
// its own name in angle brackets.
func readTemplate(t *testing.T, given map[string]any) *template {
	t.Helper()
	data, err := os.ReadFile("../deploy/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		t.Fatal(err)
	}
	root := plain(t, node.Content[0]).(map[string]any)
	tmpl := &template{make(map[string]any), root["Conditions"].(map[string]any), nil, root["Outputs"].(map[string]any)}
	for name, p := range root["Parameters"].(map[string]any) {
		tmpl.parameters[name] = "<" + name + ">"
		if v, ok := p.(map[string]any)["Default"]; ok {
			tmpl.parameters[name] = v
		}
		if p.(map[string]any)["Type"] == "CommaDelimitedList" {
			tmpl.parameters[name] = []any{tmpl.parameters[name]}
		}
	}
	for name, v := range given {
		if _, ok := tmpl.parameters[name]; !ok {
			t.Fatalf("the template has no parameter %s", name)
		}
		tmpl.parameters[name] = v
	}
	resources := root["Resources"].(map[string]any)
	maps.DeleteFunc(resources, func(_ string, r any) bool {
		c, ok := r.(map[string]any)["Condition"]
		return ok && !tmpl.holds(c.(string))
	})
	tmpl.resources = tmpl.resolve(resources).(map[string]any)
	return tmpl
}

// plain returns the node with functions in the long form: "!Ref X" as {Ref: X}.
func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	var value any
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any)
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		value = m
	case yaml.SequenceNode:
		var list []any
		for _, item := range n.Content {
			list = append(list, plain(t, item))
		}
		value = list
	case yaml.ScalarNode:
		value = n.Value
		if !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
			if err := n.Decode(&value); err != nil {
				t.Fatal(err)
			}
		}
	default:
		t.Fatalf("line %d: CloudFormation has no aliases", n.Line)
	}
	if name, ok := strings.CutPrefix(n.Tag, "!"); ok && !strings.HasPrefix(name, "!") {
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		return map[string]any{name: value}
	}
	return value
}

// none stands for a property that is omitted.
type none struct{}

var reference = regexp.MustCompile(`\$\{([^}]+)\}`)

// resolve returns the value with its functions called.
func (tmpl *template) resolve(value any) any {
	switch v := value.(type) {
	case []any:
		var list []any
		for _, item := range v {
			list = append(list, tmpl.resolve(item))
		}
		return list
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if done, ok := tmpl.call(name, argument); ok {
					return done
				}
			}
		}
		m := make(map[string]any)
		for name, item := range v {
			if item = tmpl.resolve(item); item != (none{}) {
				m[name] = item
			}
		}
		return m
	}
	return value
}

// call returns the result of a CloudFormation function, or false if there is no
// function with that name.
func (tmpl *template) call(name string, argument any) (any, bool) {
	switch name {
	case "Ref":
		if argument == "AWS::NoValue" {
			return none{}, true
		}
		return tmpl.named(argument.(string)), true
	case "Fn::GetAtt":
		return tmpl.named(argument.(string)), true
	case "Fn::Sub":
		return reference.ReplaceAllStringFunc(argument.(string), func(s string) string {
			return fmt.Sprint(tmpl.named(s[2 : len(s)-1]))
		}), true
	case "Fn::If":
		choice := argument.([]any)
		if tmpl.holds(choice[0].(string)) {
			return tmpl.resolve(choice[1]), true
		}
		return tmpl.resolve(choice[2]), true
	case "Fn::Equals":
		pair := tmpl.resolve(argument).([]any)
		return fmt.Sprint(pair[0]) == fmt.Sprint(pair[1]), true
	case "Fn::And":
		for _, part := range tmpl.resolve(argument).([]any) {
			if !part.(bool) {
				return false, true
			}
		}
		return true, true
	case "Condition":
		name, ok := argument.(string)
		if _, known := tmpl.conditions[name]; !ok || !known {
			return nil, false // a property of that name
		}
		return tmpl.holds(name), true
	case "Fn::Not":
		return !tmpl.resolve(argument).([]any)[0].(bool), true
	case "Fn::Select":
		pair := tmpl.resolve(argument).([]any)
		list, ok := pair[1].([]any)
		if !ok {
			return nil, false // only AWS knows it
		}
		return list[pair[0].(int)], true
	case "Fn::Split":
		pair := tmpl.resolve(argument).([]any)
		var parts []any
		for part := range strings.SplitSeq(pair[1].(string), pair[0].(string)) {
			parts = append(parts, part)
		}
		return parts, true
	case "Fn::Join":
		pair := tmpl.resolve(argument).([]any)
		var parts []string
		for _, p := range pair[1].([]any) {
			parts = append(parts, fmt.Sprint(p))
		}
		return strings.Join(parts, pair[0].(string)), true
	}
	return nil, false
}

func (tmpl *template) holds(condition string) bool {
	return tmpl.resolve(tmpl.conditions[condition]).(bool)
}

// named returns the value of a parameter, or a text that stands for a resource
// or an attribute of one.
func (tmpl *template) named(name string) any {
	if v, ok := tmpl.parameters[name]; ok {
		return v
	}
	if name == "AWS::StackId" {
		return "arn:aws:cloudformation:eu-central-1:123456789012:stack/seatlock/" + stackID
	}
	return "<" + name + ">"
}

// stackID is the part of the stack's id that is unique to it.
const stackID = "5a6f1c70-9d2e-11f0-8d57-0a3b4c5d6e7f"

// of returns the properties of every resource of a type, by name.
func (tmpl *template) of(kind string) map[string]map[string]any {
	found := make(map[string]map[string]any)
	for name, r := range tmpl.resources {
		if resource := r.(map[string]any); resource["Type"] == kind {
			found[name], _ = resource["Properties"].(map[string]any)
		}
	}
	return found
}

// at returns the part of a value at a path of names and indexes.
func at(t *testing.T, value any, path ...any) any {
	t.Helper()
	for i, step := range path {
		ok := false
		switch step := step.(type) {
		case string:
			switch m := value.(type) {
			case map[string]any:
				value, ok = m[step]
			case map[string]map[string]any:
				value, ok = m[step]
			}
		case int:
			var list []any
			if list, ok = value.([]any); ok {
				ok = step < len(list)
			}
			if ok {
				value = list[step]
			}
		}
		if !ok {
			t.Fatalf("the template has no %v", path[:i+1])
		}
	}
	return value
}

// with returns the parameters of both.
func with(given, more map[string]any) map[string]any {
	given = maps.Clone(given)
	maps.Copy(given, more)
	return given
}

// names returns the keys of a map in order.
func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
