// Keyboard control of an ARIA grid: one tab stop, and arrow keys inside.

/**
 * A Grid moves the focus among cells. rows are lists of {at, x, y, block}: what a cell
 * stands for, where it is, and which rows belong together; cellOf(at) returns the element,
 * and atOf(cell) is its inverse. Arrow keys go where they point, even in a row that is
 * drawn from right to left or from top to bottom, unless it is round. With rings, rows
 * are rings around the stage: left and right go around, up and down from ring to ring.
 * Grid calls act(at, event) on Enter, Space or a click, leave() on Escape, which returns
 * whether it did something, and reached(at, cell) when a cell gets the focus.
 */
export class Grid {
  #places = new Map(); // at -> row and place in it

  constructor(root, rows, { cellOf, atOf, act, leave = () => {}, reached = () => {}, rings = false }) {
    this.rows = rows;
    this.rings = rings;
    this.cellOf = cellOf;
    rows.forEach((row, r) => row.forEach(({ at }, c) => this.#places.set(at, [r, c])));
    this.at = rows[0]?.[0]?.at;
    if (this.at !== undefined) cellOf(this.at).tabIndex = 0;
    const target = (event) => {
      const cell = event.target.closest('[role=gridcell]');
      return cell && atOf(cell);
    };
    root.addEventListener('keydown', (event) => {
      if (event.altKey || event.metaKey || !event.target.matches('[role=gridcell]')) return;
      const { key } = event;
      const at = target(event);
      if (key === 'Enter' || key === ' ') act(at, event);
      else if (key === 'Escape') {
        if (!leave()) return;
      } else {
        const next = this.#next(at, key, event.ctrlKey);
        if (next === undefined) return;
        this.focus(next);
      }
      event.preventDefault();
    });
    root.addEventListener('click', (event) => {
      const at = target(event);
      if (at === null) return;
      this.focus(at, true);
      act(at, event);
    });
    root.addEventListener('focusin', (event) => {
      if (!event.target.matches('[role=gridcell]')) return;
      this.#stop(target(event));
      reached(this.at, event.target);
    });
  }

  /** The cell at which Tab stops. */
  get current() {
    return this.cellOf(this.at);
  }

  focus(at = this.at, still = false) {
    if (at === undefined) return; // there are no cells
    this.#stop(at);
    const cell = this.cellOf(at);
    cell.focus({ preventScroll: true });
    if (!still) cell.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  /** Makes the cell the tab stop. */
  #stop(at) {
    this.current.tabIndex = -1;
    this.at = at;
    this.current.tabIndex = 0;
  }

  #next(at, key, ctrl) {
    const [r, c] = this.#places.get(at);
    const row = this.rows[r];
    const n = row.length;
    const place = row[c];
    switch (this.rings ? key : this.#turned(r, c, key)) {
      case 'ArrowRight': return (row[c + 1] ?? (this.rings && row[0]) ?? place)?.at ?? at;
      case 'ArrowLeft': return (row[c - 1] ?? (this.rings && row[n - 1]) ?? place)?.at ?? at;
      case 'ArrowDown': return this.#nearest(r + 1, place) ?? at;
      case 'ArrowUp': return this.#nearest(r - 1, place) ?? at;
      case 'PageDown': return this.#nearest(Math.min(r + 5, this.rows.length - 1), place);
      case 'PageUp': return this.#nearest(Math.max(r - 5, 0), place);
      case 'Home': return ctrl ? this.rows[0][0].at : row[0].at;
      case 'End': return ctrl ? this.rows.at(-1).at(-1).at : row[n - 1].at;
    }
    return undefined;
  }

  /** Returns the arrow key with the same effect in a row drawn from left to right. */
  #turned(r, c, key) {
    const pointed = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
    const row = this.rows[r];
    if (!pointed || row.length < 2 || row[c].round) return key;
    const [from, to] = c + 1 < row.length ? [row[c], row[c + 1]] : [row[c - 1], row[c]];
    const along = unitOf(to.x - from.x, to.y - from.y);
    const [x, y] = this.#across(r, row[c]) ?? [-along[1], along[0]];
    const across = x * along[1] - y * along[0] > 0 ? [along[1], -along[0]] : [-along[1], along[0]]; // perpendicular to the row, towards the next one
    const ways = { ArrowRight: along, ArrowLeft: along.map((v) => -v), ArrowDown: across, ArrowUp: across.map((v) => -v) };
    const best = (name) => ways[name][0] * pointed[0] + ways[name][1] * pointed[1];
    return Object.keys(ways).reduce((a, b) => (best(b) > best(a) + 0.01 ? b : a));
  }

  /** Returns the direction to the next row of the same block, or undefined. */
  #across(r, place) {
    for (const [next, sign] of [[r + 1, 1], [r - 1, -1]]) {
      if (this.rows[next]?.[0].block !== this.rows[r][0].block) continue;
      const to = this.#placeNearest(next, place);
      return unitOf(sign * (to.x - place.x), sign * (to.y - place.y));
    }
    return undefined;
  }

  #nearest(r, place) {
    return this.#placeNearest(r, place)?.at;
  }

  #placeNearest(r, { x, y }) {
    let best;
    let least = Infinity;
    for (const place of this.rows[r] ?? []) {
      const d = (place.x - x) ** 2 + (place.y - y) ** 2;
      if (d < least) [best, least] = [place, d];
    }
    return best;
  }
}

function unitOf(x, y) {
  const length = Math.hypot(x, y) || 1;
  return [x / length, y / length];
}
