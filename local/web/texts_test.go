package web_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Patterns that recognise texts for buyers in the code of the page.
var (
	// Two words, or a letter or mark that no name in code has.
	prose = regexp.MustCompile(`\p{L}{2,}[,;:.!?…]? \p{L}{2,}|[…–’“„«]|[À-ÿ]`)
	// A word such as "Confirm".
	capital = regexp.MustCompile(`^\s*\p{Lu}\p{Ll}+\b[.:!?…]?\s*(\$|$)`)
	// Code before a text that is shown, whatever the text.
	shown = regexp.MustCompile(`(?:(?:textContent|innerText|ariaLabel|\.title|placeholder|\.alt) = |'aria-label': |new Option\(|announce\(|alarm\(|say\('(?:good|news|bad)', )$`)
	// Code before a text for programmers.
	unseen = regexp.MustCompile(`(?:(?:[eE]rror|Problem|Unreachable|super)\((?:[^()]|\([^()]*\))*|console\.\w+\(|case |=== |class: )$`)
	// Selectors, names of keys, headers and the like.
	code    = regexp.MustCompile(`[#\[\]=>{}]|^[.(]|, \.|^(?:Arrow\w+|Page\w+|Home|End|Enter|Escape|Authorization|Bearer |Content-Type|Accept|Control|Meta|Shift|Tab)$`)
	letters = regexp.MustCompile(`\p{L}`)
)

// A literal is a string of a module, or the part of a template between its values.
type literal struct {
	before string // the code before it, on its line
	text   string
}

// literals returns the literals of a module, but not comments or regular expressions.
func literals(source string) (found []literal) {
	line := 0        // where the current line begins
	var depths []int // brace depths of the templates that a value interrupts
	depth := 0
	take := func(i int, quotes string) int {
		begin := i
		for ; i < len(source) && !strings.ContainsRune(quotes, rune(source[i])); i++ {
			switch {
			case source[i] == '\\':
				i++
			case quotes == "`" && strings.HasPrefix(source[i:], "${"):
				found = append(found, literal{source[line : begin-1], source[begin:i]})
				depths = append(depths, depth)
				depth++
				return i + 2
			}
		}
		found = append(found, literal{source[line : begin-1], source[begin:i]})
		return i + 1
	}
	for i := 0; i < len(source); {
		switch c := source[i]; {
		case strings.HasPrefix(source[i:], "//"):
			i += strings.IndexByte(source[i:]+"\n", '\n')
		case strings.HasPrefix(source[i:], "/*"):
			i += strings.Index(source[i:], "*/") + 2
		case c == '/' && regexp.MustCompile(`[(,=:\[!&|?{};]\s*$`).MatchString(source[line:i]):
			class := false
			for i++; class || source[i] != '/'; i++ {
				switch source[i] {
				case '\\':
					i++
				case '[':
					class = true
				case ']':
					class = false
				}
			}
			i++
		case c == '\'' || c == '"' || c == '`':
			i = take(i+1, string(c))
		case c == '{':
			depth++
			i++
		case c == '}':
			depth--
			i++
			if n := len(depths); n > 0 && depths[n-1] == depth {
				depths = depths[:n-1]
				i = take(i, "`")
			}
		default:
			if c == '\n' {
				line = i + 1
			}
			i++
		}
	}
	return found
}

// textsOfModule returns the texts of a module that a buyer would read.
func textsOfModule(source string) (texts []string) {
	for _, l := range literals(source) {
		if !letters.MatchString(l.text) || unseen.MatchString(l.before) {
			continue
		}
		if shown.MatchString(l.before) || (prose.MatchString(l.text) || capital.MatchString(l.text)) && !code.MatchString(l.text) {
			texts = append(texts, l.text)
		}
	}
	return texts
}

var (
	// Texts that show before scripts run, or without them.
	unscripted = regexp.MustCompile(`(?s)<title>.*?</title>|<noscript>.*?</noscript>|<!--.*?-->|<!doctype html>`)
	attributes = regexp.MustCompile(`\s(?:aria-label|alt|title|placeholder|content)="([^"]*\p{L}[^"]*)"`)
	meta       = regexp.MustCompile(`<meta name="(?:viewport|color-scheme|frame-ancestors)"[^>]*>`)
	tags       = regexp.MustCompile(`<[^>]*>`)
)

// textsOfDocument returns the texts of an HTML document that a buyer would read.
func textsOfDocument(source string) (texts []string) {
	source = meta.ReplaceAllString(unscripted.ReplaceAllString(source, ""), "")
	for _, m := range attributes.FindAllStringSubmatch(source, -1) {
		texts = append(texts, m[1])
	}
	for text := range strings.SplitSeq(tags.ReplaceAllString(source, "\n"), "\n") {
		if letters.MatchString(text) {
			texts = append(texts, strings.TrimSpace(text))
		}
	}
	return texts
}

