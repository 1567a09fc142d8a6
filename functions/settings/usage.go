package settings

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// usageWidth is the most characters in a line of the help.
const usageWidth = 80

// PrintUsage writes the help of the runner: for each setting its flag, its
// variable, its default and what it does.
func PrintUsage(w io.Writer) error {
	var out strings.Builder
	for _, g := range new(Runner).groups() {
		title, declared := g.declare()
		fmt.Fprintf(&out, "\n%s\n", title)
		for _, s := range declared {
			if s.ReadBy != ByLambda {
				s.explain(&out)
			}
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (s Setting) explain(out *strings.Builder) {
	placeholder, usage := flag.UnquoteUsage(&flag.Flag{Usage: s.Usage, Value: &argument{Setting: s}})
	name, variable, standard := "(no flag)", "", ""
	if s.Flag != "" {
		name = strings.TrimSpace("-" + s.Flag + " " + placeholder)
	}
	if s.Env != "" {
		variable = "$" + s.Env
	}
	if s.Default != "" && !s.into.boolean {
		standard = "default " + s.Default
	}
	head := fmt.Sprintf("  %-28s %-22s %s", name, variable, standard)
	out.WriteString(strings.TrimRight(head, " "))
	column := usageWidth // so that the text begins on its own line
	for _, word := range strings.Fields(usage) {
		if column+1+len(word) > usageWidth {
			out.WriteString("\n     ")
			column = 5
		}
		out.WriteString(" " + word)
		column += 1 + len(word)
	}
	out.WriteString("\n")
}
