// Draws sections, rows and seats as elements that form an ARIA grid.

import { element } from './element.js';
import { boxOf, stageOf, stand } from './geometry.js';
import { Grid } from './grid.js';
import { seatName, seatNumber, worth } from './names.js';
import { paintCategory } from './prices.js';


const smallest = 24; // px from seat to seat: large enough for a finger
const largest = 38; // px, where there is space

/**
 * A SeatMap draws parts of a venue into host. state(position) returns the state of a
 * seat, left(position) the time left on its lock in ms, together(position) the seats
 * that a click on it picks, and passes(position) whether it is one that the user wants
 * to see. SeatMap calls act, leave and reached with the position that the user acts on.
 */
export class SeatMap {
  #cells = new Map(); // position -> element
  #ahead = []; // the cells that a click would pick
  #names = []; // of rows, with where they stand

  constructor(host, plan, parts, { state, left, act, leave, reached, together, passes, area }) {
    this.plan = plan;
    this.state = state;
    this.left = left;
    this.passes = passes;
    this.zoom = 1;
    this.scroller = host;
    this.root = element('div', { class: 'seats', role: 'grid', 'aria-label': plan.words.say('map.seats'), 'aria-multiselectable': 'true' });
    const where = stand(plan, parts);
    const longest = Math.max(0, ...parts.flatMap((part) => part.rows.map(({ name }) => name.length)));
    this.aside = Math.min(5, Math.max(1.6, 0.9 + 0.27 * longest)); // space for the rows' names on each side, in seats
    this.box = { ...where };
    const around = plan.placed && parts.length === plan.parts.length ? [stageOf(plan), ...plan.areas.map(boxOf)].filter(Boolean) : [];
    for (const { left: x, top: y, width, height } of around) {
      const [right, bottom] = [Math.max(this.box.left + this.box.width, x + width), Math.max(this.box.top + this.box.height, y + height)];
      [this.box.left, this.box.top] = [Math.min(this.box.left, x), Math.min(this.box.top, y)];
      [this.box.width, this.box.height] = [right - this.box.left, bottom - this.box.top];
    }
    this.box.left -= this.aside;
    this.box.width += 2 * this.aside;
    this.root.classList.toggle('placed', plan.placed);
    if (plan.placed) {
      this.box.top -= 1.5; // for the name of a section
      this.box.height += 2;
      this.root.style.setProperty('--rows', this.box.height);
    }
    this.taken = new Set(where.parts.flatMap(({ rows }) => rows.flatMap(({ seats }) => seats)).map(({ x, y }) => `${Math.round(x)},${Math.round(y)}`));
    const rows = parts.flatMap((part, i) => this.#draw(part, where.parts[i], parts.length > 1));
    for (const box of around) this.#drawBox(box, area);
    if (!plan.placed && plan.stage && plan.stage.shape !== 'apron') {
      this.root.prepend(element('div', { class: 'stage-box alone', 'data-shape': plan.stage.shape, 'aria-hidden': 'true' }, plan.stage.label ?? plan.words.say('stage')));
    }
    host.append(this.root);
    const position = (cell) => Number(cell.dataset.at);
    const at = (cell) => {
      this.#show(together(position(cell)));
      reached(position(cell));
    };
    this.grid = new Grid(this.root, rows, {
      act: (cell) => act(position(cell)),
      leave,
      reached: (cell) => {
        this.#label(position(cell), cell);
        at(cell);
      },
    });
    this.root.addEventListener('animationend', ({ target }) => target.classList.remove('moved'));
    this.root.addEventListener('pointerover', ({ target }) => {
      const cell = target.closest('[role=gridcell]');
      if (cell) at(cell);
    });
    this.root.addEventListener('pointerleave', () => this.#show([]));
    this.sizes = new ResizeObserver(() => this.#fit());
    this.sizes.observe(host);
    this.follow = () => this.#follow();
    host.addEventListener('scroll', this.follow, { passive: true });
    this.#fit();
    host.scrollLeft = (host.scrollWidth - host.clientWidth) / 2;
  }

  remove() {
    this.sizes.disconnect();
    this.scroller.removeEventListener('scroll', this.follow);
    this.root.remove();
  }

  /** Draws a part: titled, with its name. */
  #draw(part, where, titled) {
    const { placed } = this.plan;
    const group = element('div', { role: 'rowgroup', class: 'part', 'aria-label': part.name || undefined });
    const floor = element('div', { class: 'floor', role: 'presentation' });
    const top = placed ? this.box.top : 0;
    const put = (el, { x, y, turn = 0 }) => {
      el.style.setProperty('--x', (x - this.box.left).toFixed(3));
      el.style.setProperty('--y', (y - top).toFixed(3));
      el.style.setProperty('--turn', `${turn.toFixed(1)}deg`);
    };
    if (titled && part.name) {
      const name = element('div', { class: 'part-name', 'aria-hidden': 'true' }, part.name);
      if (placed) put(name, { x: where.left + where.width / 2, y: where.top - 0.7 });
      group.append(name);
    }
    floor.style.setProperty('--rows', placed ? 0 : where.height);
    group.append(floor);
    this.root.append(group);
    return part.rows.map((row, r) => {
      const { seats, names, table } = where.rows[r];
      const line = element('div', { role: 'row', 'aria-label': row.name ? this.plan.words.say('row', { row: row.name }) : undefined });
      if (table) {
        const disc = element('span', { class: 'table', 'data-shape': row.table, 'aria-hidden': 'true' });
        disc.style.setProperty('--radius', table.radius.toFixed(2));
        put(disc, table);
        line.append(disc);
      }
      const cells = seats.map((seat, i) => {
        const position = row.first + i;
        const cell = this.#seat(row, i, position);
        put(cell, seat);
        line.append(cell);
        return { cell, x: seat.x };
      });
      if (row.name) {
        names.forEach((end, side) => {
          if (placed && !table && this.taken.has(`${Math.round(end.x)},${Math.round(end.y)}`)) return; // another row is there
          const name = element('span', { class: 'row-name', 'aria-hidden': 'true', 'data-side': table ? 'table' : side }, row.name);
          put(name, end);
          line.append(name);
          if (!table) this.#names.push({ name, end, side, seats });
        });
      }
      floor.append(line);
      return cells;
    });
  }

  #seat(row, i, position) {
    const { plan } = this;
    const number = seatNumber(row, i, plan.ids[position]);
    const cell = element('div', { role: 'gridcell', class: 'seat', 'data-at': position }, element('span', {}, number));
    if (number.length > 3) cell.style.setProperty('--fit', (3.2 / number.length).toFixed(2));
    paintCategory(cell, plan, plan.category[position]);
    const facts = plan.facts.get(position) ?? [];
    if (facts.length || plan.notes.has(position)) cell.dataset.fact = facts[0] ?? 'note';
    cell.classList.toggle('dim', !this.passes(position));
    this.#cells.set(position, cell);
    this.#paint(position, cell);
    return cell;
  }

  /** Draws the stage, or an area, whose counter is elsewhere. */
  #drawBox({ left, top, width, height, shape, label, area }, reach) {
    const box = element('div', { class: shape ? 'stage-box' : 'area-box', 'data-shape': shape, 'aria-hidden': 'true' }, element('span', {}, label));
    for (const [name, value] of Object.entries({ '--x': left - this.box.left, '--y': top - this.box.top, '--w': width, '--h': height })) {
      box.style.setProperty(name, value.toFixed(2));
    }
    if (area !== undefined) {
      paintCategory(box, this.plan, this.plan.areas[area].category);
      box.addEventListener('click', () => reach(area));
    }
    this.root.prepend(box);
  }

