package web_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seatlock/functions/problem"
	"seatlock/lockstore/storetest/faults"
)

// runNode runs a module with the folder of the page and the input, and decodes the JSON
// that it prints.
func runNode[T any](t *testing.T, module string, input any) (answer T) {
	t.Helper()
	faults.Need(t, "node", "the modules of the page were not tried")
	folder, err := filepath.Abs("page")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	const begin = "const [folder, text] = process.argv.slice(1); const input = JSON.parse(text); const { languages, loadWords, parametersOf } = await import(folder + '/words.js');\n"
	out, err := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", begin+module, "--", folder, string(text)).Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return answer
}

// A message is an entry of a language's table.
type message struct {
	Forms  map[string]string // by plural form; "" if the text has none
	Params []string          // without n, which only some languages may need
}

type table struct {
	Messages map[string]message
	Plurals  []string // the plural forms that whole numbers below 10,000 have
}

func tables(t *testing.T) map[string]table {
	t.Helper()
	return runNode[map[string]table](t, `
const tables = {};
for (const lang of languages) {
  const { default: messages } = await import(folder + '/messages/' + lang + '.js');
  const rules = new Intl.PluralRules(lang);
  tables[lang] = {
    Messages: Object.fromEntries(Object.entries(messages).map(([key, message]) => [key, {
      Forms: typeof message === 'object' ? message : { '': message },
      Params: [...parametersOf(message)].filter((name) => name !== 'n').sort(),
    }])),
    Plurals: [...new Set(Array.from({ length: 10_000 }, (_, n) => rules.select(n)))].sort(),
  };
}
console.log(JSON.stringify(tables));`, nil)
}

// TestEveryLanguageSaysEverything checks that each table has the keys and parameters of the
// English one, and a text for each plural form of its language.
func TestEveryLanguageSaysEverything(t *testing.T) {
	all := tables(t)
	if len(all) != 4 || len(all["ar"].Plurals) != 6 {
		t.Fatalf("there are %d tables, and Arabic has the plural forms %q; want 4 and six", len(all), all["ar"].Plurals)
	}
	files, err := filepath.Glob("page/messages/*.js")
	if err != nil || len(files) != len(all) {
		t.Errorf("%d tables for the files %q, %v", len(all), files, err)
	}
	english := all["en"].Messages
	for lang, table := range all {
		for key := range english {
			if _, ok := table.Messages[key]; !ok {
				t.Errorf("%s has no message %s", lang, key)
			}
		}
		for key, m := range table.Messages {
			want, ok := english[key]
			if !ok {
				t.Errorf("%s has the message %s, and English has not", lang, key)
				continue
			}
			if !slices.Equal(m.Params, want.Params) {
				t.Errorf("%s: %s has the parameters %q, want %q as in English", lang, key, m.Params, want.Params)
			}
			if _, plain := m.Forms[""]; !plain {
				for _, form := range table.Plurals {
					if _, ok := m.Forms[form]; !ok {
						t.Errorf("%s: %s has no plural form %q", lang, key, form)
					}
				}
			}
			for form, text := range m.Forms {
				if strings.TrimSpace(text) != text || text == "" {
					t.Errorf("%s: %s (%s) is %q; it must be a text without spaces around it", lang, key, form, text)
				}
			}
		}
	}
}

var (
	// elsewhere are the codes whose sentences need more than the code, such as the seats.
	elsewhere = []string{"seat_locked", "seat_booked", "seat_blocked", "lock_not_held", "lock_expired", "orphan_seat", "unauthenticated"}
	// notMet are the codes that no action of a buyer can cause. The message "error" shows
	// the code instead.
	notMet = []string{"not_found", "method_not_allowed", "not_booked", "journal_reset", "too_large", "unsupported_media_type", "wrong_host", "upgrade_required", "no_room"}
)

// TestEveryErrorHasASentence checks that buyers get a sentence for each code of the API,
// and never the server's sentence, which is for programs.
func TestEveryErrorHasASentence(t *testing.T) {
	english := tables(t)["en"].Messages
	for _, code := range problem.Codes() {
		_, said := english["error."+code]
		if other := slices.Contains(elsewhere, code) || slices.Contains(notMet, code); said == other {
			t.Errorf("code %s: has a message %v, is listed as one that needs none %v; want one of them", code, said, other)
		}
	}
}

