// The map of a venue: one layer with the stage, the sections and the seats, from the whole
// venue down to a single row.

import { Card } from './card.js';
import { Dots } from './dots.js';
import { enlarge, listen } from './gestures.js';
import { SeatMap } from './map.js';
import { Minimap } from './minimap.js';
import { contains } from './outline.js';
import { Overview } from './overview.js';
import { drawScenery } from './scenery.js';
import { Viewport } from './viewport.js';
import { layOut } from './world.js';

const pointable = 10; // px from which a mouse can point at a seat, which is then described beside it
const legible = 18; // px from which a seat has a number
const pressable = 24; // px from which a finger can hit a seat
const comfortable = 30; // px to which a press on a smaller seat enlarges it
const opens = 9; // px from which a section in the middle of the view can open
const settles = 1000; // ms after a press that enlarges, in which the second of a double press does nothing

/**
 * A VenueMap draws a plan in an element that scrolls. seats and sections have the functions
 * that a SeatMap, Dots and an Overview call. VenueMap calls open(part, event) when the user
 * opens a section, entered(part) when the user has moved the map into one or, with null, out
 * of it, and scaled() when the size of the seats may have changed.
 */
export class VenueMap {
  #closed = new AbortController();
  #enlarged = -Infinity; // when a press last enlarged seats
  #pointer; // the pointer type of the last press: not every browser reports it with a click

