package web_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"seatlock/functions/telemetry"
	"seatlock/local/web"
)

// other answers requests that are not for the page.
func other(w http.ResponseWriter, _ *http.Request) telemetry.Outcome {
	w.WriteHeader(http.StatusTeapot)
	return telemetry.Outcome{}
}

func ask(method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	web.Handler(other).ServeHTTP(w, r)
	return w
}

// TestEveryFileIsServed also checks the headers that restrict the page to this server.
func TestEveryFileIsServed(t *testing.T) {
	types := map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	err := fs.WalkDir(os.DirFS("page"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		target := "/page/" + name
		if name == "index.html" {
			target = "/"
		}
		got := ask("GET", target)
		want, err := os.ReadFile("page/" + name)
		if err != nil {
			return err
		}
		h := got.Header()
		if got.Code != 200 || got.Body.String() != string(want) || h.Get("Content-Type") != types[path.Ext(name)] {
			t.Errorf("%s: %d %v", target, got.Code, h)
		}
		for header, part := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Cache-Control":           "no-cache",
		} {
			if h.Get(header) != part {
				t.Errorf("%s: %s is %q, want %q", target, header, h.Get(header), part)
			}
		}
		if again := ask("GET", target, "If-None-Match", h.Get("ETag")); again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s: asked again, %d with %d bytes", target, again.Code, again.Body.Len())
		}
		if head := ask("HEAD", target); head.Code != 200 || head.Body.Len() > 0 || head.Header().Get("Content-Length") == "" {
			t.Errorf("%s: HEAD, %d with %d bytes", target, head.Code, head.Body.Len())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFilesAreCompressed checks that a compressed file is the file.
func TestFilesAreCompressed(t *testing.T) {
	got := ask("GET", "/page/event.js", "Accept-Encoding", "gzip, br")
	want, err := os.ReadFile("page/event.js")
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if h := got.Header(); err != nil || string(body) != string(want) || h.Get("Content-Encoding") != "gzip" || h.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%v, %d bytes of %d, %v", err, len(body), len(want), h)
	}
}

// TestTheRestIsLeftAlone checks that the API keeps every path that it had.
func TestTheRestIsLeftAlone(t *testing.T) {
	for _, c := range [][2]string{{"GET", "/seats"}, {"POST", "/lock"}, {"GET", "/nowhere"}, {"GET", "/page/"}, {"GET", "/page/index.html"}, {"GET", "/page/../web.go"}, {"POST", "/"}, {"DELETE", "/page/main.js"}} {
		if got := ask(c[0], c[1]); got.Code != http.StatusTeapot {
			t.Errorf("%s %s: %d, and it is not the page's", c[0], c[1], got.Code)
		}
	}
}

// TestFilesNameOnlyFilesThatAreThere checks imports, links and pictures, and that
// nothing is inline, which the policy would stop.
func TestFilesNameOnlyFilesThatAreThere(t *testing.T) {
	names := regexp.MustCompile(`(?:from '\./|url\(|(?:href|src)="page/)([a-z.-]+)`)
	inline := regexp.MustCompile(`<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=`)
	elsewhere := regexp.MustCompile(`(?:https?:)?//[a-z]`)
	tried := 0
	files, err := os.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile("page/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range names.FindAllStringSubmatch(string(text), -1) {
			tried++
			if _, err := os.Stat("page/" + m[1]); err != nil {
				t.Errorf("%s names %s: %v", f.Name(), m[1], err)
			}
		}
		if f.Name() == "index.html" && inline.Match(text) {
			t.Errorf("%s has a script or style of its own: %s", f.Name(), inline.Find(text))
		}
		if found := elsewhere.Find(text); found != nil && !strings.Contains(string(text), "www.w3.org") {
			t.Errorf("%s names another host: %s", f.Name(), found)
		}
	}
	if tried < 20 {
		t.Errorf("only %d names were found", tried)
	}
}
