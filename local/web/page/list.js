// The available seats as a list, step by step: a section, a row, a seat. It shows the same
// as the map.

import { element } from './element.js';
import { special } from './names.js';
import { priceOf, priceRange } from './prices.js';

const budget = 8; // ms of a frame, in which seats are counted
const offered = new Set(['available', 'picked', 'asking']);

/**
 * A List shows a plan in an element. state(position) returns the state of a seat, and
 * passes(position) whether the user wants to see it. List calls act(position) when the user
 * picks or unpicks a seat, and open(part) for a section of a large venue, or with null for
 * all sections. The List's open() must then be called.
 */
export class List {
  #sums = new Map(); // row -> what is available in it
  #items = new Map(); // key -> its element and what it shows
  #part = null;
  #row = null;
  #frame = 0;
  #end = 0; // when the time for counting seats in this frame is over

  constructor(root, plan, { state, passes, act, open }) {
    this.root = root;
    this.plan = plan;
    this.state = state;
    this.passes = passes;
    this.act = act;
    this.opened = open;
    this.back = element('button', { type: 'button', class: 'back' });
    this.title = element('h2', {});
    this.items = element('ul', {});
    this.none = element('p', { class: 'none' }, plan.words.say('list.none'));
    root.replaceChildren(element('div', { class: 'step' }, this.back, this.title), this.none, this.items);
    this.back.addEventListener('click', () => this.#leave());
    this.items.addEventListener('click', ({ target }) => {
      const button = target.closest('button');
      if (button) this.#choose(button.dataset.key);
    });
    this.items.addEventListener('keydown', (event) => this.#key(event));
    this.items.addEventListener('focusin', ({ target }) => this.#stop(target));
  }

  remove() {
    cancelAnimationFrame(this.#frame);
    this.root.replaceChildren();
  }

  /** Shows the rows of a part, or all parts with null. */
  open(part) {
    const from = this.#part;
    const focused = this.root.contains(this.root.getRootNode().activeElement);
    [this.#part, this.#row] = [part, null];
    this.#step(from === null ? undefined : `part ${from}`, focused);
  }

  /** Updates the rows that have the seats. */
  paint(positions) {
    if (this.#sums.size) for (const position of positions) if (position < this.plan.seatCount) this.#sums.delete(this.plan.find(position).row);
    this.#later();
  }

  /** Updates everything, since the user wants to see other seats. */
  filter() {
    this.#sums.clear();
    this.#later();
  }

  #later() {
    if (this.root.hidden) return;
    this.#frame ||= requestAnimationFrame(() => this.draw());
  }

  focus() {
    (this.items.querySelector('[tabindex="0"]') ?? this.back).focus();
  }

  /** The part whose rows are shown. If there is only one part, there is nothing to choose. */
  get #shownPart() {
    return this.plan.parts[this.plan.parts.length === 1 ? 0 : this.#part];
  }

  /** The rows whose seats are shown, or null. If the rows of a part have no names, these are all of them. */
  get #seats() {
    const part = this.#shownPart;
    return this.#row ? [this.#row] : part?.rows.some(({ name }) => name) ? null : part?.rows;
  }

  #step(from, focused) {
    this.#items.clear();
    this.items.replaceChildren();
    if (this.root.hidden) return;
    this.draw();
    const [first] = this.#items.values();
    const to = this.#items.get(from) ?? first;
    if (to) this.#stop(to.button);
    if (focused) this.focus();
    if (focused) to?.button.scrollIntoView({ block: 'nearest' });
  }

  #leave() {
    if (this.#row) {
      const from = `row ${this.#shownPart.rows.indexOf(this.#row)}`;
      this.#row = null;
      this.#step(from, true);
    } else this.#open(null);
  }

  #open(part) {
    if (this.plan.large) this.opened(part);
    else this.open(part);
  }

  #choose(key) {
    const [kind, n] = key.split(' ');
    if (kind === 'part') this.#open(Number(n));
    else if (kind === 'row') {
      this.#row = this.#shownPart.rows[n];
      this.#step(undefined, true);
    } else this.act(Number(n));
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Escape') {
      if (this.back.hidden) return;
      this.#leave();
    } else {
      const all = [...this.items.querySelectorAll('button')];
      const at = all.indexOf(event.target);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
      if (to === undefined) return;
      all[Math.max(0, Math.min(all.length - 1, to))].focus();
    }
    event.preventDefault();
  }

  /** Makes a button the tab stop. */
  #stop(button) {
    for (const other of this.items.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    button.tabIndex = 0;
  }

  /** Updates the list. */
  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#end = performance.now() + budget;
    const { parts } = this.plan;
    const part = this.#shownPart;
    const seats = this.#seats;
    this.back.hidden = this.#part === null && !this.#row;
    const { words } = this.plan;
    const rowName = (row) => words.say('row', { row: row.name });
    this.back.textContent = this.#row ? part.name || words.say('list.rows') : words.say('map.all');
    this.title.textContent = this.#row ? rowName(this.#row) : part?.name ?? '';
    this.title.hidden = !this.title.textContent;
    this.items.ariaLabel = words.say(seats ? 'map.seats' : part ? 'list.rows.label' : 'map.sections');
    this.items.className = seats ? 'seats-there' : '';
    const shown = seats ? seats.flatMap((row) => this.#seatsOf(row))
      : part ? part.rows.map((row, i) => this.#some(`row ${i}`, rowName(row), [row]))
      : parts.map(({ name, rows }, i) => this.#some(`part ${i}`, name, rows));
    this.#reconcile(shown.filter(Boolean));
  }

  /** Returns an item for rows with available seats, or undefined. If not all are counted yet, the item comes later. */
  #some(key, name, rows) {
    let [n, least, most] = [0, Infinity, -Infinity];
    for (const row of rows) {
      if (!this.#sums.has(row)) {
        if (performance.now() > this.#end) {
          this.#later();
          return { key, later: true };
        }
        this.#sums.set(row, this.#sum(row));
      }
      const sum = this.#sums.get(row);
      [n, least, most] = [n + sum.n, Math.min(least, sum.least), Math.max(most, sum.most)];
    }
    if (n === 0) return undefined;
    const cost = least === Infinity ? '' : priceRange(this.plan, { price: least, levels: [{ price: most }] });
    return { key, texts: [name, cost, this.plan.words.say('list.seats', { n })] };
  }

  /** Returns how many seats of a row are available, and the lowest and the highest price. */
  #sum({ first, count }) {
    const sum = { n: 0, least: Infinity, most: -Infinity };
    for (let p = first; p < first + count; p++) {
      if (!this.#can(p)) continue;
      sum.n++;
      const { levels = [] } = this.plan.categoryOf(p) ?? {};
      for (const cost of levels.length ? levels.map(({ price }) => price) : [priceOf(this.plan, p)]) {
        if (cost !== undefined) [sum.least, sum.most] = [Math.min(sum.least, cost), Math.max(sum.most, cost)];
      }
    }
    return sum;
  }

  #can(position) {
    return offered.has(this.state(position)) && this.passes(position);
  }

  #seatsOf({ first, count, numbers }) {
    return Array.from({ length: count }, (_, i) => {
      const p = first + i;
      const picked = this.state(p) !== 'available';
      if (!offered.has(this.state(p)) || (!picked && !this.passes(p))) return undefined;
      const category = this.plan.categoryOf(p);
      const cost = category ? priceRange(this.plan, category) || category.name : '';
      return { key: `seat ${p}`, texts: [this.plan.words.say('seats', { seats: numbers ? numbers[i] : this.plan.ids[p], n: 1 }), cost, this.plan.words.join(special(this.plan, p))], picked };
    });
  }

  /** Replaces the items that are shown, but keeps the elements of those that stay. */
  #reconcile(shown) {
    const kept = new Set(shown.map(({ key }) => key));
    const { activeElement } = this.root.getRootNode();
    let left = null;
    for (const [key, { button, item }] of this.#items) {
      if (kept.has(key)) continue;
      if (button === activeElement) { // the focus stays until the user moves it
        button.ariaDisabled = 'true';
        button.lastChild.textContent = this.plan.words.say('list.taken');
        left = item;
        continue;
      }
      item.remove();
      this.#items.delete(key);
    }
    let after = null;
    for (const { key, texts, picked, later } of shown) {
      if (later) continue;
      const known = this.#items.get(key) ?? this.#create(key);
      const now = [...texts, picked].join('|');
      if (known.now !== now) {
        known.now = now;
        texts.forEach((text, i) => { known.button.children[i].textContent = text; });
        known.button.ariaPressed = picked === undefined ? null : String(picked);
        known.button.ariaDisabled = null;
      }
      let place = after ? after.nextSibling : this.items.firstChild;
      if (place && place === left) place = place.nextSibling;
      if (known.item !== place) this.items.insertBefore(known.item, place);
      after = known.item;
    }
    this.none.hidden = this.#items.size > 0 || this.#frame > 0;
    const stop = this.items.querySelector('[tabindex="0"]') ?? this.items.querySelector('button');
    if (stop) stop.tabIndex = 0;
  }

  #create(key) {
    const button = element('button', { type: 'button', 'data-key': key, tabindex: -1 }, element('span', { class: 'name' }), element('b', {}), element('span', { class: 'left' }));
    const known = { button, item: element('li', {}, button) };
    this.#items.set(key, known);
    return known;
  }
}
