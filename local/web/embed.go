package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"html"
	"path"
	"strings"

	"seatlock/functions/static"
)

// addElement adds the module with the element, and its types. A shop loads /embed/v1.js,
// which stays compatible and is cached for minutes. /embed/v1-HASH.js is the same module,
// which browsers cache for good; the next version has another hash.
func (p folder) addElement(b bundle) {
	for name, body := range b.embed {
		if hashed.MatchString(name) { // a language
			p.addForeign("/embed/"+name, body, untilChanged)
			continue
		}
		p.addForeign("/embed/"+fixed(name, body), body, untilChanged)
		p.addForeign("/embed/"+name, body, shortly)
		f := p["/embed/"+name]
		f.location = fixed(name, body)
		p["/embed/"+name] = f
	}
	p.addForeign("/embed/v1.d.ts", read("v1.d.ts"), never)
}

// addForeign adds a file that pages of other origins may load.
func (p folder) addForeign(at string, body []byte, cache string) {
	p[at] = file{Content: static.New(body), mediaType: mediaTypes[path.Ext(at)], cache: cache, policy: "default-src 'none'", foreign: true}
}

// fixed returns a name with the hash of the content.
func fixed(name string, body []byte) string {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "-" + base32.StdEncoding.EncodeToString(sum[:5]) + ext
}

// addFrame adds the document with the element for frames in pages of the origins. It
// exchanges messages only with such pages.
func (p folder) addFrame(ancestors []string) {
	script := read("frame.js")
	name := fixed("frame.js", script)
	p.add("/embed/"+name, script, untilChanged)
	page := bytes.ReplaceAll(read("frame.html"), []byte(`"frame.js"`), []byte(`"`+name+`"`))
	origins := strings.Join(ancestors, " ")
	page = bytes.ReplaceAll(page, []byte("{origins}"), []byte(html.EscapeString(origins)))
	p.add("/embed/frame.html", page, never)
	f := p["/embed/frame.html"]
	f.policy = pagePolicy + origins
	p["/embed/frame.html"] = f
}
