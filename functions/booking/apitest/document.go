package apitest

import (
	"fmt"
	"sync"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"seatlock/functions/booking"
)

// document is a description of an API, read.
type document struct {
	model     *v3.Document
	validator validator.Validator
	config    *config.ValidationOptions
}

// read reads a description, and says what is wrong with it.
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
		return nil, fmt.Errorf("it is no OpenAPI 3.1: %w", explained(errs))
	}
	return d, nil
}

func (d *document) options() config.Option      { return config.WithExistingOpts(d.config) }
func (d *document) optionList() []config.Option { return []config.Option{d.options()} }

// description is openapi.yaml, read once: that takes longer than most tests.
var description = sync.OnceValue(func() *document {
	d, err := read(booking.OpenAPI())
	if err != nil {
		panic(fmt.Sprintf("openapi.yaml: %v", err)) // no test can go on
	}
	return d
})

// Load reads the description. A test that lives by a fake clock must not do so
// by itself, since what is made in there ends with it: TestMain does it before.
func Load() { description() }