// TestWords shows how each language writes plurals, money, lists and times.
func TestWords(t *testing.T) {
	const monday = "Date.UTC(2027, 2, 1, 19, 30)"
	cases := []struct{ wanted, call, want string }{
		{"en-GB", "say('do.hold', {n: 1})", "Hold this seat"},
		{"en-GB", "say('do.hold', {n: 1250})", "Hold 1,250 seats"},
		{"de", "say('do.hold', {n: 1250})", "1.250 Plätze reservieren"},
		{"fr", "say('available', {n: 0})", "0 place disponible."},
		{"fr", "say('available', {n: 2})", "2 places disponibles."},
		{"ar", "[0, 1, 2, 3, 11, 100].map((n) => w.say('area.left', {n})).join()", "المتبقي: لا أماكن,المتبقي: مكان واحد,المتبقي: مكانان,المتبقي: 3 أماكن,المتبقي: 11 مكانًا,المتبقي: 100 مكان"},
		{"en-GB", "money(123450, 'EUR')", "€1,234.50"},
		{"en-GB", "money(1200, 'JPY')", "JP¥1,200"},
		{"en-GB", "money(1234, 'KWD')", "KWD 1.234"},
		{"en-GB", "money(1000000, 'IDR')", "IDR 10,000.00"}, // the smallest unit, as ISO 4217 has it
		{"de", "money(123450, 'EUR')", "1.234,50 €"},
		{"fr", "money(123450, 'EUR')", "1 234,50 €"},
		{"ar-EG", "money(123450, 'EGP')", "1,234.50 ج.م."},
		{"en-GB", "list(['1', '2', '3'])", "1, 2 and 3"},
		{"en-US", "list(['1', '2', '3'])", "1, 2, and 3"},
		{"de", "list(['1', '2', '3'])", "1, 2 und 3"},
		{"ar", "list(['1', '2', '3'])", "1 و2 و3"},
		{"de", "join(['Parkett', '', 'frei'])", "Parkett, frei"},
		{"ar", "join(['أ', 'ب', 'ج'])", "أ، ب، ج"},
		{"en-GB", "duration(60_100)", "60 seconds"}, // the estimate of the server's time was 100 ms late
		{"en-GB", "duration(1_000)", "1 second"},
		{"de", "duration(180_000)", "3 Minuten"},
		{"fr", "soon(42_000)", "dans 42 secondes"},
		{"ar", "soon(120_000)", "خلال دقيقتين"},
		{"ar", "countdown(102_000)", "1:42"},
		{"fr", "countdown(3_725_000)", "1:02:05"},
		{"en-GB", "percent(0.45)", "45%"},
		{"de", "percent(0.45)", "45 %"},
		{"de", "date(" + monday + ", 'UTC')", "Montag, 1. März 2027 um 19:30"},
		{"en-US", "date(" + monday + ", 'UTC')", "Monday, March 1, 2027 at 07:30 PM"},
		{"ar-SA", "date(" + monday + ", 'UTC')", "الاثنين، 1 مارس 2027 في 07:30 م"},
		// A name in the other direction is kept apart from what is beside it.
		{"ar", "say('row', {row: 'C'}) === 'الصف \\u2068C\\u2069'", "true"},
		{"de", "say('row', {row: 'ج'}) === 'Reihe \\u2068ج\\u2069'", "true"},
		// The first language that has a table, with the formats of its region.
		{"nonsense! ja-JP fr-CA de", "lang", "fr-CA"},
		{"ja", "lang", "en-GB"},
		{"ar-EG", "dir", "rtl"},
		{"de", "dir", "ltr"},
	}
	type call struct{ Wanted, Call string }
	var calls []call
	for _, c := range cases {
		calls = append(calls, call{c.wanted, c.call})
	}
	answers := runNode[[]string](t, `
const plain = (text) => text.replace(/[\u061c\u200e\u200f\u2066-\u2069]/g, '').replace(/[\u00a0\u202f]/g, ' ');
const answers = [];
for (const { Wanted, Call } of input) {
  const w = await loadWords(Wanted.split(' '));
  answers.push(plain(String(new Function('w', 'return ' + (Call.startsWith('[') ? Call : 'w.' + Call))(w))));
}
console.log(JSON.stringify(answers));`, calls)
	for i, c := range cases {
		if answers[i] != c.want {
			t.Errorf("%s: %s is %q, want %q", c.wanted, c.call, answers[i], c.want)
		}
	}
}

