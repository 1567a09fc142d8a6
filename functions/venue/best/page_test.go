package best_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"seatlock/lockstore/storetest/faults"
)

// singlesOfPage judges the choices in a file with the page's rule.
const singlesOfPage = `
const [module, file] = process.argv.slice(1);
const { Singles } = await import(module);
const { readFileSync } = await import('node:fs');
const id = (row, seat) => row + '-' + seat;
const answers = JSON.parse(readFileSync(file, 'utf8')).map(({ rows, asked }) => {
  const letters = new Map();
  const segments = rows.map((row, r) => [...row].map((letter, i) => {
    letters.set(id(r, i), letter);
    return { id: id(r, i), category: letter === 'b' ? 'b' : 'a', special: letter === 'w' };
  }));
  const standing = (seat) => ({ h: 'held', x: 'gone' })[letters.get(seat)] ?? 'open';
  const instead = new Singles(segments).judge(asked.map(([r, i]) => id(r, i)), standing);
  return instead && instead.map((seat) => seat.split('-').map(Number));
});
console.log(JSON.stringify(answers));
`

// TestPageJudgesAlike compares the page's rule with this package's on random choices.
func TestPageJudgesAlike(t *testing.T) {
	faults.Need(t, "node", "whether the page and the server judge single seats alike")
	rnd := rand.New(rand.NewPCG(20, 3))
	choices := make([]choice, 10_000)
	for i := range choices {
		choices[i] = randomChoice(rnd)
	}
	text, err := json.Marshal(choices)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "choices.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	module, err := filepath.Abs("../../../local/web/page/singles.js")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", singlesOfPage, "--", module, file).Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var answers [][][2]int
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(choices) {
		t.Fatalf("%d answers to %d choices, %v", len(answers), len(choices), err)
	}
	refused := 0
	for i, c := range choices {
		want := newHouse(c.Rows).judge(c.Asked)
		if !reflect.DeepEqual(answers[i], want) {
			t.Fatalf("of %q, %v is judged %v by the page, want %v", c.Rows, c.Asked, answers[i], want)
		}
		if want != nil {
			refused++
		}
	}
	if refused < 400 {
		t.Errorf("only %d choices were refused, so nothing was compared", refused)
	}
}
