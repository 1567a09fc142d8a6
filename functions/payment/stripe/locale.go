package stripe

import "golang.org/x/text/language"

// locales are the languages of Stripe's page, by its description of the API.
var locales = []string{
	"bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu", "id", "it", "ja", "ko", "lt",
	"lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
}

var localeMatcher = language.NewMatcher(localeTags())

func localeTags() (all []language.Tag) {
	for _, l := range locales {
		all = append(all, language.MustParse(l))
	}
	return all
}

// locale returns the language of Stripe's page that is the given one, or "auto", for which
// Stripe takes the browser's.
func locale(lang string) string {
	tag, err := language.All.Parse(lang) // replaces old codes, such as iw
	if err != nil {
		return "auto"
	}
	// The match may be another language that many who speak this one understand.
	_, at, confidence := localeMatcher.Match(tag)
	wanted, _ := tag.Base()
	matched, _ := language.All.Make(locales[at]).Base()
	if confidence == language.No || wanted != matched {
		return "auto"
	}
	return locales[at]
}
