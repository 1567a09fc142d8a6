package booking

import (
	_ "embed"
	"net/http"
	"slices"

	"seatlock/functions/access"
	"seatlock/functions/telemetry"
)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI returns a copy of the OpenAPI 3.1 document that describes the API, in
// YAML. Tests compare every answer with it.
func OpenAPI() []byte { return slices.Clone(openAPI) }

// describe answers GET /openapi.yaml.
func (a *API) describe(w http.ResponseWriter, r *http.Request, _ access.Caller, _ *telemetry.Outcome) error {
	if _, err := query(r); err != nil {
		return err
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	a.description.Serve(w, r, mediaYAML)
	return nil
}

// mediaYAML is the media type of RFC 9512.
var mediaYAML = []string{"application/yaml"}
