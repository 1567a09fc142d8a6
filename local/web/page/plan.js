// The plan of a venue: an event's sections, rows, seats and areas, with their prices. It
// does not change while seats are sold.

/** A section with more seats than this is drawn in parts. */
const mostTogether = 2600;
/** A venue with more seats than this opens as an overview. */
const mostAtOnce = 3000;

/**
 * A Plan divides an event into parts. A part is drawn together: a section, or some
 * rows of a very large one. Seats are identified by their position in the layout. Places of
 * areas that the user has get positions after the seats. The names of parts are in the
 * language of the words; their keys, which addresses use, are not.
 */
export class Plan {
  constructor(event, words) {
    this.words = words;
    this.eventId = event.eventId;
    this.revision = event.revision ?? 0;
    this.seatLimit = event.seatLimit;
    this.lockSeconds = event.lockSeconds;
    this.noSingles = Boolean(event.noSingles);
    this.opensAt = Date.parse(event.opensAt); // NaN if the sale has no start
    this.closesAt = Date.parse(event.closesAt);
    this.name = event.name;
    this.startsAt = event.startsAt;
    this.when = localTime(event.startsAt, words);
    const comma = event.name.indexOf(', ');
    this.title = comma < 0 ? event.name : event.name.slice(0, comma);
    this.subtitle = comma < 0 ? this.when : event.name.slice(comma + 2);
    this.currency = event.currency;
    this.categories = event.categories ?? [];
    this.indexes = new Map(this.categories.map(({ id }, i) => [id, i]));
    this.ids = [];
    this.category = []; // by position; undefined for a seat without one
    this.facts = new Map(); // position -> what is special about the seat
    this.notes = new Map(); // position -> a sentence about it
    this.parts = [];
    this.stage = event.stage;
    const sections = event.sections ?? [];
    this.placed = sections.some(({ rows }) => rows[0]?.x);
    for (const section of sections) this.#addSection(section);
    this.seatCount = this.ids.length;
    this.areas = (event.areas ?? []).map((area) => ({ ...area, category: this.indexes.get(area.category) }));
    this.areaOf = new Map(); // the position of a place that the user has -> the index of its area
    this.positions = new Map();
    this.ids.forEach((id, position) => this.positions.set(id, position));
    this.partOf = new Uint16Array(this.ids.length);
    this.parts.forEach((part, i) => this.partOf.fill(i, part.first, part.first + part.count));
    this.large = this.ids.length > mostAtOnce && this.parts.length > 1;
  }

  #addSection(section) {
    const rows = this.placed ? section.rows : section.rows.flatMap(shortened);
    let part;
    const begin = () => {
      part = { name: section.name, key: section.name, section: section.name, rows: [], first: this.ids.length, count: 0 };
      this.parts.push(part);
    };
    begin();
    for (const row of rows) {
      if (part.count > 0 && part.count + row.seats.length > mostTogether) begin();
      const { name, numbers, aisles = [], table, x, y, seats } = row;
      const first = this.ids.length;
      part.rows.push({ name, numbers, aisles, table, x, y, first, count: seats.length });
      part.count += seats.length;
      const category = this.indexes.get(row.category);
      for (let i = 0; i < seats.length; i++) {
        this.ids.push(seats[i]);
        this.category.push(row.categories ? this.indexes.get(row.categories[i]) : category);
      }
      for (const [about, all] of [[row.facts, this.facts], [row.notes, this.notes]]) {
        if (about) seats.forEach((id, i) => { if (about[id]) all.set(first + i, about[id]); });
      }
    }
    const parts = this.parts.filter((p) => p.name === section.name && p.rows.length > 0);
    if (parts.length < 2) return;
    for (const [i, p] of parts.entries()) {
      p.key = `${section.name ?? ''}~${i + 1}`;
      const [from, to] = [p.rows[0].name, p.rows.at(-1).name];
      const [alone, within, params] = from ? ['rows', 'rows.section', { from, to }] : ['part', 'part.section', { number: i + 1 }];
      p.name = section.name ? this.words.say(within, { section: section.name, ...params }) : this.words.say(alone, params);
    }
  }

  /** Returns the position of a place of an area, and assigns one if it has none yet. */
  place(id, area) {
    let position = this.positions.get(id);
    if (position === undefined && area >= 0) {
      position = this.ids.push(id) - 1;
      this.positions.set(id, position);
      this.category[position] = this.areas[area].category;
      this.areaOf.set(position, area);
    }
    return position;
  }

  /** Returns the seat's category, or undefined. */
  categoryOf(position) {
    return this.categories[this.category[position]];
  }

  /**
   * Returns the seats side by side that include the seat, as the positions from first to
   * end - 1.
   */
  segment(position) {
    const { row, place } = this.find(position);
    const { aisles, first, count } = row;
    const next = aisles.find((i) => i > place) ?? count;
    return { first: first + (aisles.findLast((i) => i <= place) ?? 0), end: first + next };
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

/** Splits a row that is too long to draw. Such a row is usually a plain list. */
function shortened(row) {
  const n = row.seats.length;
  const most = row.name ? 200 : Math.min(24, Math.max(10, Math.ceil(Math.sqrt(n) * 1.6)));
  if (n <= most) return [row];
  const rows = [];
  for (let i = 0; i < n; i += most) {
    const of = (list) => list?.slice(i, i + most);
    const aisles = row.aisles?.map((at) => at - i).filter((at) => at > 0 && at < most);
    rows.push({ ...row, seats: of(row.seats), numbers: of(row.numbers), categories: of(row.categories), aisles });
  }
  return rows;
}

/** Returns when an event starts, by the clocks of the venue. */
function localTime(time, words) {
  return time ? words.date(Date.parse(`${time.slice(0, 19)}Z`), 'UTC') : ''; // without the zone: local time at the venue
}
