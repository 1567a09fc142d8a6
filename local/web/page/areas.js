// Areas, such as standing room: boxes that show how many places are left, and a counter for each price.

import { element, put } from './element.js';
import { paintCategory } from './prices.js';

/**
 * Areas shows the areas of a plan in host. It calls want(area, level, by) when the user wants
 * more or fewer places. show() then shows the result.
 */
export class Areas {
  constructor(host, plan, { want }) {
    this.plan = plan;
    this.want = want;
    this.boxes = plan.areas.map((area, i) => this.#box(area, i));
    host.replaceChildren(...this.boxes.map(({ box }) => box));
    host.hidden = plan.areas.length === 0;
  }

  #box(area, i) {
    const { levels = [{}], price } = this.plan.categories[area.category] ?? {};
    const swatch = element('i', { class: 'seat', 'data-state': 'available', 'aria-hidden': 'true' });
    paintCategory(swatch, this.plan, area.category);
    const left = element('span', { class: 'left' });
    const counters = levels.map((level, n) => this.#counter(area, i, n, [level.name, level.price ?? price]));
    const box = element('div', { class: 'area', role: 'group', 'aria-label': area.name },
      element('h2', {}, swatch, area.name), left, ...counters.map(({ line }) => line));
    return { box, left, counters };
  }

  #counter(area, i, level, [name, price]) {
    const { words, currency } = this.plan;
    const what = words.join([name, area.name]);
    const output = element('output', { 'aria-label': what });
    const button = (sign, label, by) => {
      const el = element('button', { type: 'button', 'aria-label': words.say(label, { what }) }, sign);
      el.addEventListener('click', () => this.want(i, level, by));
      return el;
    };
    const fewer = button('−', 'area.fewer', -1);
    const sum = price === undefined ? '' : words.money(price, currency);
    const cost = !sum ? words.say('area.places') : name ? words.say('price.level', { level: name, price: sum }) : sum;
    const line = element('p', {}, element('span', {}, cost), element('span', { class: 'stepper' }, fewer, output, button('+', 'area.more', 1)));
    return { line, output, fewer };
  }

  /** Moves the focus to the counter of an area. */
  focus(i) {
    this.boxes[i].box.scrollIntoView({ block: 'center' });
    this.boxes[i].box.querySelector('button:last-of-type').focus({ preventScroll: true });
  }

  /** Shows what is left and what is wanted, and dims what does not pass. */
  show(left, wanted, passes) {
    const { words } = this.plan;
    this.boxes.forEach(({ box, left: text, counters }, i) => {
      put(text, 'textContent', left[i] ? words.say('area.left', { n: left[i] }) : words.say('left.none'));
      box.classList.toggle('dim', !passes(this.plan.areas[i].category));
      counters.forEach(({ output, fewer }, level) => {
        put(output, 'textContent', words.number(wanted[i][level]));
        put(fewer, 'ariaDisabled', String(wanted[i][level] === 0));
      });
    });
  }
}
