// The tools above the map: the size of the party, the best seats for it, and the prices,
// which are a legend of the categories and filter them.

import { element, put } from './element.js';
import { largestParty } from './party.js';
import { factName } from './names.js';
import { Filter, paintCategory, priceRange } from './prices.js';

/**
 * A Toolbar shows the tools of one event in a Host until close(). It calls best() when the user
 * wants the best seats, and filtered() when the user wants to see other categories.
 */
export class Toolbar {
  #closed = new AbortController();

  constructor(host, plan, { best, filtered }) {
    this.host = host;
    this.plan = plan;
    const { words } = plan;
    this.filter = new Filter(plan);
    this.filtered = filtered;
    this.most = Math.min(plan.seatLimit || largestParty, largestParty);
    this.party = 1;
    const { signal } = this.#closed;
    const on = (id, event, act) => this.host.find(id).addEventListener(event, act, { signal });
    on('fewer', 'click', () => this.#setParty(this.party - 1));
    on('more', 'click', () => this.#setParty(this.party + 1));
    on('best', 'click', best);
    on('most', 'change', () => {
      this.filter.most = this.host.find('most').value ? Number(this.host.find('most').value) : Infinity;
      this.#filtered();
    });
    this.#setParty(1);
    this.host.find('best').hidden = plan.seatCount === 0;
    this.host.find('prices').hidden = plan.categories.length === 0;
    this.left = plan.categories.map(() => element('span', { class: 'left' }));
    this.buttons = plan.categories.map((category, i) => this.#button(category, i));
    this.host.find('prices').replaceChildren(...this.buttons.map((button) => element('li', {}, button)));
    const prices = [...new Set(plan.categories.flatMap(({ price, levels = [] }) => (price === undefined ? [] : [Math.min(price, ...levels.map((level) => level.price))])))].sort((a, b) => a - b);
    this.host.find('most-box').hidden = prices.length < 3;
    this.host.find('most').replaceChildren(new Option(words.say('price.any'), ''), ...prices.slice(0, -1).map((price) => new Option(words.say('price.most', { price: words.money(price, plan.currency) }), price)));
    const facts = new Set([...plan.facts.values()].flat());
    if (plan.notes.size) facts.add('note');
    const marks = [...facts].map((fact) => element('li', {}, element('i', { class: 'seat', 'data-state': 'available', 'data-fact': fact }), fact === 'note' ? words.say('fact.note') : factName(words, fact)));
    this.host.find('facts').replaceChildren(...marks);
    this.host.find('facts').hidden = marks.length === 0;
  }

  close() {
    this.#closed.abort();
  }

  #button(category, i) {
    const { words, currency } = this.plan;
    const swatch = element('i', { class: 'seat', 'data-state': 'available' });
    paintCategory(swatch, this.plan, i);
    const button = element('button', { type: 'button', 'aria-pressed': 'false' },
      swatch, element('span', {}, category.name), element('b', {}, priceRange(this.plan, category)), this.left[i]);
    if (category.levels) button.title = words.join(category.levels.map(({ name, price }) => words.say('price.level', { level: name, price: words.money(price, currency) })));
    button.addEventListener('click', () => {
      this.filter.toggle(i);
      this.#filtered();
    });
    return button;
  }

  #filtered() {
    this.buttons.forEach((button, i) => { button.ariaPressed = String(this.filter.chosen(i)); });
    this.filtered();
  }

  #setParty(n) {
    this.party = Math.max(1, Math.min(this.most, n));
    this.host.find('party').textContent = this.plan.words.say('party', { n: this.party });
    this.host.find('fewer').ariaDisabled = String(this.party === 1);
    this.host.find('more').ariaDisabled = String(this.party === this.most);
  }

  /** Shows how many seats each category has left. */
  count(left) {
    this.left.forEach((el, i) => {
      const n = left(i);
      put(el, 'textContent', n ? this.plan.words.say('left', { n }) : this.plan.words.say('left.none'));
    });
  }
}
