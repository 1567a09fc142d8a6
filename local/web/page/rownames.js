// Keeps the names of rows readable, and in view wherever the map is scrolled to.

import { unit } from './viewport.js';

const smallest = 11.5; // px, the smallest size of a name
const drawn = 13; // px, the size of a name in the stylesheet
const titled = 19; // px, the size of a section's name in the stylesheet
const inset = 0.5; // seats: a name whose row end is nearer to the edge of the view is kept at the edge

/**
 * RowNames places names, each {name, end, side, row}: the element, the end of the row, 0 or
 * 1 for the row's first or last seat ("table" for the middle of a table), and the row.
 * titles are the names of sections.
 */
export class RowNames {
  constructor(viewport, world, names, titles) {
    this.viewport = viewport;
    this.world = world;
    this.names = names;
    this.titles = titles;
  }

  /** Places the names for the present view. */
  follow() {
    const { size, view, fitted } = this.viewport;
    const now = [size, ...Object.values(view)].join(' ');
    if (this.at === now) return;
    this.at = now;
    const [right, bottom] = [view.left + view.width, view.top + view.height];
    const inView = (x, y, by) => x > view.left + by && x < right - by && y > view.top + by && y < bottom - by;
    if (this.size !== size) for (const title of this.titles) title.style.scale = Math.max(1, ((smallest + 1.5) / titled) * (unit / size));
    this.size = size;
    const kept = [];
    const covered = (x, y) => kept.some(([ax, ay]) => Math.abs(ax - x) * size < 30 && Math.abs(ay - y) * size < 20);
    for (const entry of this.names) {
      const { end, side, row } = entry;
      const seat = fitted || side === 'table' || inView(end.x, end.y, 0.2) ? undefined : this.#firstInView(row, side, inView);
      if (seat === undefined) {
        const beyond = side === 'table' ? 0 : this.#beyond(entry);
        this.#place(entry, false, end.x - 0.35 * beyond, end.y, beyond);
        continue;
      }
      const beside = end.x < view.left + inset ? 1 : end.x > right - inset ? -1 : 0;
      const x = [this.world.x[seat], view.left + 4 / size, right - 4 / size].at(beside);
      const y = beside ? this.world.y[seat] : end.y < view.top + inset ? view.top + inset : bottom - inset;
      const hidden = covered(x, y);
      if (!hidden) kept.push([x, y]);
      this.#place(entry, true, x, y, beside, hidden);
    }
  }

  /** Returns the seat in view that is nearest to one of the ends of its row. */
  #firstInView({ first, count }, side, inView) {
    for (let i = 0; i < count; i++) {
      const p = side === 0 ? first + i : first + count - 1 - i;
      if (inView(this.world.x[p], this.world.y[p], 0.3)) return p;
    }
    return undefined;
  }

  /** Returns on which side of its row a name is: -1 left, 1 right, 0 above or below. */
  #beyond({ end, side, row: { first, count } }) {
    const seat = side === 1 ? first + count - 1 : first;
    const [dx, dy] = [end.x - this.world.x[seat], end.y - this.world.y[seat]];
    return Math.abs(dx) < Math.abs(dy) ? 0 : Math.sign(dx);
  }

  /** Places a name beside a point: on its left (-1), on its right (1), or around it. No transforms: each would cost frames. */
  #place(entry, kept, x, y, beside, hidden = false) {
    const { name } = entry;
    if (Boolean(entry.hidden) !== hidden) name.hidden = entry.hidden = hidden;
    if (hidden) return;
    if (entry.kept !== kept) name.classList.toggle('kept', entry.kept = kept);
    const scale = unit / this.viewport.size; // keeps the size of the name on the page
    const font = drawn * (kept ? scale : Math.max(1, (smallest / drawn) * scale));
    const [left, top] = [(x - this.world.left) * unit, (y - this.world.top) * unit];
    const wide = 4 * font; // the width of a name around the point
    const style = {
      fontSize: `${font.toFixed(1)}px`,
      top: `${(top - (kept ? 0.8 : 0.55) * font).toFixed(1)}px`,
      left: beside < 0 ? 'auto' : `${(left - (beside ? 0 : wide / 2)).toFixed(1)}px`,
      right: beside < 0 ? `${(-left).toFixed(1)}px` : 'auto',
      width: beside ? 'max-content' : `${wide.toFixed(1)}px`,
      maxWidth: beside ? `${((this.world.aside - 0.4) * unit * (font / drawn)).toFixed(1)}px` : 'none',
    };
    for (const property of Object.keys(style)) if (entry[property] !== style[property]) name.style[property] = entry[property] = style[property];
  }
}
