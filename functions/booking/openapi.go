package booking

import (
	"context"
	_ "embed"
	"net/http"
	"slices"
)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI returns a copy of the description of the API: an OpenAPI 3.1
// document in YAML, which GET /openapi.yaml answers. Tests hold every answer to
// it.
func OpenAPI() []byte { return slices.Clone(openAPI) }

// describe answers GET /openapi.yaml.
func (a *API) describe(_ context.Context, w http.ResponseWriter, r *http.Request) error {
	if _, err := query(r); err != nil {
		return err
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	a.description.serve(w, r, mediaYAML)
	return nil
}

// mediaYAML is from RFC 9512.
var mediaYAML = []string{"application/yaml"}
