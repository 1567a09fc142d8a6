package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"seatlock/functions/telemetry"
	"seatlock/local/web"
)

// other is the handler of requests that are not for the page.
func other(w http.ResponseWriter, _ *http.Request) telemetry.Outcome {
	w.WriteHeader(http.StatusTeapot)
	return telemetry.Outcome{}
}

// A site answers requests.
type site struct{ telemetry.Handler }

func open(c web.Config) site { return site{web.New(c).Handler(other)} }

func (s site) ask(method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// want checks the headers of an answer.
func want(t *testing.T, w *httptest.ResponseRecorder, headers map[string]string) {
	t.Helper()
	if w.Code != 200 {
		t.Errorf("the answer is %d", w.Code)
	}
	for header, value := range headers {
		if got := w.Header().Get(header); got != value {
			t.Errorf("%s is %q, want %q", header, got, value)
		}
	}
}

const (
	kept = "public, max-age=31536000, immutable"
	own  = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
)

// namesIn returns the matches of the expression's first group in a text.
func namesIn(expression, text string) []string {
	var names []string
	for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// TestPage checks that the page can load only files of this server, that the files it names
// exist, and that browsers cache them until they change.
func TestPage(t *testing.T) {
	s := open(web.Config{})
	page := s.ask("GET", "/")
	want(t, page, map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache", "Content-Security-Policy": own + "'none'",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
	})
	text := page.Body.String()
	if inline := regexp.MustCompile(`<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=`).FindString(text); inline != "" {
		t.Errorf("the page has a script or a style of its own, which the policy stops: %s", inline)
	}
	names := namesIn(`(?:href|src)="(page/[^"]+)"`, text)
	if len(names) != 4 {
		t.Errorf("the page names %q, want an icon, a stylesheet, a script and a module", names)
	}
	for _, name := range names {
		types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
		cache := kept
		if strings.HasSuffix(name, ".svg") {
			cache = "no-cache"
		}
		got := s.ask("GET", "/"+name)
		want(t, got, map[string]string{"Content-Type": types[filepath.Ext(name)], "Cache-Control": cache})
		if again := s.ask("GET", "/"+name, "If-None-Match", got.Header().Get("ETag")); again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s: asked again, %d with %d bytes", name, again.Code, again.Body.Len())
		}
		if head := s.ask("HEAD", "/"+name); head.Code != 200 || head.Body.Len() > 0 {
			t.Errorf("%s: HEAD, %d with %d bytes", name, head.Code, head.Body.Len())
		}
		for _, chunk := range namesIn(`import\("\./([^"]+)"\)`, got.Body.String()) {
			want(t, s.ask("GET", "/page/"+chunk), map[string]string{"Content-Type": types[".js"], "Cache-Control": kept})
		}
	}
}

// TestVersionsSideBySide checks that a page of another version of the program can load
// its module here, and that browsers do not cache it under that name.
func TestVersionsSideBySide(t *testing.T) {
	s := open(web.Config{})
	got := s.ask("GET", "/page/main-AAAAAAAA.js")
	want(t, got, map[string]string{"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-store"})
	if module := namesIn(`src="(page/main[^"]+)"`, s.ask("GET", "/").Body.String())[0]; got.Body.String() != s.ask("GET", "/"+module).Body.String() {
		t.Error("it is not the module of this version")
	}
}

