// An open event: connects its seats, what the user has, the map and the panel.

import { Areas } from './areas.js';
import { Calls } from './calls.js';
import { Clock } from './clock.js';
import { put } from './element.js';
import { Live } from './live.js';
import { Mine, keptPicks } from './mine.js';
import { seatName, seatNames, worth } from './names.js';
import { urgent } from './panel.js';
import { PartView } from './parts.js';
import { Picking } from './picking.js';
import { Plan } from './plan.js';
import { Sale } from './sale.js';
import { Seats } from './seats.js';
import { Toolbar } from './toolbar.js';
import { basketOf } from './tickets.js';

const gather = [120, 400]; // ms in which changes by others are gathered, at least and at most
const share = 6; // changes by others may take a sixth of the time, to leave most frames to the user's actions
const few = 400; // seats that others have changed; more are treated as a new list

/** An EventPage shows one event in a Host until close(). */
export class EventPage {
  warned = false; // the user was warned that the time to confirm is nearly over
  #changed = new Set();
  #moved = new Set(); // those of the changed seats that others have changed
  #frame = 0;
  #gathering;
  #pace = gather[0]; // ms from one gathering to the next
  #timer;
  #ready = false;
  #renewing = false;

  /**
   * list is a promise of the first list, or of null. EventPage calls renew(revision)
   * once if a list is of a higher revision than the event.
   */
  constructor(host, event, { api, list, panel, renew, session }) {
    this.host = host;
    this.api = api;
    this.session = session;
    this.renew = renew;
    this.words = host.words;
    this.plan = new Plan(event, host.words);
    this.clock = new Clock();
    this.seats = new Seats(this.plan, this.clock);
    this.mine = new Mine(this.plan, session.owner);
    this.calls = new Calls(this);
    this.panel = panel;
    this.picking = new Picking(this);
    this.sale = new Sale(this.plan, this.clock);
    this.toolbar = new Toolbar(host, this.plan, { best: () => this.picking.best(), filtered: () => this.#filtered() });
    this.areas = new Areas(host.find('areas'), this.plan, { want: (area, level, by) => this.picking.want(area, level, by) });
    this.drawn = new PartView(host, this.plan, {
      seats: {
        state: (p) => this.state(p),
        left: (p) => this.left(p),
        act: (p) => this.picking.act(p),
        reached: (p) => this.read(p),
        together: (p) => this.picking.ahead(p),
        passes: (p) => this.#passes(p),
        area: (i) => this.areas.focus(i),
      },
      sections: {
        status: (p) => this.state(p),
        counts: (n) => this.seats.parts[n],
        reached: (n) => this.#readPart(n),
        passes: (p) => this.#passes(p),
        area: (i) => this.areas.focus(i),
      },
      shown: () => this.#shown(),
    });
    host.entitle(this.plan.title, this.plan.subtitle);
    this.live = new Live(api, this.plan.eventId, this.seats, list, {
      heard: (list) => this.#heard(list),
      light: (state) => this.#light(state),
    });
    this.#timer = setInterval(() => this.#tick(), 250);
    this.#light('connecting');
    panel.introduce(session);
  }

  close() {
    this.live.stop();
    clearInterval(this.#timer);
    clearTimeout(this.#gathering);
    cancelAnimationFrame(this.#frame);
    this.drawn.remove();
    this.toolbar.close();
    this.closed = true;
  }

  /**
   * Shows what the new user has after the user has changed, and says so. The picks stay,
   * unless somebody else has signed in.
   */
  become(before) {
    const since = this.session.since(before);
    if (since !== 'user') keptPicks.pass(this.mine.owner);
    this.mine = new Mine(this.plan, this.session.owner);
    this.#restore();
    this.warned = false;
    this.panel.introduce(this.session);
    if (since) this.say('bad', this.words.say(`other.${since}`), true);
    this.update(this.plan.ids.keys());
  }

  /** Restores the user's picks. Returns those that are taken. */
  #restore() {
    const { mine, plan: { eventId } } = this;
    const taken = mine.restore(keptPicks.take(eventId, mine.owner), this.seats);
    this.kept = JSON.stringify(mine.picks);
    keptPicks.save(eventId, mine.owner, mine.picks);
    return taken;
  }

  /** Applies a change made by another window of this browser. */
  shared() {
    const ended = this.mine.refresh(this.clock.now());
    if (this.#ready) this.#ranOut(ended);
    this.update(this.plan.ids.keys());
    if (this.#ready) this.host.emit('pick', this.basket);
  }

  /** The state of a seat as the user sees it. */
  state(position) {
    return this.mine.state(position, this.seats);
  }

  /** The time left on a seat's lock, in ms. */
  left(position) {
    return (this.mine.locked.get(position) ?? this.seats.until[position]) - this.clock.now();
  }

  #heard(list) {
    if (this.closed) return;
    const revision = list.revision ?? 0;
    if (revision > this.plan.revision && !this.#renewing) {
      this.#renewing = true;
      this.renew(revision);
    }
    const changed = this.seats.fold(list);
    const first = !this.#ready;
    if (first) this.#begin();
    this.update(changed, !first);
  }

  /** Runs once, after the first list. */
  #begin() {
    this.#ready = true;
    this.host.mark('ready', true);
    this.#taken(this.#restore());
    this.update(this.mine.picked); // a new seat map is drawn before its first list
    this.host.emit('ready', { eventId: this.plan.eventId, name: this.plan.name });
    const { unanswered } = this.mine;
    if (unanswered) this.calls.askAgain(unanswered);
    if (this.mine.paying.size && !this.calls.orders.following) this.calls.orders.follow();
    performance.mark('seats-shown'); // the user can act on them now; the dots of a large venue are drawn in the next frames
  }

  #light(state) {
    if (this.closed) return;
    const was = this.host.light(state);
    if (was === undefined) return;
    if (state === 'away') this.host.announcer.announce(this.words.say('lost'));
    if (state === 'out') this.#shutOut();
    if (was === 'away') this.host.announcer.announce(this.words.say('lost.over'));
  }

  /** Finds out why the server does not list the seats any more. */
  async #shutOut() {
    const { session } = this;
    let refused = false;
    try {
      await session.renew();
    } catch ({ status }) {
      refused = status === 401; // otherwise the light shows that the server is unreachable
    }
    if (this.closed || (session.user && !refused)) return; // the seats are shown again
    const message = this.words.say(session.sells && !session.canSignIn ? 'signIn.private' : 'signIn.over');
    this.say('bad', message, true);
    this.host.emit('error', { code: 'unauthenticated', message });
  }

  #tick() {
    const freed = this.seats.runOut();
    const end = this.mine.end;
    if (freed.length || (end && end <= this.clock.now()) || this.mine.doubted) this.update(freed, true);
    if (this.mine.end) {
      const left = this.mine.end - this.clock.now();
      this.panel.tick(left, this.plan.lockSeconds * 1000);
      if (left <= urgent && !this.warned) {
        this.warned = true;
        this.panel.say('news', ''); // the warning replaces it
        this.host.emit('expiring', { seatIds: this.ids(this.mine.locked.keys()), expiresAt: new Date(this.mine.end).toISOString(), seconds: Math.ceil(left / 1000) });
        if (left > 1000) this.host.announcer.alarm(this.words.say(`soon.${this.session.way}`, { time: this.words.duration(left), seats: this.names(this.mine.locked.keys()) }));
      }
      if (left > urgent) this.warned = false;
    }
    if (Math.floor(performance.now() / 1000) !== this.second) {
      this.second = Math.floor(performance.now() / 1000);
      if (this.second % 10 === 0) this.drawn.tick();
      this.#showSale();
      if (this.reading !== undefined) this.read(this.reading);
    }
  }

  /** Updates what the user has, the map and the messages after a change. moved is set if others made it. */
  update(positions, moved = false) {
    if (this.#ready) {
      const { ranOut, gone, cancelled, booked, taken } = this.mine.compare(this.seats);
      this.#ranOut(ranOut);
      if (booked.length) this.booked(booked);
      this.#gone(gone, cancelled);
      this.#taken(taken);
      positions = [...positions, ...ranOut.map(([p]) => p), ...gone, ...cancelled, ...booked, ...taken];
      this.#keepPicks();
    }
    for (const p of positions) {
      if (p >= this.plan.seatCount) continue; // places of areas are not drawn
      this.#changed.add(p);
      this.#moved[moved ? 'add' : 'delete'](p);
    }
    if (moved && this.#changed.size <= few) this.#gathering ??= setTimeout(() => this.#drawSoon(), this.#pace);
    else this.#drawSoon();
  }

  #drawSoon() {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const began = performance.now();
      this.#draw();
      setTimeout(() => { this.#pace = Math.max(gather[0], Math.min(gather[1], share * (performance.now() - began))); }); // once it is painted
    });
  }

  /** Says that time ran out. The seats stay picked, so that the user can lock them again. */
  #ranOut(ended) {
    if (ended.length === 0) return;
    const seats = ended.map(([p]) => p);
    this.mine.pickAgain(ended, this.seats);
    const { mine } = this;
    const again = seats.some((p) => mine.picked.has(p)) || mine.places > 0;
    this.say('bad', this.words.say('ranOut', { seats: this.names(seats), n: seats.length }), true,
      again ? { text: this.words.say('ranOut.again', { n: seats.length }), act: () => this.picking.lock() } : undefined);
    this.host.emit('expired', { seatIds: this.ids(seats) });
  }

