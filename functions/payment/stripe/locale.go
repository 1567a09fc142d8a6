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
	tag, err := language.Parse(lang)
	if err != nil {
		return "auto"
	}
	// A lower confidence is another language, which many who speak this one understand.
	_, at, confidence := localeMatcher.Match(tag)
	if confidence < language.High {
		return "auto"
	}
	return locales[at]
}
