// A card beside a seat that describes it, for sighted users. Screen readers read the seat's label.

import { element } from './element.js';
import { seatName, special, stateName } from './names.js';
import { priceRange } from './prices.js';

const gap = 8; // px from the seat

/** A Card shows the seat under the pointer or the focus, in an element around the map. */
export class Card {
  constructor(host, plan, { state, left }) {
    this.host = host;
    this.plan = plan;
    this.state = state;
    this.left = left;
    this.root = element('div', { class: 'card', dir: plan.words.dir, 'aria-hidden': 'true', hidden: '' });
    host.append(this.root);
  }

  remove() {
    this.root.remove();
  }

  /** Shows the seat of a cell that a pointer of the type by or the focus has reached, or nothing. */
  show(position, cell, by) {
    if (by === 'focus' && !cell.matches(':focus-visible')) return; // a click: the pointer is there already
    const seen = position !== undefined && by !== 'touch'; // a finger would hide the card
    this.position = seen ? position : undefined;
    this.cell = cell;
    this.shown = '';
    this.root.hidden = !seen;
    if (!seen) return;
    this.paint();
    this.follow();
  }

  /** Brings the text up to date. */
  paint() {
    const { position, plan } = this;
    if (position === undefined) return;
    const state = this.state(position);
    const category = plan.categoryOf(position);
    const free = !['locked', 'booked', 'blocked'].includes(state);
    const lines = [seatName(plan, position), free && category ? plan.words.join([priceRange(plan, category), category.name]) : '', ...free ? special(plan, position) : [], stateName(plan.words, state, this.left(position))];
    if (lines.join('|') === this.shown) return;
    this.shown = lines.join('|');
    const [name, cost, ...more] = lines;
    this.root.replaceChildren(element('b', {}, name), ...cost ? [element('span', { class: 'cost' }, cost)] : [], ...more.map((text) => element('span', {}, text)));
  }

  /** Keeps the card beside the seat, above it if there is space, and inside the surrounding element. */
  follow() {
    if (this.position === undefined) return;
    const seat = this.cell.getBoundingClientRect();
    const around = this.host.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const left = seat.x + seat.width / 2 - width / 2 - around.x;
    const above = seat.y - height - gap;
    this.root.style.left = `${Math.max(4, Math.min(around.width - width - 4, left))}px`;
    this.root.style.top = `${(above > Math.max(0, around.y - height) ? above : seat.bottom + gap) - around.y}px`;
  }
}
