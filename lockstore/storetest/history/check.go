package history

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// A Verdict is what was found out about a history.
type Verdict string

// The verdicts.
const (
	Legal     Verdict = "legal"     // the calls can have happened one after the other
	Illegal   Verdict = "illegal"   // they cannot: the store broke its contract
	Undecided Verdict = "undecided" // the time was over
)

// Check looks for an order in which the calls can have happened, one after the
// other, each between its Begin and its End, such that every answer is what
// the contract says. Zero is all the time it takes. The error is of a history
// that cannot be checked at all.
func (h *History) Check(timeout time.Duration) (Verdict, error) {
	j, err := newJudge(h)
	if err != nil {
		return "", err
	}
	switch porcupine.CheckOperationsTimeout(j.model(), h.operations(), timeout) {
	case porcupine.Ok:
		return Legal, nil
	case porcupine.Illegal:
		return Illegal, nil
	}
	return Undecided, nil
}

// Draw checks the history once more and writes a page to the file on which
// one can see how far an order was found, and which call has no place in it.
func (h *History) Draw(file string, timeout time.Duration) error {
	j, err := newJudge(h)
	if err != nil {
		return err
	}
	model := j.model()
	_, info := porcupine.CheckOperationsVerbose(model, h.operations(), timeout)
	return porcupine.VisualizePath(model, info, file)
}

// operations is the history as the checker takes it: what happened is all in
// the input.
func (h *History) operations() []porcupine.Operation {
	last := int64(math.MinInt64)
	for _, op := range h.Calls {
		last = max(last, op.Begin)
		if op.End != Never {
			last = max(last, op.End)
		}
	}
	ops := make([]porcupine.Operation, len(h.Calls))
	for i := range h.Calls {
		op := &h.Calls[i]
		end := op.End
		if end == Never {
			end = last + 1
		}
		ops[i] = porcupine.Operation{ClientId: op.Client, Input: op, Call: op.Begin, Return: end}
	}
	return ops
}

// Explain tells of an illegal history where it goes wrong: the longest order
// that was found, what the store can have known after it, and the calls of
// which none can come next.
func (h *History) Explain(timeout time.Duration) (string, error) {
	j, err := newJudge(h)
	if err != nil {
		return "", err
	}
	model, ops := j.model(), h.operations()
	_, info := porcupine.CheckOperationsVerbose(model, ops, timeout)
	var longest []porcupine.Operation
	for _, partition := range info.PartialLinearizationsOperations() {
		for _, order := range partition {
			if len(order) > len(longest) {
				longest = order
			}
		}
	}
	var b strings.Builder
	placed := make(map[*Call]bool)
	known := model.Init()
	for _, o := range longest {
		placed[o.Input.(*Call)] = true
		_, known = model.Step(known, o.Input, nil)
		fmt.Fprintf(&b, "client %d: %s\n", o.ClientId, describe(o.Input.(*Call)))
	}
	fmt.Fprintf(&b, "then the store knows one of\n")
	for _, s := range known.([]any) {
		fmt.Fprintf(&b, "  {%s}\n", j.show(s.(state)))
	}
	b.WriteString("and none of these can be next:\n")
	first := int64(math.MaxInt64)
	for _, o := range ops {
		if !placed[o.Input.(*Call)] {
			first = min(first, o.Return)
		}
	}
	for _, o := range ops {
		if !placed[o.Input.(*Call)] && o.Call <= first {
			fmt.Fprintf(&b, "client %d: %s\n", o.ClientId, describe(o.Input.(*Call)))
		}
	}
	return b.String(), nil
}
