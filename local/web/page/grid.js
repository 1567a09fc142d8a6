// Keyboard control of an ARIA grid: one tab stop, and arrow keys inside.

/**
 * A Grid moves the focus among cells. rows are lists of {cell, x}; up and down go
 * to the cell nearest in x. With around, rows are rings: the first cell follows the
 * last. Grid calls act(cell) on Enter, Space or a click, leave() on Escape, and
 * reached(cell) when a cell gets the focus.
 */
export class Grid {
  constructor(root, rows, { act, leave = () => {}, reached = () => {}, around = false }) {
    this.rows = rows;
    this.around = around;
    this.places = new Map();
    rows.forEach((row, r) => row.forEach(({ cell }, c) => {
      cell.tabIndex = -1;
      this.places.set(cell, [r, c]);
    }));
    this.current = rows[0]?.[0]?.cell;
    if (this.current) this.current.tabIndex = 0;
    const cellOf = (event) => event.target.closest('[role=gridcell]');
    root.addEventListener('keydown', (event) => {
      if (event.altKey || event.metaKey || !this.places.has(event.target)) return;
      const key = event.key;
      if (key === 'Enter' || key === ' ') act(event.target);
      else if (key === 'Escape') leave();
      else {
        const next = this.#next(event.target, key, event.ctrlKey);
        if (!next) return;
        this.focus(next);
      }
      event.preventDefault();
    });
    root.addEventListener('click', (event) => {
      const cell = cellOf(event);
      if (!cell) return;
      this.focus(cell, true);
      act(cell);
    });
    root.addEventListener('focusin', (event) => {
      if (!this.places.has(event.target)) return;
      this.#stop(event.target);
      reached(event.target);
    });
  }

  focus(cell, still = false) {
    this.#stop(cell);
    cell.focus({ preventScroll: still });
    if (!still) cell.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  /** Makes the cell the tab stop. */
  #stop(cell) {
    this.current.tabIndex = -1;
    this.current = cell;
    cell.tabIndex = 0;
  }

  #next(cell, key, ctrl) {
    const [r, c] = this.places.get(cell);
    const row = this.rows[r];
    const n = row.length;
    switch (key) {
      case 'ArrowRight': return (row[c + 1] ?? (this.around && row[0]) ?? row[c])?.cell ?? cell;
      case 'ArrowLeft': return (row[c - 1] ?? (this.around && row[n - 1]) ?? row[c])?.cell ?? cell;
      case 'ArrowDown': return this.#nearest(r + 1, row[c].x) ?? cell;
      case 'ArrowUp': return this.#nearest(r - 1, row[c].x) ?? cell;
      case 'PageDown': return this.#nearest(Math.min(r + 5, this.rows.length - 1), row[c].x);
      case 'PageUp': return this.#nearest(Math.max(r - 5, 0), row[c].x);
      case 'Home': return ctrl ? this.rows[0][0].cell : row[0].cell;
      case 'End': return ctrl ? this.rows.at(-1).at(-1).cell : row[n - 1].cell;
    }
    return undefined;
  }

  #nearest(r, x) {
    let best;
    for (const at of this.rows[r] ?? []) if (!best || Math.abs(at.x - x) < Math.abs(best.x - x)) best = at;
    return best?.cell;
  }
}