  constructor(scroller, plan, { seats, sections, open, entered, scaled }) {
    this.plan = plan;
    this.seats = seats;
    this.entered = entered;
    this.scaled = scaled;
    this.part = null;
    this.world = layOut(plan);
    this.viewport = new Viewport(scroller, this.world, { moved: () => this.#moved(), settled: (byHand) => this.#settled(byHand) });
    listen(this.viewport, this.#closed.signal);
    scroller.addEventListener('pointerdown', ({ pointerType }) => { this.#pointer = pointerType; }, { capture: true, signal: this.#closed.signal });
    drawScenery(this.viewport.layer, plan, this.world, sections.area);
    this.card = new Card(scroller.parentElement, plan, seats);
    this.minimap = new Minimap(scroller.parentElement, this.viewport, this.world);
    if (plan.large) {
      this.dots = new Dots(this.viewport, plan, this.world, sections);
      this.overview = new Overview(this.viewport, plan, this.world, { ...sections, open });
    } else this.#drawSeats(plan.parts.keys().toArray(), true);
    this.#settled(false);
  }

  remove() {
    this.#closed.abort();
    this.dots?.remove();
    this.map?.remove();
    this.card.remove();
    this.minimap.remove();
    this.viewport.remove();
  }

  #drawSeats(parts, atOnce) {
    this.map = new SeatMap(this.viewport, this.plan, this.world, parts, {
      ...this.seats,
      act: (position, event) => this.#act(position, event),
      reached: (position, cell, by) => {
        this.card.show(position, cell, by);
        if (position !== undefined) this.seats.reached(position);
      },
      whole: () => this.dots.draw(this.part),
    }, atOnce);
  }

  /** Picks a seat, or zooms in if it is too small to be sure which seat was meant. */
  #act(position, { type, detail, clientX, clientY }) {
    if (type === 'click') {
      if (this.viewport.changing || (detail > 1 && performance.now() - this.#enlarged < settles)) return;
      if (this.viewport.size < (this.#pointer === 'touch' ? pressable : pointable)) {
        this.#enlarged = performance.now();
        this.viewport.touched();
        this.viewport.show(this.viewport.at(clientX, clientY), comfortable);
        return;
      }
    }
    this.seats.act(position);
  }

  /**
   * Draws the seats of a part of a large venue, or of none, and moves there, unless there is
   * set. point, if given, is moved to the middle.
   */
  show(part, { there = false, point, atOnce } = {}) {
    this.part = part;
    this.card.show();
    if (!there) this.#go(part, point, atOnce); // before anything is drawn, since moving would lay it out at once
    this.map?.remove();
    this.map = undefined;
    this.overview.open(part);
    if (part !== null) this.#drawSeats([part], atOnce);
    this.dots.draw(this.map?.drawn ? part : null);
    this.#scaled();
  }

  /** Moves to a part, or shows all of them. */
  #go(part, point, atOnce) {
    if (part === null) {
      this.viewport.showAll();
      return;
    }
    const { left, top, width, height } = this.world.parts[part];
    const whole = this.viewport.sizeFor(width + 4, height + 3);
    const least = matchMedia('(pointer: coarse)').matches ? pressable : legible;
    const size = Math.max(least, Math.min(38, whole));
    const middle = [left + width / 2, top + height / 2];
    this.viewport.show(whole >= size ? middle : this.#inside(point ?? middle, part, size), size, atOnce);
  }

  /** Returns the middle of a view that has as much of a part as possible, and is as near to a point as possible. */
  #inside(point, part, size) {
    const box = this.world.parts[part];
    return [['left', 'width', 'wide'], ['top', 'height', 'tall']].map(([from, length, seen], k) => {
      const half = Math.min(box[length] + 3, this.viewport[seen] / size) / 2;
      return Math.min(box[from] + box[length] + 1.5 - half, Math.max(box[from] - 1.5 + half, point[k]));
    });
  }

  /** Returns what is at the point of an event. */
  at({ clientX, clientY }) {
    return this.viewport.at(clientX, clientY);
  }

  /** Returns where a seat is. */
  pointOf(position) {
    return [this.world.x[position], this.world.y[position]];
  }

  /** What is in the middle, and its size. It need not be restored if everything was in view. */
  get camera() {
    const { middle, size, fitted } = this.viewport;
    return fitted ? undefined : { middle, size };
  }

  set camera({ middle, size }) {
    this.viewport.show(middle, size, true);
  }

  /** Remembers the view while the map is hidden. */
  rest() {
    this.kept = { part: this.part, camera: this.camera };
  }

  /** Restores the view, or shows the part that was opened meanwhile. */
  wake() {
    const { part, camera } = this.kept ?? {};
    this.kept = undefined;
    if (part === undefined) return;
    if (part === this.part && camera) this.camera = camera;
    else if (part !== this.part) this.show(this.part, { atOnce: true });
    this.#settled(false);
  }

  #moved() {
    this.card.follow();
    this.map?.names.follow();
    this.map?.level();
    this.minimap.follow();
    this.#scaled();
  }

  #settled(byHand) {
    this.#moved();
    this.overview?.label();
    if (!this.plan.large) return;
    if (byHand) this.#enter();
    this.dots.draw(this.map?.drawn ? this.part : null);
  }

  /** Opens the section that the user has moved the map into, or closes the one that it has left. */
  #enter() {
    const { size, middle } = this.viewport;
    const part = this.#partAt(middle);
    const { width, height } = this.world.parts[part];
    const opensAt = Math.max(opens, 0.8 * Math.min(pressable, this.viewport.sizeFor(width, height)));
    if (size < 0.75 * opensAt || this.viewport.fitted) {
      if (this.part !== null) this.entered(null);
    } else if (part !== this.part && (this.part !== null || size >= opensAt)) this.entered(part);
  }

  /** Returns the part at a point, or else the nearest one. */
  #partAt([x, y]) {
    const { parts } = this.world;
    const at = parts.findIndex(({ outline }) => contains(outline, [x, y]));
    if (at >= 0) return at;
    const far = ({ label: [px, py] }) => (px - x) ** 2 + (py - y) ** 2;
    return parts.indexOf(parts.reduce((a, b) => (far(b) < far(a) ? b : a)));
  }

  #scaled() {
    const { fitted, full } = this.viewport;
    this.scaled({ smallest: fitted, largest: full });
  }

  paint(positions, moved) {
    this.map?.paint(positions, moved);
    this.card.paint();
    this.dots?.paint(positions);
    this.overview?.paint(positions);
  }

  filter() {
    this.map?.filter();
    this.dots?.redraw();
  }

  tick() {
    this.card.paint();
    this.map?.tick();
  }

  enlarge(factor) {
    enlarge(this.viewport, factor);
  }

  showAll() {
    this.viewport.touched();
    this.viewport.showAll();
  }

  /** Focuses a seat of the map, or a section if sections are drawn. */
  focus(at, still) {
    (this.map ?? this.overview).focus(at, still);
  }
}
