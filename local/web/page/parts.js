// The seats of an event as a map and as a list, and where the user is in them.

import { List } from './list.js';
import { VenueMap } from './view.js';

const step = 1.5; // the factor of the zoom buttons

/**
 * A PartView draws a venue in a Host, as a map or as a list, and the links to the
 * sections beside the one that the user looks at. seats and sections have the functions
 * that a VenueMap and a List call. PartView calls shown() whenever the user looks at
 * another section.
 */
export class PartView {
  #closed = new AbortController();
  #aim = {}; // the section that is about to be opened, and the point to show in it

  constructor(host, plan, { seats, sections, shown }) {
    this.host = host;
    this.plan = plan;
    this.seats = seats;
    this.sections = sections;
    this.shown = shown;
    this.part = null; // the index of the section that the user looks at, or null for the whole venue
    this.listed = false;
  }

  remove() {
    this.#closed.abort();
    this.map?.remove();
    this.list?.remove();
  }

  /** Whether sections are drawn instead of seats. */
  get whole() {
    return this.plan.large && this.part === null;
  }

  /** Draws the map and the list for the first time. */
  #begin() {
    const { host, plan, seats, sections } = this;
    this.map = new VenueMap(host.find('map'), plan, {
      seats: {
        ...seats,
        leave: () => {
          if (plan.large) this.#open(null);
          return plan.large;
        },
      },
      sections,
      open: (part, event) => this.#open(part, event),
      entered: (part) => {
        const key = plan.parts[part]?.key;
        host.correct(plan.eventId, key);
        this.show(key, { there: true });
        host.emit('section', { eventId: plan.eventId, section: key ?? null });
      },
      scaled: ({ smallest, largest }) => {
        host.find('smaller').ariaDisabled = host.find('whole').ariaDisabled = String(smallest);
        host.find('larger').ariaDisabled = String(largest);
      },
    });
    this.list = new List(host.find('list'), plan, { ...seats, open: (part) => this.#open(part) });
    const on = (id, act) => host.find(id).addEventListener('click', act, { signal: this.#closed.signal });
    on('larger', () => this.map.enlarge(step));
    on('smaller', () => this.map.enlarge(1 / step));
    on('whole', () => this.map.showAll());
    on('as-map', () => this.#showAs(false));
    on('as-list', () => this.#showAs(true));
    this.#showAs(host.find('as-list').ariaPressed === 'true'); // as in the previous event
  }

  /** Shows one section of a large venue, or the whole venue. there is set if the map already shows it. */
  show(key, { there } = {}) {
    const i = this.plan.parts.findIndex((part) => part.key === key);
    const part = this.plan.large && i >= 0 ? i : null;
    const first = !this.map;
    if (first) this.#begin();
    if (!first && part === this.part) return;
    const { host, plan, part: from } = this;
    const focused = !first && host.focusedIn('#map, #way');
    this.part = part;
    const { point } = this.#aim.part === part ? this.#aim : {};
    this.#aim = {};
    if (plan.large && !(first && part === null)) this.map.show(part, { there, point, atOnce: first || undefined });
    host.mark('whole', this.whole);
    host.mark('near', !this.whole);
    host.mark('section', plan.large && !this.whole);
    this.list.open(part);
    host.find('part').textContent = part === null ? plan.words.say('map.choose') : plan.parts[part].name;
    host.find('back').onclick = () => this.#open(null);
    this.#link('before', part - 1);
    this.#link('after', part + 1);
    this.shown();
    if (!focused) return;
    if (this.listed) this.list.focus();
    else this.map.focus(this.whole ? from ?? 0 : undefined, true); // the map moves there
  }

  #open(i, event) {
    if (event?.type === 'click') this.#aim = { part: i, point: this.map.at(event) };
    else if (i !== null) this.#aim = { part: i, point: this.map.pointOf(this.plan.parts[i].first) };
    this.host.goTo(this.plan.eventId, this.plan.parts[i]?.key);
  }

  /** Shows the list, or the map. */
  #showAs(listed) {
    const { host } = this;
    if (listed && !this.listed) this.map.rest();
    this.listed = listed;
    host.find('as-map').ariaPressed = String(!listed);
    host.find('as-list').ariaPressed = String(listed);
    host.find('list').hidden = !listed;
    host.mark('listed', listed);
    if (listed) this.list.draw();
    else this.map.wake();
  }

  /** Makes a button lead to a part next to the one that is drawn. */
  #link(id, i) {
    const link = this.host.find(id);
    const part = this.part === null ? undefined : this.plan.parts[i];
    link.hidden = !part;
    if (!part) return;
    link.onclick = () => this.#open(i);
    link.querySelector('span').textContent = part.name;
  }

  /** Redraws the seats, and highlights those in the Set moved, which others have changed. */
  paint(positions, moved) {
    this.map?.paint(positions, moved);
    this.list?.paint(positions);
  }

  /** Shows which seats the user wants to see. */
  filter() {
    this.map?.filter();
    this.list?.filter();
  }

  /** Updates what changes with time alone. */
  tick() {
    this.map?.tick();
  }

  /** Moves the focus to the seats. */
  focus() {
    if (this.listed) this.list.focus();
    else this.map.focus();
  }

  /** Where the user is: the part that is drawn, and what has the focus. */
  get place() {
    const part = this.part === null ? undefined : this.plan.parts[this.part];
    const { at, part: shape } = this.host.focusedIn('#map [role=gridcell]')?.dataset ?? {};
    const { scrollingElement: page } = document;
    return {
      part: part?.key,
      seats: part ? this.plan.ids.slice(part.first, part.first + part.count) : [],
      focus: at !== undefined ? this.plan.ids[at] : this.plan.parts[shape]?.key,
      camera: this.map?.camera,
      scrolled: [page.scrollLeft, page.scrollTop],
    };
  }

  /** Shows the place of a page that had another seat map of the event. */
  resume({ part, seats, focus, camera, scrolled: [left, top] }) {
    const { parts, partOf, positions } = this.plan;
    let i = parts.findIndex(({ key }) => key === part);
    if (i < 0) i = partOf[positions.get([focus, ...seats].find((id) => positions.has(id)))] ?? -1; // the part has another key now
    if (part === undefined || !this.plan.large) i = -1;
    this.show(parts[i]?.key);
    if (part !== parts[i]?.key) this.host.correct(this.plan.eventId, this.plan.parts[this.part]?.key);
    if (camera) this.map.camera = camera;
    document.scrollingElement.scrollTo({ left, top, behavior: 'instant' });
    if (focus === undefined) return;
    const shape = parts.findIndex(({ key }) => key === focus);
    if (this.whole) this.map.focus(Math.max(0, shape));
    else this.map.focus(positions.get(focus));
  }
}
