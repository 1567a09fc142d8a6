// Draws the sections of a large venue as shapes that show how full they are and that can be opened.

import { element, svg } from './element.js';
import { Grid } from './grid.js';
import { sizeOf } from './outline.js';
import { paintCategory, priceRange } from './prices.js';
import { unit } from './viewport.js';

/**
 * An Overview draws the shapes of sections on the layer of a viewport. counts(part)
 * returns the counts of a part. Overview calls open(part, event) and reached(part) with
 * what the user acts on.
 */
export class Overview {
  #sizes = []; // the size of a seat when each label was last written
  #said = []; // how many seats were available when each text was last written

  constructor(viewport, plan, world, { counts, open, reached }) {
    this.viewport = viewport;
    this.plan = plan;
    this.world = world;
    this.counts = counts;
    const { left, top, width, height } = world;
    this.drawing = svg('svg', { viewBox: `${left} ${top} ${width} ${height}`, role: 'presentation', focusable: 'false' });
    [this.drawing.style.width, this.drawing.style.height] = [width, height].map((length) => `${length * unit}px`);
    this.root = element('div', { class: 'overview' }, this.drawing);
    viewport.layer.append(this.root);
    this.cells = [];
    const rows = (world.tiers ?? this.#lines(4)).map((tier) => {
      const row = svg('g', { role: 'row' });
      this.drawing.append(row);
      return tier.map((i, n) => {
        row.append(this.cells[i] = this.#shape(i));
        return { at: i, x: n / tier.length, y: 0 };
      });
    });
    this.grid = new Grid(this.root, rows, { // an SVG element with a focus listener would be focusable itself
      cellOf: (i) => this.cells[i],
      atOf: (cell) => Number(cell.dataset.part),
      act: open,
      reached,
      rings: true,
    });
    this.drawing.addEventListener('click', (event) => {
      const shape = event.target.closest('[data-part]');
      if (shape && !shape.role) open(Number(shape.dataset.part), event);
    });
    this.drawing.addEventListener('pointerover', ({ target }) => {
      const shape = target.closest('[data-part]');
      if (shape) reached(Number(shape.dataset.part));
    });
    this.open(null);
  }

  #lines(across) {
    const lines = [];
    for (let i = 0; i < this.plan.parts.length; i += across) lines.push(this.plan.parts.slice(i, i + across).map((_, n) => i + n));
    return lines;
  }

  #shape(i) {
    const { name, first, count } = this.plan.parts[i];
    const label = this.world.tiers ? /\S+$/.exec(name)[0] : name;
    const points = this.world.parts[i].outline.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`);
    const shape = svg('g', { class: 'part-shape', 'data-part': i },
      svg('path', { d: `M${points.join('L')}Z` }),
      svg('g', { class: 'label' }, svg('text', { class: 'name', 'data-name': label }), svg('text', { class: 'left', y: 14 })));
    const of = this.plan.category[first];
    if (this.plan.category.slice(first, first + count).every((c) => c === of)) paintCategory(shape, this.plan, of);
    return shape;
  }

  /** Makes the shapes a grid, or marks the part whose seats are drawn. */
  open(part) {
    this.part = part;
    const whole = part === null;
    if (whole) for (const i of this.cells.keys()) this.#say(i);
    this.root.role = whole ? 'grid' : null;
    this.root.ariaLabel = whole ? this.plan.words.say('map.sections') : null;
    this.root.ariaHidden = whole ? null : 'true';
    this.cells.forEach((shape, i) => {
      shape.role = whole ? 'gridcell' : null;
      shape.parentNode.role = whole ? 'row' : null;
      shape.classList.toggle('open', i === part);
      if (whole) shape.style.display = '';
      if (whole) shape.tabIndex = i === this.grid.at ? 0 : -1;
      else shape.removeAttribute('tabindex');
    });
  }

  /** Writes the labels in the size of the page, and leaves out those that do not fit or are out of view. */
  label() {
    const { size, view } = this.viewport;
    this.context ??= element('canvas', {}).getContext('2d');
    const { fontFamily } = getComputedStyle(this.cells[0].querySelector('.name')); // once, since each read would force a layout
    this.cells.forEach((shape, i) => {
      const { label: [x, y], outline, left: from, top, width, height } = this.world.parts[i];
      const seen = this.part === null || (from < view.left + 2 * view.width && from + width > view.left - view.width
        && top < view.top + 2 * view.height && top + height > view.top - view.height);
      shape.style.display = seen ? '' : 'none'; // hidden shapes cost no frames
      if (!seen || this.#sizes[i] === size) return;
      this.#sizes[i] = size;
      const { across, deep } = sizeOf(outline);
      const [wide, tall] = [across * size, deep * size];
      const [, label] = shape.children;
      const [name, left] = label.children;
      const roomy = wide > 76 && tall > 38;
      const font = roomy ? 17 : wide < 40 ? 11 : 13;
      label.setAttribute('transform', `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${(1 / size).toFixed(5)})`);
      this.context.font = `600 ${font}px ${fontFamily}`;
      name.style.fontSize = `${font}px`;
      name.textContent = `${this.#shortened(name.dataset.name, wide - 8)} `;
      name.setAttribute('y', roomy ? -2 : 4);
      left.style.display = roomy ? '' : 'none';
    });
  }

  /** Returns the name, shortened to fit the width. */
  #shortened(name, width) {
    if (this.context.measureText(name).width <= width) return name;
    if (this.world.tiers) return width > 10 ? name : '';
    for (let n = name.length - 1; n > 1; n--) {
      const short = `${name.slice(0, n).trimEnd()}…`;
      if (this.context.measureText(short).width <= width) return short;
    }
    return '';
  }

  focus(part, still) {
    this.grid.focus(part, still);
  }

  /** Updates the texts of the parts whose seats have changed. */
  paint(positions) {
    const parts = new Set();
    for (const position of positions) parts.add(this.plan.partOf[position]);
    for (const i of parts) this.#say(i);
  }

  /** Returns "from €21.00" for a part with prices. */
  #price(i) {
    const { first, count } = this.plan.parts[i];
    this.prices ??= [];
    this.prices[i] ??= [...new Set(this.plan.category.slice(first, first + count))].map((c) => this.plan.categories[c]).filter((c) => c?.price !== undefined);
    const priced = this.prices[i];
    return priced.length ? priceRange(this.plan, { price: priced[0].price, levels: priced.flatMap(({ price, levels = [] }) => [{ price }, ...levels]) }) : '';
  }

  #say(i) {
    const { name, count } = this.plan.parts[i];
    const { available } = this.counts(i);
    if (this.#said[i] === available) return;
    this.#said[i] = this.part === null ? available : undefined; // labels of sections are not read out while one is open
    const shape = this.cells[i];
    const { words } = this.plan;
    const percent = words.percent(Math.floor((100 * (count - available)) / count) / 100);
    const full = available ? words.say('part.filled', { percent }) : words.say('part.full');
    const text = shape.children[1].lastChild;
    if (text.textContent !== full) {
      text.textContent = full;
      shape.firstChild.setAttribute('fill-opacity', ((0.34 * available) / count).toFixed(3));
    }
    if (this.part !== null) return;
    shape.ariaLabel = words.join([name, full, words.say('part.left', { left: available, n: count }), this.#price(i)]);
  }
}
