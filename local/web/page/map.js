// Draws rows and seats as elements that form an ARIA grid.

import { element, put } from './element.js';
import { Grid } from './grid.js';
import { seatName, seatNumber, worth } from './names.js';
import { paintCategory } from './prices.js';
import { RowNames } from './rownames.js';
import { unit } from './viewport.js';

const budget = 4; // ms of a frame in which seats are made
const batch = 50; // seats that are made between two looks at the clock; fewer would take more frames, each of which lays out the map again
const legible = 18; // px from which a seat has a number
const turnable = 400; // up to this many seats are turned one by one; with more, a section is turned as a whole
const rowsAtOnce = 8; // how many rows change how they are drawn in one frame
const movements = 4; // how many seats are highlighted together: more would not help, and cost frames

/**
 * A SeatMap draws parts of a venue on the layer of a viewport. state(position) returns
 * the state of a seat, left(position) the time left on its lock in ms, together(position)
 * the seats that a click on it picks, and passes(position) whether the user wants to see
 * it. SeatMap calls act(position, event) and leave() when the user acts,
 * reached(position, cell, by) when the focus or a pointer reaches a seat, reached() when
 * the pointer leaves, and whole() when all seats are drawn.
 */
export class SeatMap {
  #cells = new Map(); // position -> element
  #lines = new Map(); // row -> its element, how that is turned and how many of its seats are drawn, until all are
  #ahead = []; // the cells that a click would pick
  #timed = new Set(); // the positions whose labels have a time
  #moving = 0;
  #frame = 0;
  #levelling = 0; // a frame
  rows = []; // elements

