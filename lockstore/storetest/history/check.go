package history

import (
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"seatlock/lockstore"
)

// A Verdict is what [History.Check] found.
type Verdict string

// The verdicts.
const (
	Legal     Verdict = "legal"     // the calls can have happened one after the other
	Illegal   Verdict = "illegal"   // they cannot: the store broke its contract
	Undecided Verdict = "undecided" // the timeout ended the search
)

// Check looks for an order in which the calls can have happened, one after the
// other and each between its Begin and its End, such that every answer is what
// the contract says. A timeout of zero is no limit. Check returns an error if the
// history cannot be checked at all.
func (h *History) Check(timeout time.Duration) (Verdict, error) {
	m, err := newModel(h)
	if err != nil {
		return "", err
	}
	if len(h.CheckBooks()) > 0 {
		return Illegal, nil
	}
	switch porcupine.CheckOperationsTimeout(m.porcupine(), h.operations(), timeout) {
	case porcupine.Ok:
		return Legal, nil
	case porcupine.Illegal:
		return Illegal, nil
	}
	return Undecided, nil
}

// Draw checks the history again and writes an HTML page to the file that shows
// how far an order was found and which call has no place in it.
func (h *History) Draw(file string, timeout time.Duration) error {
	m, err := newModel(h)
	if err != nil {
		return err
	}
	pm := m.porcupine()
	_, info := porcupine.CheckOperationsVerbose(pm, h.operations(), timeout)
	return porcupine.VisualizePath(pm, info, file)
}

// porcupine returns the model in the form that the checker takes.
func (m *model) porcupine() porcupine.Model {
	seed := maphash.MakeSeed()
	return (&porcupine.NondeterministicModel{
		Init: func() []any { return []any{state{changed: strings.Repeat("\x00", len(m.versions))}} },
		Step: func(st, in, _ any) []any {
			var next []any
			for _, s := range m.step(st.(state), in.(*Call)) {
				next = append(next, s)
			}
			return next
		},
		Hash:              func(st any) uint64 { return maphash.Comparable(seed, st.(state)) },
		DescribeOperation: func(in, _ any) string { return m.describe(in.(*Call)) },
		DescribeState:     func(st any) string { return m.describeState(st.(state)) },
	}).ToModel()
}

// operations returns the calls in the form that the checker takes. All that it needs of
// a call is in the input.
func (h *History) operations() []porcupine.Operation {
	last := int64(math.MinInt64)
	for _, c := range h.Calls {
		last = max(last, c.Begin)
		if c.End != Never {
			last = max(last, c.End)
		}
	}
	var ops []porcupine.Operation
	for i := range h.Calls {
		for _, c := range h.Calls[i].looks(h.Event) {
			end := c.End
			if end == Never {
				end = last + 1
			}
			ops = append(ops, porcupine.Operation{ClientId: c.Client, Input: c, Call: c.Begin, Return: end})
		}
	}
	return ops
}

// looks returns the call itself or, for a roster, a call for each seat that it chooses
// from, because a roster shows each seat as it was at some moment.
func (c *Call) looks(ev *lockstore.Event) []*Call {
	if c.Method != Roster || c.Outcome != Done {
		return []*Call{c}
	}
	seats := c.Filter.Seats
	if seats == nil {
		seats = ev.Seats
	}
	var all []*Call
	for _, seat := range seats {
		look := *c
		look.Seats, look.Holdings = []lockstore.SeatID{seat}, nil
		for _, h := range c.Holdings {
			if h.Seat == seat {
				look.Holdings = []lockstore.Holding{h}
			}
		}
		all = append(all, &look)
	}
	return all
}

// CheckBooks describes what is wrong with the journal, as CheckJournal does, with the
// form of rosters, and how h.Roster differs from what the journal adds up to.
func (h *History) CheckBooks() []string {
	var wrong []string
	for i := range h.Calls {
		if c := &h.Calls[i]; c.Method == Roster && c.Outcome == Done && !c.inOrder(h.Event) {
			wrong = append(wrong, fmt.Sprintf("client %d: a roster names seats that it does not choose, or not in order: %v", c.Client, c.Holdings))
		}
	}
	if h.Journal == nil {
		return wrong
	}
	wrong = append(wrong, h.CheckJournal()...)
	if h.Roster != nil {
		replay := NewReplay()
		replay.Apply(h.Journal...)
		wrong = append(wrong, replay.Differs(h.Roster)...)
	}
	return wrong
}

// inOrder reports whether a roster names seats of the layout that the filter chooses
// from, each once and in the order of the layout.
func (c *Call) inOrder(ev *lockstore.Event) bool {
	last := -1
	for _, h := range c.Holdings {
		i, ok := ev.Position(h.Seat)
		if !ok || i <= last || c.Filter.Seats != nil && !slices.Contains(c.Filter.Seats, h.Seat) {
			return false
		}
		last = i
	}
	return true
}

// Explain describes where an illegal history goes wrong: the longest order that
// was found, every state that is possible after it, and the calls, none of which
// can come next.
func (h *History) Explain(timeout time.Duration) (string, error) {
	if wrong := h.CheckBooks(); len(wrong) > 0 {
		return strings.Join(wrong, "\n"), nil
	}
	m, err := newModel(h)
	if err != nil {
		return "", err
	}
	pm, ops := m.porcupine(), h.operations()
	_, info := porcupine.CheckOperationsVerbose(pm, ops, timeout)
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
	known := pm.Init()
	for _, o := range longest {
		c := o.Input.(*Call)
		placed[c] = true
		_, known = pm.Step(known, c, nil)
		fmt.Fprintf(&b, "client %d: %s\n", c.Client, m.describe(c))
	}
	var states []state
	for _, s := range known.([]any) {
		states = append(states, s.(state))
	}
	first := int64(math.MaxInt64)
	for _, o := range ops {
		if !placed[o.Input.(*Call)] {
			first = min(first, o.Return)
		}
	}
	var stuck []*Call
	for _, o := range ops {
		if c := o.Input.(*Call); !placed[c] && c.Begin <= first {
			stuck = append(stuck, c)
		}
	}
	return b.String() + m.explain(states, stuck), nil
}

// explain describes the calls that are not possible in any of the states.
func (m *model) explain(states []state, stuck []*Call) string {
	var b strings.Builder
	b.WriteString("the store must be in one of these states:\n")
	for _, s := range states {
		fmt.Fprintf(&b, "  %s\n", m.describeState(s))
	}
	b.WriteString("and none of these calls can be next:\n")
	for _, c := range stuck {
		fmt.Fprintf(&b, "  client %d: %s\n", c.Client, m.describe(c))
		for _, text := range m.expected(states, c) {
			fmt.Fprintf(&b, "    want %s\n", text)
		}
	}
	return b.String()
}
