package venue

import (
	_ "embed"
	"slices"
)

//go:embed event-file.schema.json
var schema []byte

// Schema returns a copy of the JSON Schema of event files, with which editors help to
// write one. Every file that [ReadEvents] accepts is valid. The schema does not find
// all errors that ReadEvents finds, such as repeated seats.
func Schema() []byte { return slices.Clone(schema) }
