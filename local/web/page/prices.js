// Prices and categories: how they are written, coloured and marked.

/**
 * Colours for categories to which the event file gives none. Neighbours differ in
 * lightness as well, for people who do not tell the hues apart.
 */
const colours = ['#0b6e99', '#c2570c', '#6a3fa0', '#2d7a3e', '#b0306a', '#8a6d00', '#00797a', '#5b6270'];
/** How many marks there are. A mark is blocks on the back of a chair; the stylesheet has them. */
const marks = 8;

/** Returns what the seat costs at a price level, or undefined; without one, at the first. */
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

/** Gives an element the colour and the mark of a category. Nothing if there is none. */
export function paintCategory(el, plan, i) {
  if (i === undefined) return;
  el.style.setProperty('--hue', plan.categories[i].color ?? colours[i % colours.length]);
  el.dataset.mark = i % marks;
}

/** A Filter says which categories the user wants to see. */
export class Filter {
  #chosen = new Set();
  #most = Infinity;

  constructor(plan) {
    this.plan = plan;
  }

  /** Adds a category to those chosen, or takes it out. None chosen is all. */
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