// TestNoTextOutsideOfTheTables checks that every text for buyers is a message.
func TestNoTextOutsideOfTheTables(t *testing.T) {
	for name, source := range sources(t) {
		texts := textsOfModule
		if strings.HasSuffix(name, ".html") {
			texts = textsOfDocument
		}
		for _, text := range texts(source) {
			t.Errorf("%s has the text %q, which must be a message of every table in messages", name, text)
		}
	}
}

// TestTextsAreFound checks that texts are found in sources that have some.
func TestTextsAreFound(t *testing.T) {
	for source, want := range map[string][]string{
		`this.say('news', 'Time ran out.');`:                                      {"Time ran out."},
		"page.say('bad', `${n} seats are gone`);":                                 {" seats are gone"},
		`el.textContent = 'sold';`:                                                {"sold"},
		`el.ariaLabel = busy ? 'Locking…' : words.say('do.hold');`:                {"Locking…"},
		`element('b', { 'aria-label': 'more' }, 'Confirm')`:                       {"more", "Confirm"},
		"const t = `Lock ${n > 1 ? `${n} seats` : 'this seat'} now`;":             {"Lock ", "this seat"},
		`if (/don't "say"/.test(key)) return 'Sign in first';`:                    {"Sign in first"},
		`host.find('lock').classList.add('has-lock'); // Time ran out.`:           nil,
		`throw new TypeError('messages: there is no such message');`:              nil,
		`document.querySelector('.ticket section:first-of-type [role=gridcell]')`: nil,
		`case 'ArrowRight': headers: { 'Content-Type': 'application/json' }`:      nil,
	} {
		if got := textsOfModule(source); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", source, got, want)
		}
	}
	const document = `<title>Seats</title><p data-say="left"></p><p title="Row">Pick <b>seats</b></p><noscript>No scripts</noscript>`
	if got, want := textsOfDocument(document), []string{"Row", "Pick", "seats"}; !slices.Equal(got, want) {
		t.Errorf("found %q in the document, want %q", got, want)
	}
}

var (
	sayings  = regexp.MustCompile(`\bwords\.say\(('[\w.]+'|[^'(]*\? '[\w.]+' : '[\w.]+')(, \{ ([^{}]*) \})?`)
	keys     = regexp.MustCompile(`'([\w.]+)'`)
	keyed    = regexp.MustCompile(`data-(?:say|label)="([\w.]+)"`)
	template = regexp.MustCompile("`([a-zA-Z.]+)\\$\\{[^`]*`")
	names    = regexp.MustCompile(`(?:^|, )(\.\.\.)?(\w+)`)
)

// TestEveryMessageIsSaid checks that the page uses only messages that exist, gives each
// its parameters, and uses all of them.
func TestEveryMessageIsSaid(t *testing.T) {
	english := tables(t)["en"].Messages
	said := make(map[string]bool)
	tried := 0
	for name, source := range sources(t) {
		for _, m := range keyed.FindAllStringSubmatch(source, -1) {
			said[m[1]] = true
			if _, ok := english[m[1]]; !ok {
				t.Errorf("%s names the message %s, which is not there", name, m[1])
			}
		}
		for _, m := range sayings.FindAllStringSubmatch(source, -1) {
			for _, key := range keys.FindAllStringSubmatch(m[1], -1) {
				want, ok := english[key[1]]
				if !ok {
					t.Errorf("%s says %s, which is not there", name, key[1])
					continue
				}
				var given []string
				all := true
				for _, n := range names.FindAllStringSubmatch(m[3], -1) {
					all = all && n[1] == ""
					given = append(given, n[2])
				}
				for _, param := range want.Params {
					if tried++; all && !slices.Contains(given, param) && (m[2] != "" || !strings.Contains(source, m[0]+", ")) {
						t.Errorf("%s says %s without {%s}: %s", name, key[1], param, m[0])
					}
				}
			}
		}
		for _, l := range literals(source) {
			said[l.text] = true
		}
		for _, m := range template.FindAllStringSubmatch(source, -1) {
			for key := range english {
				if strings.HasPrefix(key, m[1]) {
					said[key] = true
				}
			}
		}
	}
	for key := range english {
		if !said[key] {
			t.Errorf("the message %s is never said", key)
		}
	}
	if tried < 40 {
		t.Errorf("only %d parameters were looked at", tried)
	}
}
