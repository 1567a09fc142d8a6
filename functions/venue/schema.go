package venue

import (
	_ "embed"
	"slices"
)

//go:embed event-file.schema.json
var schema []byte

// Schema returns a copy of the JSON Schema of event files, by which editors help to
// write one. A file that [ReadEvents] accepts is valid by it. It does not find
// everything that ReadEvents refuses, such as a seat that is there twice.
func Schema() []byte { return slices.Clone(schema) }