  constructor(viewport, plan, world, parts, { state, left, act, leave, reached, together, passes, whole }, atOnce) {
    this.viewport = viewport;
    this.plan = plan;
    this.world = world;
    this.state = state;
    this.left = left;
    this.passes = passes;
    this.whole = whole;
    this.root = element('div', { class: 'seats', role: 'grid', 'aria-label': plan.words.say('map.seats'), 'aria-multiselectable': 'true' });
    this.turning = parts.reduce((sum, i) => sum + plan.parts[i].count, 0) <= turnable;
    const [names, titles] = [[], []];
    const rows = parts.flatMap((i) => this.#drawPart(i, parts.length > 1, names, titles));
    viewport.layer.append(this.root);
    this.names = new RowNames(viewport, world, names, titles);
    if (atOnce) {
      this.names.follow();
      this.#drawSeats(Infinity);
    }
    const reach = (position, by) => {
      this.#show(together(position));
      reached(position, this.#cells.get(position), by);
    };
    this.grid = new Grid(this.root, rows, {
      cellOf: (position) => this.cell(position),
      atOf: (cell) => Number(cell.dataset.at),
      act,
      leave,
      reached: (position, cell) => {
        this.#label(position, cell);
        reach(position, 'focus');
      },
    });
    this.root.addEventListener('animationend', ({ target }) => {
      if (target.classList.contains('moved')) this.#moving--;
      target.classList.remove('moved');
    });
    this.root.addEventListener('pointerover', ({ target, pointerType }) => {
      const cell = target.closest('[role=gridcell]');
      if (cell) reach(Number(cell.dataset.at), pointerType);
    });
    this.root.addEventListener('pointerleave', () => {
      this.#show([]);
      reached(undefined);
    });
    if (!atOnce) this.#frame = requestAnimationFrame(() => this.#goOn());
  }

  remove() {
    cancelAnimationFrame(this.#frame);
    cancelAnimationFrame(this.#levelling);
    this.root.remove();
  }

  /** Draws a part without its seats: titled, with its name. Returns its rows for the grid. */
  #drawPart(i, titled, names, titles) {
    const { plan, world } = this;
    const part = plan.parts[i];
    const where = world.parts[i];
    const group = element('div', { role: 'rowgroup', class: 'part', 'aria-label': part.name || undefined });
    const frame = this.#turn(group, part);
    const named = frame ? this.root : group; // over the rows
    if (titled && part.name) {
      const name = element('div', { class: 'part-name', 'aria-hidden': 'true' }, part.name);
      const top = Math.min(where.top, ...where.rows.flatMap(({ names: ends }) => ends.map(({ y }) => y - 0.4))); // of rows that run downwards
      this.#put(name, where.left + where.width / 2, top - 0.75);
      name.style.maxWidth = `${Math.max(6, where.width + 2) * unit}px`;
      group.append(name);
      titles.push(name);
    }
    this.root.append(group);
    return part.rows.map((row, r) => {
      const { names: ends, table } = where.rows[r];
      const line = element('div', { role: 'row', hidden: '', 'aria-label': row.name ? plan.words.say('row', { row: row.name }) : undefined });
      if (table) {
        const disc = element('span', { class: 'table', 'data-shape': row.table, 'aria-hidden': 'true' });
        disc.style.setProperty('--radius', table.radius.toFixed(2));
        this.#put(disc, table.x, table.y, frame);
        line.append(disc);
      }
      if (row.name) {
        ends.forEach((end, side) => {
          if (plan.placed && !table && this.#taken(end, row)) return; // another row is there
          const name = element('span', { class: 'row-name', 'aria-hidden': 'true' }, row.name);
          named.append(name);
          names.push({ name, end, side: table ? 'table' : side, row });
        });
      }
      group.append(line);
      this.#lines.set(row, { line, frame, made: 0 });
      this.rows.push(line);
      return Array.from({ length: row.count }, (_, n) => {
        const at = row.first + n;
        return { at, x: world.x[at], y: world.y[at], block: i, round: Boolean(table) };
      });
    });
  }

  /** Returns whether a seat of another row is where a row's name would be. */
  #taken({ x, y }, row) {
    if (!this.places) {
      this.places = new Map();
      this.world.x.forEach((seatX, p) => this.places.set(`${Math.round(seatX)},${Math.round(this.world.y[p])}`, p));
    }
    const p = this.places.get(`${Math.round(x)},${Math.round(y)}`);
    return p !== undefined && (p < row.first || p >= row.first + row.count);
  }

  /**
   * Turns a section as a whole, since a transform for each seat would cost frames. Returns
   * its turn, or undefined if it is not turned.
   */
  #turn(group, { first, count }) {
    const { world } = this;
    const middle = first + (count >> 1);
    const turn = upright(world.turn[middle]);
    if (this.turning || Math.abs(turn) < 1) return undefined;
    const angle = (turn * Math.PI) / 180;
    const frame = { x: world.x[middle], y: world.y[middle], cos: Math.cos(angle), sin: Math.sin(angle) };
    this.#put(group, frame.x, frame.y);
    group.style.rotate = `${turn.toFixed(1)}deg`;
    group.classList.add('turned');
    return frame;
  }

  /** Places an element on the layer, or in a turned section. */
  #put(el, x, y, frame) {
    let [left, top] = [x - this.world.left, y - this.world.top];
    if (frame) {
      const [dx, dy] = [x - frame.x, y - frame.y];
      [left, top] = [dx * frame.cos + dy * frame.sin, dy * frame.cos - dx * frame.sin];
    }
    el.style.left = `${(left * unit).toFixed(1)}px`;
    el.style.top = `${(top * unit).toFixed(1)}px`;
  }

  /** Whether all seats are drawn. */
  get drawn() {
    return this.#lines.size === 0;
  }

  /** Returns the cell of a seat, and draws its row first if necessary. */
  cell(position) {
    if (!this.#cells.has(position)) {
      const { row } = this.plan.find(position);
      if (this.#lines.has(row)) this.#drawRow(row);
    }
    return this.#cells.get(position);
  }

  /** Draws the next seats of a row, by default all that are left. */
  #drawRow(row, most = row.count) {
    const at = this.#lines.get(row);
    const end = Math.min(row.count, at.made + most);
    const cells = [];
    for (let i = at.made; i < end; i++) cells.push(this.#seat(row, i, row.first + i, at.frame));
    at.made = end;
    at.line.hidden = false;
    at.line.append(...cells);
    if (end === row.count) this.#lines.delete(row);
  }

  /** Draws the seats of rows until a time, those in the middle of the view first. */
  #drawSeats(end) {
    const [x, y] = this.viewport.middle;
    const far = ({ first, count }) => {
      const p = first + (count >> 1);
      return (this.world.x[p] - x) ** 2 + (this.world.y[p] - y) ** 2;
    };
    const rows = [...this.#lines.keys()];
    if (end < Infinity) rows.sort((a, b) => far(a) - far(b));
    for (const row of rows) {
      while (this.#lines.has(row)) {
        this.#drawRow(row, batch);
        if (performance.now() > end) return this.drawn;
      }
    }
    return true;
  }

  /** Draws some seats in each frame. */
  #goOn() {
    this.names.follow();
    if (this.#drawSeats(performance.now() + budget)) this.whole();
    else this.#frame = requestAnimationFrame(() => this.#goOn());
  }

  #seat(row, i, position, frame) {
    const { plan, world } = this;
    const number = seatNumber(row, i, plan.ids[position]);
    const cell = element('div', { role: 'gridcell', class: 'seat', 'data-at': position, tabindex: -1 }, element('span', {}, number));
    this.#put(cell, world.x[position], world.y[position], frame);
    const turn = upright(world.turn[position]);
    if (this.turning && Math.abs(turn) > 0.5) cell.style.rotate = `${turn.toFixed(1)}deg`;
    if (turn !== world.turn[position]) cell.dataset.flipped = '';
    if (number.length > 3) cell.style.setProperty('--fit', (3.2 / number.length).toFixed(2));
    paintCategory(cell, plan, plan.category[position]);
    const facts = plan.facts.get(position) ?? [];
    if (facts.length || plan.notes.has(position)) cell.dataset.fact = facts[0] ?? 'note';
    if (!this.passes(position)) cell.classList.add('dim');
    this.#cells.set(position, cell);
    this.#paint(position, cell);
    return cell;
  }

  /** Shows the numbers of seats that are large enough, some rows in each frame. */
  level() {
    cancelAnimationFrame(this.#levelling);
    const far = this.viewport.size < legible;
    const changed = this.rows.filter((line) => line.classList.contains('far') !== far);
    for (const line of changed.slice(0, this.turning ? Infinity : rowsAtOnce)) line.classList.toggle('far', far);
    if (changed.length > rowsAtOnce) this.#levelling = requestAnimationFrame(() => this.level());
  }

  /** Redraws the seats that are on this map, and highlights those in the Set moved. */
  paint(positions, moved) {
    const changed = [];
    for (const position of positions) {
      const cell = this.#cells.get(position);
      if (cell && this.#paint(position, cell) && moved.has(position)) changed.push(cell);
    }
    if (changed.length > movements || this.#moving > movements) return;
    for (const cell of changed) {
      if (!cell.classList.contains('moved')) this.#moving++;
      cell.classList.add('moved');
    }
  }

  /** Dims the seats that the user does not want to see. */
  filter() {
    for (const [position, cell] of this.#cells) cell.classList.toggle('dim', !this.passes(position));
  }

  /** Shows the seats that a click would pick, if there are several. */
  #show(positions) {
    for (const cell of this.#ahead) cell.classList.remove('ahead');
    this.#ahead = positions.length > 1 ? positions.map((p) => this.#cells.get(p)).filter(Boolean) : [];
    for (const cell of this.#ahead) cell.classList.add('ahead');
  }

  /** Updates the time left on locks. */
  tick() {
    const { activeElement } = this.root.getRootNode();
    for (const position of this.#timed) {
      const cell = this.#cells.get(position);
      if (cell !== activeElement) this.#label(position, cell);
    }
  }

  focus(position, still) {
    this.grid.focus(position !== undefined && this.cell(position) ? position : undefined, still);
  }

  #paint(position, cell) {
    const state = this.state(position);
    if (cell.dataset.state === state) return false;
    cell.dataset.state = state;
    cell.setAttribute('part', `seat ${state}`);
    put(cell, 'ariaSelected', String(['picked', 'asking', 'yours'].includes(state)));
    put(cell, 'ariaDisabled', String(['locked', 'booked', 'blocked'].includes(state)));
    if (state === 'locked' || state === 'yours') this.#timed.add(position);
    else this.#timed.delete(position);
    this.#label(position, cell);
    return true;
  }

  #label(position, cell) {
    const { state } = cell.dataset;
    put(cell, 'ariaLabel', this.plan.words.join([seatName(this.plan, position), worth(this.plan, position, state, this.left(position))]));
  }
}

/** Returns the turn or the opposite one, whichever makes numbers readable. */
function upright(turn) {
  return turn > 90 ? turn - 180 : turn <= -90 ? turn + 180 : turn;
}
