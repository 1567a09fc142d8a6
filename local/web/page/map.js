// Draws sections, rows and seats as elements that form an ARIA grid.

import { element } from './element.js';
import { Grid } from './grid.js';
import { seatName, seatNumber, stateName } from './words.js';

const smallest = 24; // px from seat to seat: large enough for a finger
const largest = 38; // px, where there is space
const aside = 1.6; // space for the row's name on each side, in seats

/**
 * A SeatMap draws parts of a venue into host. state(position) returns the state of a
 * seat, left(position) the time left on its lock in ms. SeatMap calls act, leave and
 * reached with the position that the user acts on.
 */
export class SeatMap {
  #cells = new Map(); // position -> element

  constructor(host, plan, parts, { state, left, act, leave, reached }) {
    this.plan = plan;
    this.state = state;
    this.left = left;
    this.zoom = 1;
    this.scroller = host;
    this.width = Math.max(...parts.map((part) => part.width)) + 2 * aside;
    this.root = element('div', { class: 'seats', role: 'grid', 'aria-label': 'Seats', 'aria-multiselectable': 'true' });
    const rows = parts.flatMap((part) => this.#draw(part, parts.length > 1));
    host.append(this.root);
    const position = (cell) => Number(cell.dataset.at);
    this.grid = new Grid(this.root, rows, {
      act: (cell) => act(position(cell)),
      leave,
      reached: (cell) => {
        this.#label(position(cell), cell);
        reached(position(cell));
      },
    });
    this.root.addEventListener('animationend', ({ target }) => target.classList.remove('moved'));
    this.root.addEventListener('pointerover', ({ target }) => {
      const cell = target.closest('[role=gridcell]');
      if (cell) reached(position(cell));
    });
    this.sizes = new ResizeObserver(() => this.#fit());
    this.sizes.observe(host);
    this.#fit();
    host.scrollLeft = (host.scrollWidth - host.clientWidth) / 2;
  }

  remove() {
    this.sizes.disconnect();
    this.root.remove();
  }

  #draw(part, titled) {
    const group = element('div', { role: 'rowgroup', class: 'part', 'aria-label': part.name || undefined });
    if (titled && part.name) group.append(element('div', { class: 'part-name', 'aria-hidden': 'true' }, part.name));
    const floor = element('div', { class: 'floor', role: 'presentation' });
    const bend = Math.min(2.2, part.width * 0.05); // how far the ends of a row come forward, in seats
    const half = part.width / 2;
    floor.style.setProperty('--rows', part.rows.length + bend);
    group.append(floor);
    this.root.append(group);

    return part.rows.map((row, r) => {
      const line = element('div', { role: 'row', 'aria-label': row.name ? `Row ${row.name}` : undefined });
      const middle = row.across.at(-1) / 2;
      const at = (el, x, on = x) => {
        const y = r + bend * (1 - (on / half) ** 2);
        el.style.setProperty('--x', (x + this.width / 2).toFixed(3));
        el.style.setProperty('--y', (y + 0.5).toFixed(3));
        el.style.setProperty('--turn', `${(-Math.atan((2 * bend * x) / half ** 2) * 57.3).toFixed(1)}deg`);
      };
      const cells = row.across.map((place, i) => {
        const position = row.first + i;
        const x = place - middle;
        const cell = element('div', { role: 'gridcell', class: 'seat', 'data-at': position },
          element('span', {}, seatNumber(row, i, this.plan.ids[position])));
        at(cell, x);
        this.#cells.set(position, cell);
        this.#paint(position, cell);
        line.append(cell);
        return { cell, x };
      });
      if (row.name) {
        for (const end of [-1, 1]) {
          const name = element('span', { class: 'row-name', 'aria-hidden': 'true' }, row.name);
          at(name, end * (middle + 1.15), end * (middle + 0.45));
          line.append(name);
        }
      }
      floor.append(line);
      return cells;
    });
  }

  /** Fits the seats to the width, but never too small for a finger. */
  #fit() {
    const room = this.scroller.clientWidth;
    if (!room) return;
    const seat = Math.min(largest, Math.max(smallest, room / this.width)) * this.zoom;
    this.root.style.setProperty('--seat', `${Math.max(smallest, Math.floor(seat * 4) / 4)}px`);
    this.root.style.setProperty('--width', this.width);
    this.scroller.parentElement.style.setProperty('--seats-wide', `${Math.round(seat * this.width)}px`);
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

  /** Updates the time left on locks, which passes without any change. */
  tick() {
    for (const [position, cell] of this.#cells) {
      if ((cell.dataset.state === 'locked' || cell.dataset.state === 'yours') && cell !== document.activeElement) this.#label(position, cell);
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
    cell.ariaSelected = String(['picked', 'asking', 'yours'].includes(state));
    cell.ariaDisabled = String(['locked', 'booked', 'blocked'].includes(state));
    this.#label(position, cell);
    return true;
  }

  #label(position, cell) {
    cell.ariaLabel = `${seatName(this.plan, position)}, ${stateName(cell.dataset.state, this.left(position))}`;
  }
}