// TestElement checks what a shop gets: a module that pages of every origin may load, under
// a name for all compatible versions and one for this version alone.
func TestElement(t *testing.T) {
	s := open(web.Config{})
	foreign := map[string]string{"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "Content-Type": "text/javascript; charset=utf-8"}
	module := s.ask("GET", "/embed/v1.js")
	want(t, module, foreign)
	want(t, module, map[string]string{"Cache-Control": "public, max-age=300, stale-while-revalidate=86400"})
	if again := s.ask("GET", "/embed/v1.js", "If-None-Match", module.Header().Get("ETag")); again.Code != 304 {
		t.Errorf("asked again, %d", again.Code)
	}
	for name, cache := range map[string]string{module.Header().Get("Content-Location"): kept, "v1-AAAAAAAA.js": "no-store"} {
		fixed := s.ask("GET", "/embed/"+name)
		want(t, fixed, foreign)
		want(t, fixed, map[string]string{"Cache-Control": cache})
		if fixed.Body.String() != module.Body.String() {
			t.Errorf("%s is not the module", name)
		}
	}
	chunks := namesIn(`import\("\./([^"]+)"\)`, module.Body.String())
	if len(chunks) != 5 {
		t.Errorf("it loads %q on demand, want four languages and the rule for single seats", chunks)
	}
	for _, chunk := range chunks {
		want(t, s.ask("GET", "/embed/"+chunk), foreign)
		want(t, s.ask("GET", "/embed/"+chunk), map[string]string{"Cache-Control": kept})
	}
	want(t, s.ask("GET", "/embed/v1.d.ts"), map[string]string{"Content-Type": "text/plain; charset=utf-8"})
}

// TestFrame checks that only pages of the configured origins can show the seats in a frame.
func TestFrame(t *testing.T) {
	if got := open(web.Config{}).ask("GET", "/embed/frame.html"); got.Code != http.StatusTeapot {
		t.Errorf("without an origin: %d", got.Code)
	}
	s := open(web.Config{FrameAncestors: []string{"https://shop.example", "https://box.example"}})
	frame := s.ask("GET", "/embed/frame.html?event=fri")
	want(t, frame, map[string]string{"Content-Security-Policy": own + "https://shop.example https://box.example", "Content-Type": "text/html; charset=utf-8"})
	if !strings.Contains(frame.Body.String(), `content="https://shop.example https://box.example"`) {
		t.Errorf("the frame does not know its origins: %s", frame.Body)
	}
	if strings.Contains(frame.Body.String(), " lang=") {
		t.Error("the frame has a language before its words are loaded, which would be that of the map")
	}
	for _, name := range namesIn(`src="([^"]+)"`, frame.Body.String()) {
		want(t, s.ask("GET", "/embed/"+name), map[string]string{"Content-Type": "text/javascript; charset=utf-8"})
	}
	if got := s.ask("GET", "/"); !strings.HasSuffix(got.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Error("the page is in frames as well")
	}
}

// TestSizes checks that a first visit, and a shop's page with the element, load at most
// 60 KB, compressed, and that no module waits for another.
func TestSizes(t *testing.T) {
	s := open(web.Config{})
	page := s.ask("GET", "/").Body.String()
	main := namesIn(`src="(page/main[^"]+)"`, page)[0]
	english := func(module string) string {
		return namesIn(`import\("\./(en-[^"]+)"\)`, s.ask("GET", "/"+module).Body.String())[0]
	}
	for what, names := range map[string][]string{
		"page":    {"", main, namesIn(`href="(page/page[^"]+)"`, page)[0], namesIn(`src="(page/ask[^"]+)"`, page)[0], "page/" + english(main)},
		"element": {"embed/v1.js", "embed/" + english("embed/v1.js")},
	} {
		sum := 0
		for _, name := range names {
			if imported := namesIn(`(?:from|import)\s*"\./([^"]+)"`, s.ask("GET", "/"+name).Body.String()); len(imported) > 0 {
				t.Errorf("%s imports %q, which a browser learns only once it has it", name, imported)
			}
			got := s.ask("GET", "/"+name, "Accept-Encoding", "gzip, br")
			sum += got.Body.Len()
			if got.Body.Len() < 1200 && got.Header().Get("Content-Encoding") == "" {
				continue // it is too small to be compressed
			}
			r, err := gzip.NewReader(got.Body)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r)
			if h := got.Header(); err != nil || string(body) != s.ask("GET", "/"+name).Body.String() || h.Get("Content-Encoding") != "gzip" || h.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: %v, %d bytes, %v", name, err, len(body), h)
			}
		}
		t.Logf("%s: %.1f KB", what, float64(sum)/1000)
		if sum > 60_000 {
			t.Errorf("the %s has %d bytes, want at most 60,000", what, sum)
		}
	}
}

// TestTheRestIsLeftAlone checks that all other paths are left to the API.
func TestTheRestIsLeftAlone(t *testing.T) {
	s := open(web.Config{FrameAncestors: []string{"https://shop.example"}})
	for _, c := range [][2]string{{"GET", "/seats"}, {"POST", "/lock"}, {"GET", "/nowhere"}, {"GET", "/page/"}, {"GET", "/page/index.html"}, {"GET", "/page/../web.go"}, {"GET", "/page/event.js"}, {"GET", "/embed/"}, {"POST", "/"}, {"DELETE", "/embed/v1.js"}} {
		if got := s.ask(c[0], c[1]); got.Code != http.StatusTeapot {
			t.Errorf("%s %s: %d, and it is not the page's", c[0], c[1], got.Code)
		}
	}
}

// TestSourcesNameNoOtherHost checks that nothing is loaded from elsewhere.
func TestSourcesNameNoOtherHost(t *testing.T) {
	elsewhere := regexp.MustCompile(`(?:https?:)?//[a-z]`)
	for _, pattern := range []string{"page/*.js", "page/*.css", "page/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if found := elsewhere.Find(text); found != nil && !strings.Contains(string(text), "www.w3.org") {
				t.Errorf("%s names another host: %s", name, found)
			}
		}
	}
}

// TestCode checks which texts are drawn as QR codes.
func TestCode(t *testing.T) {
	s := open(web.Config{})
	want(t, s.ask("GET", "/page/qr.svg?text=K7Q2M4XZT5JWN3B6"), map[string]string{"Content-Type": "image/svg+xml", "Cache-Control": kept})
	for _, text := range []string{"", "%3Csvg%3E", "a+b", strings.Repeat("x", 65)} {
		if got := s.ask("GET", "/page/qr.svg?text="+text); got.Code != 400 {
			t.Errorf("%q: %d", text, got.Code)
		}
	}
}

// TestCalendarFile checks a calendar file against RFC 5545: times in UTC, escaped
// characters, and folded lines.
func TestCalendarFile(t *testing.T) {
	got := runNode[string](t, `
const { calendarFile } = await import(folder + '/calendar.js');
console.log(JSON.stringify(calendarFile({ ...input, made: 0 })));`, map[string]string{
		"id": "ref@shop", "start": "2027-03-05T20:00:00+01:00", "name": `Much, ado; about \`, "text": "Stalls, row Ä, seat 1\n" + strings.Repeat("é", 60),
	})
	for _, line := range []string{
		"BEGIN:VCALENDAR", "UID:ref@shop", "DTSTAMP:19700101T000000Z", "DTSTART:20270305T190000Z", `SUMMARY:Much\, ado\; about \\`, "END:VCALENDAR",
	} {
		if !strings.Contains(got, line+"\r\n") {
			t.Errorf("there is no line %s in %s", line, got)
		}
	}
	for line := range strings.SplitSeq(got, "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Errorf("%d bytes in the line %q", len(line), line)
		}
	}
	if unfolded := strings.ReplaceAll(got, "\r\n ", ""); !strings.Contains(unfolded, `DESCRIPTION:Stalls\, row Ä\, seat 1\n`+strings.Repeat("é", 60)+"\r\n") {
		t.Errorf("the long line is not whole: %s", unfolded)
	}
}
