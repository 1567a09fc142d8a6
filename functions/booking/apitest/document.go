package apitest

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"seatlock/functions/booking"
)

// A document is a parsed description of an API.
type document struct {
	model     *v3.Document
	validator validator.Validator
	config    *config.ValidationOptions
}

// read parses and validates a description.
func read(text []byte) (*document, error) {
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return nil, err
	}
	d := &document{model: &model.Model, config: config.NewValidationOptions(config.WithFormatAssertions())}
	var errs []error
	if d.validator, errs = validator.NewValidator(doc, d.options()); len(errs) > 0 {
		return nil, errs[0]
	}
	if _, errs := d.validator.ValidateDocument(); len(errs) > 0 {
		return nil, fmt.Errorf("not OpenAPI 3.1: %w", explained(errs))
	}
	return d, nil
}

// item returns the description of a path, or nil. A path in the description may have a
// last segment in braces, which matches any.
func (d *document) item(at string) *v3.PathItem {
	for described, item := range d.model.Paths.PathItems.FromOldest() {
		before, _, open := strings.Cut(described, "{")
		rest, ok := strings.CutPrefix(at, before)
		if at == described || open && ok && rest != "" && !strings.Contains(rest, "/") {
			return item
		}
	}
	return nil
}

func (d *document) options() config.Option      { return config.WithExistingOpts(d.config) }
func (d *document) optionList() []config.Option { return []config.Option{d.options()} }

// description returns openapi.yaml, parsed once because parsing takes longer than
// most tests.
var description = sync.OnceValue(func() *document {
	d, err := read(booking.OpenAPI())
	if err != nil {
		panic(fmt.Sprintf("openapi.yaml: %v", err)) // no test could go on
	}
	return d
})

// Load parses the description. Call it outside of a synctest bubble, such as in
// TestMain: what is created in a bubble cannot be used after it.
func Load() { description() }