  /** Handles locks that were booked elsewhere: in another window or by the shop. */
  booked(seats) {
    this.host.emit('booked', { seatIds: this.ids(seats) });
    if (!this.session.sells) this.say('good', this.words.say('booked', { seats: this.names(seats) }), true);
  }

  /** Says that locks were ended or bookings cancelled, in another window or by the shop. */
  #gone(locks, bookings) {
    const seats = [...locks, ...bookings];
    if (seats.length === 0) return;
    this.say('bad', this.words.say('gone', { seats: this.names(seats), n: seats.length }), true);
    if (locks.length) this.host.emit('conflict', { seatIds: this.ids(locks), code: 'lock_not_held' });
    if (bookings.length) this.host.emit('release', { seatIds: this.ids(bookings) });
  }

  /** Says that picks were taken by others. */
  #taken(seats) {
    if (seats.length === 0) return;
    this.say('bad', this.words.say('taken.picked', { seats: this.names(seats), n: seats.length }), true);
    this.host.emit('conflict', { seatIds: this.ids(seats), code: 'seat_locked' });
  }

  /** Saves the picks for a reload, and for when the event is opened again. */
  #keepPicks() {
    const { picks } = this.mine;
    const text = JSON.stringify(picks);
    if (text === this.kept) return;
    this.kept = text;
    keptPicks.save(this.plan.eventId, this.mine.owner, picks);
    this.host.emit('pick', this.basket);
  }

  #draw() {
    if (this.closed) return;
    if (this.#ready) this.#paint();
    this.panel.show(this.plan, this.mine, this.session.way);
    this.areas.show(this.seats.areas.map(({ available }) => available), this.mine.wanted, (i) => this.toolbar.filter.passes(i));
    this.toolbar.count((i) => this.seats.left(i));
    this.#showCounts();
    if (this.reading !== undefined) this.read(this.reading);
  }

  /** Paints the changed seats. Until the first list, no seat has a state, and the changes are kept. */
  #paint() {
    if (this.#changed.size > few) this.#moved.clear();
    this.drawn.paint(this.#changed, this.#moved);
    this.#changed.clear();
    this.#moved.clear();
  }

  /** Runs when another part of the venue is drawn. */
  #shown() {
    this.#showCounts();
    this.reading = undefined;
    this.host.find('readout').textContent = '';
  }

  #showCounts() {
    const { part } = this.drawn;
    const counts = part === null ? this.seats.all : this.seats.parts[part];
    for (const [status, n] of Object.entries(counts)) {
      put(this.host.find(`n-${status}`), 'textContent', this.words.number(n));
    }
    for (const id of ['blocked', 'blocked-mark']) put(this.host.find(id), 'hidden', counts.blocked === 0);
    const { available, locked, booked } = this.seats.all;
    put(this.host.find('nothing'), 'textContent', this.words.say(available ? 'yours.none' : locked ? 'yours.allHeld' : booked ? 'yours.soldOut' : 'yours.notForSale'));
    if (this.#ready) this.host.announcer.announceCounts(this.words.say(part === null && this.plan.areas.length ? 'available.tickets' : 'available', { n: counts.available }));
  }

  /** Describes, below the map, the seat under the pointer or the focus. */
  read(position) {
    this.reading = position;
    const state = this.state(position);
    put(this.host.find('readout'), 'textContent', this.words.say('readout', {
      seat: seatName(this.plan, position), facts: worth(this.plan, position, state, this.left(position)),
    }));
  }

  #readPart(i) {
    this.reading = undefined;
    const { available: n, locked, booked, blocked } = this.seats.parts[i];
    this.host.find('readout').textContent = this.words.say(blocked ? 'part.counts.blocked' : 'part.counts', { section: this.plan.parts[i].name, n, locked, booked, blocked });
  }

  names(positions) {
    return seatNames(this.plan, positions);
  }

  say(kind, text, atOnce = false, offer = undefined) {
    this.panel.say(kind, text, offer);
    if (atOnce) this.host.announcer.alarm(text);
    else this.host.announcer.announce(text);
  }

  #passes(position) {
    return this.toolbar.filter.passes(this.plan.category[position]);
  }

  #filtered() {
    this.drawn.filter();
    this.update([]);
  }

  #showSale() {
    const { sentence } = this.sale;
    if (this.host.find('sale').textContent === sentence) return;
    this.host.find('sale').textContent = sentence;
    this.host.find('sale').hidden = !sentence;
    if (this.#ready) this.host.announcer.announce(sentence || this.words.say('sale.open'));
  }

  ids(positions) {
    return [...positions].map((p) => this.plan.ids[p]);
  }

  /** What the user has, as the element shows it to the shop. */
  get basket() {
    return basketOf(this.plan, this.mine);
  }
}
