// Prices and categories: how they are written, coloured and marked.

/**
 * Colours for categories to which the event file gives none. Neighbours differ in
 * lightness as well, for people who cannot distinguish the hues.
 */
const colours = ['#0b6e99', '#c2570c', '#6a3fa0', '#2d7a3e', '#b0306a', '#8a6d00', '#00797a', '#5b6270'];
/** The number of marks. A mark is a pattern on the back of a chair, defined in the stylesheet. */
const marks = 8;

/** Returns the price of the seat at a price level, by default the first, or undefined. */
export function priceOf(plan, position, level) {
  const category = plan.categoryOf(position);
  return category?.levels?.find(({ id }) => id === level)?.price ?? category?.price;
}

/** Returns the price of a category in words: "€42.00", or "from €21.00" if levels differ. */
export function priceRange({ words, currency }, { price, levels = [] }) {
  if (price === undefined) return '';
  const least = Math.min(price, ...levels.map((level) => level.price));
  const text = words.money(least, currency);
  return levels.some((level) => level.price !== least) ? words.say('price.from', { price: text }) : text;
}

/** Gives an element the colour and the mark of a category, if there is one. */
export function paintCategory(el, plan, i) {
  if (i === undefined) return;
  el.style.setProperty('--hue', plan.categories[i].color ?? colours[i % colours.length]);
  el.dataset.mark = i % marks;
}

/** A Filter has the categories that the user wants to see. */
export class Filter {
  #chosen = new Set();
  #most = Infinity;

  constructor(plan) {
    this.plan = plan;
  }

  /** Adds a category to the chosen ones, or removes it. If none is chosen, all pass. */
  toggle(i) {
    if (!this.#chosen.delete(i)) this.#chosen.add(i);
  }

  set most(price) {
    this.#most = price;
  }

  chosen(i) {
    return this.#chosen.has(i);
  }

  /** Reports whether everything passes. */
  get open() {
    return this.#chosen.size === 0 && this.#most === Infinity;
  }

  passes(i) {
    if (this.open) return true;
    const { price, levels = [] } = this.plan.categories[i] ?? {};
    const least = Math.min(price ?? 0, ...levels.map((level) => level.price));
    return (this.#chosen.size === 0 || this.#chosen.has(i)) && (this.#most === Infinity || (i !== undefined && least <= this.#most));
  }

  /** Returns the ids of the categories that pass. */
  get ids() {
    return this.plan.categories.filter((_, i) => this.passes(i)).map(({ id }) => id);
  }
}