  /** Fits the seats to the width, but never too small for a finger. */
  #fit() {
    const room = this.scroller.clientWidth;
    if (!room) return;
    const { width } = this.box;
    const seat = Math.max(smallest, Math.floor(Math.min(largest, Math.max(smallest, room / width)) * this.zoom * 4) / 4);
    this.size = seat;
    this.root.style.setProperty('--seat', `${seat}px`);
    this.root.style.setProperty('--width', width);
    this.root.style.setProperty('--aside', this.aside);
    this.scroller.parentElement.style.setProperty('--seats-wide', `${Math.round(seat * width)}px`);
    this.#follow();
  }

  /** Keeps the names of rows in view whose ends are not, beside the first seats that are. */
  #follow() {
    const { scroller, size } = this;
    if (scroller.scrollWidth <= scroller.clientWidth && !this.moved) return;
    this.moved = true;
    const from = this.box.left + scroller.scrollLeft / size;
    const to = from + scroller.clientWidth / size;
    for (const { name, end, side, seats } of this.#names) {
      const [least, most] = [Math.min(seats[0].x, seats.at(-1).x), Math.max(seats[0].x, seats.at(-1).x)];
      const hidden = side === 0 ? end.x < from + 0.5 && most > from + 3 : end.x > to - 0.5 && least < to - 3;
      if (!hidden && !name.classList.contains('kept')) continue;
      const x = side === 0 ? Math.min(from + 0.5, most) : Math.max(to - 0.5, least);
      let near = seats[0];
      for (const seat of seats) if (Math.abs(seat.x - x) < Math.abs(near.x - x)) near = seat;
      name.classList.toggle('kept', hidden);
      name.style.setProperty('--x', ((hidden ? x : end.x) - this.box.left).toFixed(3));
      name.style.setProperty('--y', ((hidden ? near.y : end.y) - (this.plan.placed ? this.box.top : 0)).toFixed(3));
    }
  }

  /** Draws larger or smaller, around the middle of the visible part. */
  magnify(factor) {
    const host = this.scroller;
    const middle = (host.scrollLeft + host.clientWidth / 2) / host.scrollWidth;
    this.zoom = Math.min(3, Math.max(1, this.zoom * factor));
    this.#fit();
    host.scrollLeft = middle * host.scrollWidth - host.clientWidth / 2;
  }

  /** Redraws those of the seats that are on this map; moved highlights them. */
  paint(positions, moved = false) {
    for (const position of positions) {
      const cell = this.#cells.get(position);
      if (cell && this.#paint(position, cell) && moved) cell.classList.add('moved');
    }
  }

  /** Dims the seats that the user does not want to see. */
  filter() {
    for (const [position, cell] of this.#cells) cell.classList.toggle('dim', !this.passes(position));
  }

  /** Shows the seats that a click would pick, if they are more than the one. */
  #show(positions) {
    for (const cell of this.#ahead) cell.classList.remove('ahead');
    this.#ahead = positions.length > 1 ? positions.map((p) => this.#cells.get(p)).filter(Boolean) : [];
    for (const cell of this.#ahead) cell.classList.add('ahead');
  }

  /** Updates the time left on locks, which passes without any change. */
  tick() {
    for (const [position, cell] of this.#cells) {
      if ((cell.dataset.state === 'locked' || cell.dataset.state === 'yours') && cell !== this.root.getRootNode().activeElement) this.#label(position, cell);
    }
  }

  focus(position) {
    const cell = this.#cells.get(position) ?? this.grid.current;
    if (cell) this.grid.focus(cell);
  }

  #paint(position, cell) {
    const state = this.state(position);
    if (cell.dataset.state === state) return false;
    cell.dataset.state = state;
    cell.setAttribute('part', `seat ${state}`);
    cell.ariaSelected = String(['picked', 'asking', 'yours'].includes(state));
    cell.ariaDisabled = String(['locked', 'booked', 'blocked'].includes(state));
    this.#label(position, cell);
    return true;
  }

  #label(position, cell) {
    const { state } = cell.dataset;
    cell.ariaLabel = this.plan.words.join([seatName(this.plan, position), worth(this.plan, position, state, this.left(position))]);
  }
}
