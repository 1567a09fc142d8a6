package venue_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/pb33f/jsonschema/v6"

	"seatlock/functions/venue"
)

// described returns the schema of event files.
func described(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(venue.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("event-file.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("event-file.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaAcceptsWhatTheParserAccepts checks that valid event files conform to the
// schema.
func TestSchemaAcceptsWhatTheParserAccepts(t *testing.T) {
	s := described(t)
	files := map[string]string{"the big house": bigHouse}
	for _, c := range goodFiles {
		files[c.name] = c.text
	}
	for _, name := range []string{"theatre", "arena", "house"} {
		text, err := os.ReadFile("../../local/events/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	for name, text := range files {
		if _, err := read(text); err != nil {
			t.Errorf("%s: the parser refuses it: %v", name, err)
		}
		if err := valid(s, text); err != nil {
			t.Errorf("%s: the schema refuses it: %v", name, err)
		}
	}
}

func valid(s *jsonschema.Schema, text string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// beyondSchema are the errors that a schema cannot find: repetitions, missing
// references, the total number of seats, the form of ranges, and lengths in bytes.
var beyondSchema = []string{
	" twice", "more than 200000", "there is no category", "is missing: seats", "is not listed, but", "{section}", "goes neither from", "an item is empty", "is not a name",
	"has no matching", "unknown placeholder", "all these sections would", "too large", "must not be less than lockSeconds",
	"has 65 bytes", "the file has no layout", "must not contain", "some sections have", "all seats of a", "an aisle", "a step must be",
	"rows and tables", "there is no seat", "there is no row", "must be after opensAt", "has no category and", "a curve", "rotate and curve",
}

// TestSchemaRefusesWhatTheParserRefuses checks that the schema refuses the same files,
// except for errors that a schema cannot find.
func TestSchemaRefusesWhatTheParserRefuses(t *testing.T) {
	s := described(t)
	found := 0
	for _, c := range badFiles {
		err := valid(s, c.text)
		if err != nil {
			found++
			continue
		}
		known := false
		for _, words := range beyondSchema {
			known = known || strings.Contains(c.want, words)
		}
		if !known {
			t.Errorf("%s: the schema accepts it, and the parser says %s", c.name, c.want)
		}
	}
	if found < len(badFiles)/2 {
		t.Errorf("the schema refuses %d of %d bad files", found, len(badFiles))
	}
}