// TestNamesOfSeats shows how seats are named in a sentence, by section and row.
func TestNamesOfSeats(t *testing.T) {
	const module = `
const { Plan } = await import(folder + '/plan.js');
const { seatName, seatNames, worth } = await import(folder + '/names.js');
const answers = {};
for (const lang of input) {
  const plan = new Plan({ eventId: 'e', name: 'Play', currency: 'EUR', categories: [{ id: 'a', price: 4200, levels: [{ id: 'x', name: 'Adult', price: 4200 }, { id: 'c', name: 'Child', price: 2100 }] }],
    sections: [{ name: 'Stalls', rows: [{ name: 'C', seats: ['1', '2', '3'], numbers: ['1', '2', '3'], category: 'a', facts: { 1: ['restrictedView'] } }, { name: 'D', seats: ['4'], numbers: ['4'] }] }],
    areas: [{ name: 'Floor', capacity: 9 }] }, await loadWords([lang]));
  const places = [plan.place('F-1', 0), plan.place('F-2', 0)];
  answers[lang] = [seatName(plan, 2), seatNames(plan, [0, 1, 3, ...places]), worth(plan, 0, 'available', 0), worth(plan, 0, 'locked', 42_000)].map((text) => text.replace(/[\u2066-\u2069]/g, ''));
}
console.log(JSON.stringify(answers));`
	want := map[string][]string{
		"en-GB": {"Stalls, row C, seat 3", "Stalls, row C, seats 1 and 2; Stalls, row D, seat 4; 2 places in Floor", "available, from €21.00, restricted view", "on hold for 42 seconds"},
		"ar":    {"Stalls، الصف C، المقعد 3", "Stalls، الصف C، المقعدان 1 و2؛ Stalls، الصف D، المقعد 4؛ مكانان في Floor", "متاح، ابتداءً من \u200f21.00 €، رؤية محدودة", "محجوز مؤقتًا، المتبقي: 42 ثانية"},
	}
	for lang, got := range runNode[map[string][]string](t, module, []string{"en-GB", "ar"}) {
		for i, text := range got {
			if strings.ReplaceAll(text, "\u00a0", " ") != want[lang][i] {
				t.Errorf("%s: %q, want %q", lang, text, want[lang][i])
			}
		}
	}
}

// TestOwnMessages checks that a shop's messages replace ours, and that the shop is warned of
// those that cannot be used.
func TestOwnMessages(t *testing.T) {
	got := runNode[[]string](t, `
const answers = [];
for (const own of input) {
  const warnings = [];
  console.warn = (text) => warnings.push(text);
  const words = await loadWords(['de'], own);
  answers.push([words.say('do.hold', { n: 3 }), ...warnings].join(' | '));
}
console.log(JSON.stringify(answers));`, []any{
		map[string]any{"do.hold": map[string]string{"one": "Halten", "other": "{n} halten"}},
		map[string]any{"do.hold": "Halten"},
		map[string]any{"do.hodl": "Halten"},
		map[string]any{"do.hold": "{count} halten"},
		map[string]any{"do.hold": map[string]string{"one": "Halten"}},
		map[string]any{"do.hold": 3},
	})
	const ours = "3 Plätze reservieren | seatlock-map: the message "
	want := []string{
		"3 halten",
		"Halten",
		ours + "do.hodl is not used: there is no such key",
		ours + "do.hold is not used: it has {count}, but can have only these: n",
		ours + `do.hold is not used: it must be a text, or an object of plural forms with the form "other"`,
		ours + `do.hold is not used: it must be a text, or an object of plural forms with the form "other"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestTableOfAnotherVersion checks that the page shows the key of a message that is missing
// in its table.
func TestTableOfAnotherVersion(t *testing.T) {
	got := runNode[[]string](t, `
const warnings = [];
console.warn = (text) => warnings.push(text);
const words = await loadWords(['en']);
console.log(JSON.stringify([words.say('do.fly', { n: 3 }), ...warnings]));`, nil)
	if want := []string{"do.fly", "seatlock-map: there is no message do.fly"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestAnnouncements checks that numbers of seats that others take do not replace an
// announcement to the user in the same frame, and are announced later.
func TestAnnouncements(t *testing.T) {
	got := runNode[[]string](t, `
let now = 0;
let frames = [];
globalThis.performance = { now: () => now };
globalThis.requestAnimationFrame = (draw) => frames.push(draw);
const draw = () => { for (const f of frames.splice(0)) f(); };
const { Announcer } = await import(folder + '/announce.js');
const region = {};
const announcer = new Announcer(region, {});
const answers = [];
announcer.announceCounts('9 seats');
now = 60_000;
announcer.announce('Held for you.');
announcer.announceCounts('8 seats');
draw();
answers.push(region.textContent);
now = 90_000;
announcer.announceCounts('7 seats');
draw();
answers.push(region.textContent);
console.log(JSON.stringify(answers));`, nil)
	if want := []string{"Held for you.", "7 seats"}; !slices.Equal(got, want) {
		t.Errorf("announced %q, want %q", got, want)
	}
}

// sources returns the modules and documents of the page, without the tables of messages.
func sources(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, pattern := range []string{"page/*.js", "page/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.Base(file)] = string(text)
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d sources were found", len(found))
	}
	return found
}
