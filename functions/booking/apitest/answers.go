package apitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"
)

// Answers returns every answer in the description. A key is the call, the status
// and, if the answer has a body, the code or the name of an example, such as
// "POST /lock 409 seat_locked". The value is the example in JSON, or "".
func Answers() (map[string]string, error) {
	answers := make(map[string]string)
	for path, item := range description().model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			for status, response := range op.Responses.Codes.FromOldest() {
				call := fmt.Sprintf("%s %s %s", strings.ToUpper(method), path, status)
				if response.Content == nil {
					answers[call] = ""
				}
				for _, media := range response.Content.FromOldest() {
					if err := addAnswers(answers, call, media); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return answers, nil
}

func addAnswers(answers map[string]string, call string, media *v3.MediaType) error {
	names := codes(media.Schema.Schema())
	for _, name := range names {
		answers[call+" "+name] = ""
	}
	examples, err := values(media.Examples)
	if err != nil {
		return err
	}
	for name, value := range examples {
		answers[call+" "+name] = value
	}
	if len(names) == 0 && len(examples) == 0 { // such as openapi.yaml itself
		answers[call] = ""
	}
	return nil
}

// Requests returns the examples of bodies in JSON, by the path of the call.
func Requests() (map[string][]string, error) {
	requests := make(map[string][]string)
	for path, item := range description().model.Paths.PathItems.FromOldest() {
		if item.Post == nil || item.Post.RequestBody == nil {
			continue
		}
		examples, err := values(item.Post.RequestBody.Content.GetOrZero("application/json").Examples)
		if err != nil {
			return nil, err
		}
		requests[path] = slices.Sorted(maps.Values(examples))
	}
	return requests, nil
}

// values returns the examples in JSON, by name.
func values(examples *orderedmap.Map[string, *base.Example]) (map[string]string, error) {
	list := make(map[string]string)
	for name, example := range examples.FromOldest() {
		var value any
		if err := example.Value.Decode(&value); err != nil {
			return nil, fmt.Errorf("the example %s: %w", name, err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("the example %s: %w", name, err)
		}
		list[name] = string(text)
	}
	return list, nil
}

// codes returns the codes that the schema of a problem allows. Of combined schemas
// it uses the narrowest.
func codes(schema *base.Schema) []string {
	var narrowest []string
	consider := func(list []string) {
		if len(list) > 0 && (narrowest == nil || len(list) < len(narrowest)) {
			narrowest = list
		}
	}
	for _, part := range schema.AllOf {
		consider(codes(part.Schema()))
	}
	if schema.Properties == nil {
		return narrowest
	}
	if code := schema.Properties.GetOrZero("code"); code != nil {
		s := code.Schema()
		if s.Const != nil {
			consider([]string{s.Const.Value})
		}
		var list []string
		for _, n := range s.Enum {
			list = append(list, n.Value)
		}
		consider(list)
	}
	return narrowest
}
