// Which part of the venue is drawn: one section of a large one, or all of it.

import { SeatMap } from './map.js';
import { Overview } from './overview.js';

/**
 * A PartView draws one part of a venue in a Host, or the whole of it, and the links to
 * the parts beside it. seats and sections have what a SeatMap and an Overview ask for and call.
 * PartView calls shown() whenever it has drawn another part.
 */
export class PartView {
  constructor(host, plan, { seats, sections, shown }) {
    this.host = host;
    this.plan = plan;
    this.seats = seats;
    this.sections = sections;
    this.shown = shown;
    this.part = null; // the index of the part, or null for the whole venue
  }

  remove() {
    this.view?.remove();
  }

  /** Whether sections are drawn instead of seats. */
  get whole() {
    return this.plan.large && this.part === null;
  }

  /** Draws one part of a large venue, or the whole venue. */
  show(name) {
    const i = this.plan.parts.findIndex((part) => part.name === name);
    const part = this.plan.large && i >= 0 ? i : null;
    if (this.view && part === this.part) return;
    const from = this.part;
    const focused = this.view && this.host.focusedIn('#map, #way');
    this.part = part;
    this.view?.remove();
    const { whole } = this;
    this.host.mark('whole', whole);
    this.host.mark('section', this.plan.large && !whole);
    this.host.find('map').dataset.stage = this.plan.placed ? 'placed' : this.plan.stage?.shape ?? 'apron';
    this.host.findAll('.stage text')[0].textContent = this.plan.stage?.label ?? this.plan.words.say('stage');
    if (whole) {
      this.view = new Overview(this.host.find('map'), this.plan, { ...this.sections, open: (n) => this.#open(n) });
    } else {
      this.view = new SeatMap(this.host.find('map'), this.plan, part === null ? this.plan.parts : [this.plan.parts[part]], {
        ...this.seats, leave: () => this.plan.large && this.#open(null),
      });
    }
    this.host.find('part').textContent = part === null ? '' : this.plan.parts[part].name;
    this.host.find('back').onclick = () => this.#open(null);
    this.#link('before', part - 1);
    this.#link('after', part + 1);
    this.shown();
    if (focused) this.view.focus(whole ? from ?? 0 : undefined);
  }

  #open(i) {
    this.host.goTo(this.plan.eventId, this.plan.parts[i]?.name);
  }

  /** Makes a button lead to a part beside the one that is drawn. */
  #link(id, i) {
    const link = this.host.find(id);
    const part = this.part === null ? undefined : this.plan.parts[i];
    link.hidden = !part;
    if (!part) return;
    link.onclick = () => this.#open(i);
    link.querySelector('span').textContent = part.name;
  }

  /** Where the user is: in the part that is drawn, and at what has the focus. */
  get place() {
    const part = this.part === null ? undefined : this.plan.parts[this.part];
    const { at, part: shape } = this.host.focusedIn('#map [role=gridcell]')?.dataset ?? {};
    return {
      part: part?.name,
      seats: part ? this.plan.ids.slice(part.first, part.first + part.count) : [],
      focus: at !== undefined ? this.plan.ids[at] : this.plan.parts[shape]?.name,
      zoom: this.view?.zoom,
      scrolled: [this.host.find('map'), document.scrollingElement].map((box) => [box, box.scrollLeft, box.scrollTop]),
    };
  }

  /** Shows the place of a page that had another seat map of the event. */
  resume({ part, seats, focus, zoom, scrolled }) {
    const { parts, partOf, positions } = this.plan;
    let i = parts.findIndex(({ name }) => name === part);
    if (i < 0) i = partOf[positions.get([focus, ...seats].find((id) => positions.has(id)))] ?? -1; // it has another name now
    if (part === undefined || !this.plan.large) i = -1;
    this.show(parts[i]?.name);
    if (part !== parts[i]?.name) this.host.correct(this.plan.eventId, parts[this.part]?.name);
    if (zoom) this.view.magnify(zoom);
    for (const [box, left, top] of scrolled) box.scrollTo({ left, top, behavior: 'instant' });
    if (focus === undefined) return;
    const shape = parts.findIndex(({ name }) => name === focus);
    if (this.whole) this.view.focus(Math.max(0, shape));
    else this.view.focus(positions.get(focus));
  }
}
