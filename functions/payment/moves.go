package payment

import "slices"

// A Stage is the state of an order.
type Stage string

// The stages of an order.
const (
	StageOpening     Stage = "opening"      // the session is being opened
	StageOpen        Stage = "open"         // the buyer can pay
	StageBooking     Stage = "booking"      // the buyer has paid, and the seats are being booked
	StageBooked      Stage = "booked"       // the seats are booked, and the money is being taken
	StagePaid        Stage = "paid"         // seats and money have changed hands
	StageGivingBack  Stage = "giving_back"  // seats and money are being given back; the order never books again
	StageClosed      Stage = "closed"       // no money was taken
	StageRefunded    Stage = "refunded"     // the money was paid back
	StageNeedsPerson Stage = "needs_person" // only a person can go on
)

// Stages returns every stage, in the order of an order's life.
func Stages() []Stage {
	var all []Stage
	for _, r := range protocol {
		all = append(all, r.stage)
	}
	return all
}

// Live reports whether an order in the stage may still book seats, so that its buyer
// cannot begin another one.
func (s Stage) Live() bool {
	return s == StageOpening || s == StageOpen || s == StageBooking || s == StageBooked
}

// Unsettled reports whether an order in the stage still needs work by a worker or a
// person.
func (s Stage) Unsettled() bool { return s.Live() || s == StageGivingBack || s == StageNeedsPerson }

type protocolRow struct {
	stage Stage
	work  func(*run) (next, error) // nil if there is nothing to do
	to    []Stage                  // the stages to which the work may lead
	asked []Stage                  // the stages to which others may move the order
}

// protocol is the work on an order in each stage, and where it leads. Every move is a
// compare-and-set of the order's record, before the action that follows from it. Any
// number of workers may work on an order at the same time, and each may stop after any
// call: the next one continues from the record.
//
// The moves in asked are not made by workers. A buyer closes an order that is not paid,
// and an operator any other. An order is also moved when it disagrees with the provider
// or the roster: see recover.go. An order that needs a person because the provider
// refused to answer continues in its old stage once it is tried again: see refused.go.
// So does an order of which the store has lost a refund.
var protocol = [...]protocolRow{
	{StageOpening, (*run).open,
		[]Stage{StageOpen, StageGivingBack},
		[]Stage{StageGivingBack}},
	{StageOpen, (*run).await,
		[]Stage{StageOpen, StageBooking, StageGivingBack, StageNeedsPerson},
		[]Stage{StageGivingBack}},
	{StageBooking, (*run).book,
		[]Stage{StageBooking, StageBooked, StageGivingBack, StageNeedsPerson},
		[]Stage{StageGivingBack}},
	{StageBooked, (*run).capture,
		[]Stage{StageBooked, StagePaid, StageGivingBack, StageNeedsPerson},
		[]Stage{StageGivingBack}},
	{StagePaid, (*run).settle,
		[]Stage{StagePaid, StageGivingBack, StageNeedsPerson},
		[]Stage{StagePaid, StageBooking, StageGivingBack}},
	{StageGivingBack, (*run).giveBack,
		[]Stage{StageGivingBack, StagePaid, StageClosed, StageRefunded, StageNeedsPerson},
		[]Stage{StageGivingBack}},
	{StageClosed, nil,
		nil,
		[]Stage{StageGivingBack}},
	{StageRefunded, (*run).recheck,
		[]Stage{StageRefunded, StageGivingBack},
		[]Stage{StageGivingBack}},
	{StageNeedsPerson, nil,
		nil,
		[]Stage{StageOpen, StageBooking, StageBooked, StagePaid, StageRefunded, StageGivingBack}},
}

// allowed reports whether an order may move from one stage to the other.
func allowed(from, to Stage, asked bool) bool {
	r := row(from)
	if asked {
		return slices.Contains(r.asked, to)
	}
	return slices.Contains(r.to, to)
}

// row returns the row of a stage, or nil if the stage is unknown.
func row(s Stage) *protocolRow {
	for i := range protocol {
		if protocol[i].stage == s {
			return &protocol[i]
		}
	}
	return nil
}
