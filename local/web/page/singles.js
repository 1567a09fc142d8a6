// The rule for single seats: a choice of seats should not leave a single seat if another
// choice would not. The server has the same rule, in functions/venue/best/judge.go, and a
// test compares the two.

/**
 * Singles judges choices of seats. Segments are lists of seats side by side, each with
 * an id, a category and whether it is special, as a wheelchair place is. An aisle ends
 * a segment.
 */
export class Singles {
  /** Seats by slot. A wall, null, is between two segments. */
  #seats = [null, null];
  #segments = [];
  #segmentOf = [-1, -1];
  #slots = new Map();

  constructor(segments) {
    for (const seats of segments) {
      if (!seats.length) continue;
      const first = this.#seats.length;
      for (const seat of seats) {
        this.#slots.set(seat.id, this.#seats.length);
        this.#seats.push(seat);
        this.#segmentOf.push(this.#segments.length);
      }
      this.#segments.push({ first, end: this.#seats.length });
      this.#seats.push(null);
      this.#segmentOf.push(-1);
    }
    this.#seats.push(null);
  }

  /**
   * Returns null if the seats may be taken, and otherwise the ids of another choice. The
   * function standing returns open for the id of a seat that is available, held for one
   * that somebody has locked, and otherwise gone. Held seats among those asked for count as
   * the user's own.
   */
  judge(asked, standing) {
    const slots = asked.map((id) => this.#slots.get(id)).sort((a, b) => a - b);
    const choice = new Choice((slot) => this.#stands(slot, standing));
    const others = [];
    for (const slot of slots) {
      if (slot === undefined || standing(this.#seats[slot].id) === 'gone') return null;
      if (this.#seats[slot].special) others.push(slot);
      else choice.add(slot);
    }
    if (!choice.spans.some((span) => choice.leavesAlone(span))) return null;
    const instead = this.#spanBySpan(choice) ?? this.#together(choice);
    return instead && [...instead, ...others].sort((a, b) => a - b).map((slot) => this.#seats[slot].id);
  }

  #stands(slot, standing) {
    const seat = this.#seats[slot];
    return !seat || seat.special ? 'gone' : standing(seat.id);
  }

  /** Moves each span that leaves a single seat. Returns the slots of all, or null. */
  #spanBySpan(choice) {
    const moved = choice.copy();
    for (const span of moved.spans) {
      if (!moved.leavesAlone(span)) continue;
      const seats = slotsOf(span);
      for (const slot of seats) moved.chosen.delete(slot);
      const start = this.#nearest(moved, span.start, seats, span.own);
      if (start === null) return null;
      span.start = start;
      moved.choose(span);
    }
    return moved.spans.some((span) => moved.leavesAlone(span)) ? null : moved.spans.flatMap(slotsOf);
  }

  /** Finds one window for all spans. Returns its slots, or null. */
  #together({ spans, stands }) {
    if (spans.length < 2 || spans.some((span) => span.own.length)) return null;
    const seats = spans.flatMap(slotsOf);
    const start = this.#nearest(new Choice(stands), spans[0].start, seats, []);
    return start === null ? null : slotsOf({ start, n: seats.length });
  }

  /**
   * Returns the start of the window nearest to from that has seats of the same categories
   * in the same order, includes the user's own seats and leaves no single seat; or null.
   */
  #nearest(choice, from, seats, own) {
    const home = this.#segmentOf[from];
    const offset = from - this.#segments[home].first;
    const within = (i) => this.#nearestIn(choice, this.#segments[i], offset, seats, own);
    let start = within(home);
    if (start !== null || own.length) return start;
    for (let d = 1; d < this.#segments.length; d++) {
      for (const i of [home - d, home + d]) {
        if (i < 0 || i >= this.#segments.length) continue;
        start = within(i);
        if (start !== null) return start;
      }
    }
    return null;
  }

  #nearestIn(choice, { first, end }, offset, seats, own) {
    for (let d = 0; d <= Math.max(offset, end - first); d++) {
      for (const start of [first + offset - d, first + offset + d]) {
        if (start >= first && start + seats.length <= end && this.#suits(choice, start, seats, own)) return start;
      }
    }
    return null;
  }

  /** Returns whether the seats could be in the window at start. */
  #suits(choice, start, seats, own) {
    let covered = 0;
    for (const [i, seat] of seats.entries()) {
      if (this.#seats[start + i].category !== this.#seats[seat].category) return false;
      if (own.includes(start + i)) covered++;
      else if (!choice.left(start + i)) return false;
    }
    if (covered < own.length) return false;
    const span = { start, n: seats.length };
    const before = choice.chosen;
    choice.chosen = new Set(before);
    choice.choose(span);
    const alone = choice.leavesAlone(span);
    choice.chosen = before;
    return !alone;
  }
}

const slotsOf = ({ start, n }) => Array.from({ length: n }, (_, i) => start + i);

/** A Choice has the slots that are asked for, in spans of seats side by side. */
class Choice {
  spans = [];
  chosen = new Set(); // the open ones of the slots

  constructor(stands) {
    this.stands = stands;
  }

  copy() {
    const copy = new Choice(this.stands);
    copy.spans = this.spans.map((span) => ({ ...span }));
    copy.chosen = new Set(this.chosen);
    return copy;
  }

  /** Adds a seat. Slots must be added in ascending order. */
  add(slot) {
    let span = this.spans.at(-1);
    if (span && span.start + span.n === slot) span.n++;
    else this.spans.push(span = { start: slot, n: 1, own: [] });
    if (this.stands(slot) === 'open') this.chosen.add(slot);
    else span.own.push(slot);
  }

  choose(span) {
    for (const slot of slotsOf(span)) if (this.stands(slot) === 'open') this.chosen.add(slot);
  }

  /** Returns whether a single seat is left at either end of the span. */
  leavesAlone({ start, n }) {
    return this.#alone(start - 1) || this.#alone(start + n);
  }

  #alone(slot) {
    return this.left(slot) && (this.chosen.has(slot - 1) || this.chosen.has(slot + 1))
      && !this.left(slot - 1) && !this.left(slot + 1);
  }

  /** Returns whether the seat is open and not chosen. */
  left(slot) {
    return this.stands(slot) === 'open' && !this.chosen.has(slot);
  }
}

/** Returns the segments of a plan for Singles. */
export function segmentsOf(plan) {
  const segments = [];
  for (const part of plan.parts) {
    for (const { first, count } of part.rows) {
      for (let p = first; p < first + count;) {
        const { end } = plan.segment(p);
        const seats = [];
        for (; p < end; p++) seats.push({ id: plan.ids[p], category: plan.category[p], special: Boolean(plan.facts.get(p)?.some((fact) => fact !== 'restrictedView')) });
        segments.push(seats);
      }
    }
  }
  return segments;
}
