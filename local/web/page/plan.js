// The plan of a venue: an event's sections, rows and seats, and where each seat
// stands. It does not change while seats are sold.

/** A section with more seats than this is drawn in parts. */
const mostTogether = 2600;
/** A venue with more seats than this opens as an overview. */
const mostAtOnce = 3000;

/**
 * A Plan divides an event into parts. A part is drawn together: a section, or some
 * rows of a very large one. Seats are known by their position in the layout.
 */
export class Plan {
  constructor(event) {
    this.eventId = event.eventId;
    this.revision = event.revision ?? 0;
    this.seatLimit = event.seatLimit;
    this.lockSeconds = event.lockSeconds;
    const comma = event.name.indexOf(', ');
    this.title = comma < 0 ? event.name : event.name.slice(0, comma);
    this.subtitle = comma < 0 ? '' : event.name.slice(comma + 2);
    this.ids = [];
    this.parts = [];
    for (const section of event.sections) this.#addSection(section, event.sections.length === 1);
    this.positions = new Map(this.ids.map((id, position) => [id, position]));
    this.partOf = new Uint16Array(this.ids.length);
    this.parts.forEach((part, i) => this.partOf.fill(i, part.first, part.first + part.count));
    this.large = this.ids.length > mostAtOnce && this.parts.length > 1;
  }

  #addSection(section, alone) {
    const rows = section.rows.flatMap(shortened);
    let part;
    const begin = () => {
      part = { name: section.name, rows: [], first: this.ids.length, count: 0, width: 0 };
      this.parts.push(part);
    };
    begin();
    for (const row of rows) {
      if (part.count > 0 && part.count + row.seats.length > mostTogether) begin();
      const across = places(row);
      part.rows.push({ name: row.name, first: this.ids.length, numbers: row.numbers, across });
      part.width = Math.max(part.width, across.at(-1) + 1);
      part.count += row.seats.length;
      for (const id of row.seats) this.ids.push(id);
    }
    const parts = this.parts.filter((p) => p.name === section.name && p.rows.length > 0);
    if (parts.length < 2) return;
    for (const [i, p] of parts.entries()) {
      const [from, to] = [p.rows[0].name, p.rows.at(-1).name];
      const rowNames = from ? `${alone && !section.name ? 'Rows' : 'rows'} ${from} to ${to}` : `part ${i + 1}`;
      p.name = [section.name, rowNames].filter(Boolean).join(', ');
    }
  }

  /** Returns the seat's part and row, and its place in the row. */
  find(position) {
    const part = this.parts[this.partOf[position]];
    let low = 0;
    let high = part.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (part.rows[middle].first <= position) low = middle;
      else high = middle - 1;
    }
    const row = part.rows[low];
    return { part, row, place: position - row.first };
  }
}

/** Splits a row that is too long to draw, which is mostly a plain list. */
function shortened(row) {
  const n = row.seats.length;
  const most = row.name ? 200 : Math.min(24, Math.max(10, Math.ceil(Math.sqrt(n) * 1.6)));
  if (n <= most) return [row];
  const rows = [];
  for (let i = 0; i < n; i += most) {
    rows.push({ name: row.name, seats: row.seats.slice(i, i + most), numbers: row.numbers?.slice(i, i + most) });
  }
  return rows;
}

/**
 * Returns where the seats of a row stand, in seats from its left end. A gap in the
 * numbers is an aisle; numbers that all step by two have no gaps.
 */
function places(row) {
  const numbers = row.numbers?.map(Number);
  if (!numbers || numbers.some((n, i) => !Number.isInteger(n) || (i > 0 && n <= numbers[i - 1]))) {
    return row.seats.map((_, i) => i);
  }
  let step = Infinity;
  for (let i = 1; i < numbers.length; i++) step = Math.min(step, numbers[i] - numbers[i - 1]);
  let place = 0;
  return numbers.map((n, i) => {
    if (i > 0) place += Math.min(3, Math.round((n - numbers[i - 1]) / step));
    return place;
  });
}
