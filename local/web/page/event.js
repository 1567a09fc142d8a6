// An open event: connects its seats, what the user has, the map and the panel.

import { alarm, announce, announceCounts } from './announce.js';
import * as api from './api.js';
import { Clock } from './clock.js';
import { Live } from './live.js';
import { SeatMap } from './map.js';
import { Mine, keptPicks } from './mine.js';
import { Overview } from './overview.js';
import { urgent } from './panel.js';
import { Plan } from './plan.js';
import { Seats } from './seats.js';
import { capital, duration, many, seatName, seatNames, stateName } from './words.js';

const mostAtATime = 200; // seats in one call
const retryFor = 20_000; // ms

const byId = (id) => document.getElementById(id);

/** The user has become another one since the page asked. The message says how. */
class OtherUser extends Error {}

/** An EventPage shows one event until close(). */
export class EventPage {
  #changed = new Set();
  #frame = 0;
  #timer;
  #warned = false;
  #ready = false;
  #renewing = false;

  /**
   * list is a promise of the first list, or of null. EventPage calls renew(revision)
   * once if a list is of a higher revision than the event.
   */
  constructor(event, list, session, panel, renew) {
    this.session = session;
    this.renew = renew;
    this.plan = new Plan(event);
    this.clock = new Clock();
    this.seats = new Seats(this.plan, this.clock);
    this.mine = new Mine(this.plan, session.user ?? 'nobody');
    this.panel = panel;
    this.part = null;
    byId('title').textContent = this.plan.title;
    byId('subtitle').textContent = this.plan.subtitle;
    document.title = `${this.plan.title} – seats`;
    this.live = new Live(this.plan.eventId, this.seats, list, {
      heard: (list) => this.#heard(list),
      light: (state) => this.#light(state),
    });
    this.#timer = setInterval(() => this.#tick(), 250);
    this.#light('connecting');
  }

  close() {
    this.live.stop();
    clearInterval(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.view?.remove();
    this.closed = true;
  }

  /** Draws one part of a large venue, or the whole venue. */
  show(name) {
    const i = this.plan.parts.findIndex((part) => part.name === name);
    const part = this.plan.large && i >= 0 ? i : null;
    if (this.view && part === this.part) return;
    const from = this.part;
    const focused = this.view && document.activeElement?.closest('#map, #way');
    this.part = part;
    this.view?.remove();
    const host = byId('map');
    const whole = this.plan.large && part === null;
    document.body.classList.toggle('whole', whole);
    document.body.classList.toggle('section', this.plan.large && !whole);
    if (whole) {
      this.view = new Overview(host, this.plan, {
        status: (p) => this.#state(p),
        counts: (n) => this.seats.parts[n],
        open: (n) => this.#open(n),
        reached: (n) => this.#readPart(n),
      });
    } else {
      this.view = new SeatMap(host, this.plan, part === null ? this.plan.parts : [this.plan.parts[part]], {
        state: (p) => this.#state(p),
        left: (p) => this.#left(p),
        act: (p) => this.#act(p),
        leave: () => this.plan.large && this.#open(null),
        reached: (p) => this.#read(p),
      });
    }
    byId('part').textContent = part === null ? '' : this.plan.parts[part].name;
    this.#neighbour('before', part - 1);
    this.#neighbour('after', part + 1);
    this.#showCounts();
    this.reading = undefined;
    byId('readout').textContent = whole ? 'Choose a section to see its seats.' : '';
    if (focused) this.view.focus(whole ? from ?? 0 : undefined);
  }

  /** Where the user is: in the part that is open, and at what has the focus. */
  get place() {
    const part = this.part === null ? undefined : this.plan.parts[this.part];
    const { at, part: shape } = document.activeElement?.closest('#map [role=gridcell]')?.dataset ?? {};
    return {
      part: part?.name,
      seats: part ? this.plan.ids.slice(part.first, part.first + part.count) : [],
      focus: at !== undefined ? this.plan.ids[at] : this.plan.parts[shape]?.name,
      zoom: this.view?.zoom,
      scrolled: [byId('map'), document.scrollingElement].map((box) => [box, box.scrollLeft, box.scrollTop]),
    };
  }

  /** Shows the place of a page that had another seat map of the event. */
  resume({ part, seats, focus, zoom, scrolled }) {
    const { parts, partOf, positions } = this.plan;
    let i = parts.findIndex(({ name }) => name === part);
    if (i < 0) i = partOf[positions.get([focus, ...seats].find((id) => positions.has(id)))] ?? -1; // it has another name now
    if (part === undefined || !this.plan.large) i = -1;
    this.show(parts[i]?.name);
    if (part !== parts[i]?.name) history.replaceState(null, '', `#${this.#hash(this.part)}`);
    if (zoom) this.view.magnify(zoom);
    for (const [box, left, top] of scrolled) box.scrollTo({ left, top, behavior: 'instant' });
    if (focus === undefined) return;
    const shape = parts.findIndex(({ name }) => name === focus);
    if (this.plan.large && this.part === null) this.view.focus(Math.max(0, shape));
    else this.view.focus(positions.get(focus));
  }

  /** Shows what another user has, since the user is not the one before, and says so. */
  become(before) {
    const { picked } = this.mine;
    this.mine = new Mine(this.plan, this.session.user ?? 'nobody');
    for (const p of picked) if (!this.mine.locked.has(p) && !this.mine.bought.has(p)) this.mine.picked.add(p);
    this.#warned = false;
    const since = this.session.since(before);
    if (since) this.#say('bad', since, true);
    this.#update(this.plan.ids.keys());
  }

  /** Takes over a change that another window of this browser made. */
  shared() {
    this.mine.refresh();
    this.#update(this.plan.ids.keys());
  }

  #open(i) {
    location.hash = this.#hash(i);
  }

  /** The address of a part, or of the whole venue. */
  #hash(i) {
    const hash = new URLSearchParams({ event: this.plan.eventId });
    if (i !== null) hash.set('section', this.plan.parts[i].name);
    return hash;
  }

  #neighbour(id, i) {
    const link = byId(id);
    const part = this.part === null ? undefined : this.plan.parts[i];
    link.hidden = !part;
    if (part) link.href = `#${new URLSearchParams({ event: this.plan.eventId, section: part.name })}`;
    if (part) link.querySelector('span').textContent = part.name;
    byId('back').href = `#${new URLSearchParams({ event: this.plan.eventId })}`;
  }

  #state(position) {
    return this.mine.state(position, this.seats);
  }

  /** The time left on a seat's lock, in ms. */
  #left(position) {
    return (this.mine.locked.get(position) ?? this.seats.until[position]) - this.clock.now();
  }

  /** Picks those of the seats that there are. */
  pick(ids) {
    for (const id of ids) {
      const position = this.plan.positions.get(id);
      if (position !== undefined) this.mine.picked.add(position);
    }
    this.#update([]);
  }

  #heard(list) {
    if (this.closed) return;
    const revision = list.revision ?? 0;
    if (revision > this.plan.revision && !this.#renewing) {
      this.#renewing = true;
      this.renew(revision);
    }
    const changed = this.seats.fold(list);
    if (!this.#ready) this.#begin();
    this.#update(changed, true);
  }

  /** Runs once, after the first list. */
  #begin() {
    this.#ready = true;
    document.body.classList.add('ready');
    for (const id of keptPicks.take(this.plan.eventId)) {
      const p = this.plan.positions.get(id);
      if (p !== undefined && this.seats.status(p) === 'available') this.mine.picked.add(p);
    }
    const { unanswered } = this.mine;
    if (unanswered) this.#askAgain(unanswered);
    performance.mark('seats-shown');
  }

  #light(state) {
    if (this.closed) return;
    const light = byId('light');
    if (light.dataset.state === state) return;
    const was = light.dataset.state;
    light.dataset.state = state;
    light.textContent = { live: 'Live', asking: 'Live, every second', away: 'Reconnecting…', out: 'Signed out', connecting: 'Connecting…' }[state];
    document.body.classList.toggle('away', state === 'away');
    if (state === 'away') announce('The connection is lost. The seats are shown as they were last.');
    if (state === 'out') this.#shutOut();
    if (was === 'away') announce('Connected again.');
  }

  /** Finds out why the seats are not shown any more. */
  async #shutOut() {
    try {
      await this.session.renew();
    } catch { /* the light shows that the server is away */ }
    if (this.closed || this.session.user) return; // they are shown again
    this.#say('bad', this.session.canSignIn ? 'You are not signed in any more. Sign in again to see the seats.' : 'The seats are not shown to everybody here.', true);
  }

  #tick() {
    const freed = this.seats.runOut();
    const end = this.mine.end;
    if (freed.length || (end && end <= this.clock.now()) || this.mine.doubted) this.#update(freed, true);
    if (this.mine.end) {
      const left = this.mine.end - this.clock.now();
      this.panel.tick(left, this.plan.lockSeconds * 1000);
      if (left <= urgent && !this.#warned) {
        this.#warned = true;
        this.panel.say('news', ''); // the warning replaces it
        if (left > 1000) alarm(`${capital(duration(left))} left to confirm ${this.#names(this.mine.locked.keys())}.`);
      }
      if (left > urgent) this.#warned = false;
    }
    if (Math.floor(performance.now() / 1000) !== this.second) {
      this.second = Math.floor(performance.now() / 1000);
      if (this.second % 10 === 0) this.view?.tick();
      if (this.reading !== undefined) this.#read(this.reading);
    }
  }

  /** Brings what the user has, the map and the messages up to date after a change. */
  #update(positions, moved = false) {
    if (this.#ready) {
      const { ranOut, gone, taken } = this.mine.compare(this.seats);
      if (ranOut.length) {
        this.#say('bad', `Time ran out. ${this.#names(ranOut)} ${ranOut.length > 1 ? 'are' : 'is'} no longer locked for you.`, true);
      }
      if (gone.length) this.#say('bad', `${this.#names(gone)} ${gone.length > 1 ? 'are' : 'is'} not yours any more: given back, or the server was restarted.`, true);
      if (taken.length) this.#say('bad', `Somebody was faster: ${this.#names(taken)} ${taken.length > 1 ? 'have' : 'has'} just been taken.`, true);
      for (const p of [...ranOut, ...gone, ...taken]) this.#changed.add(p);
    }
    for (const p of positions) this.#changed.add(p);
    this.moved ||= moved;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    if (this.closed) return;
    const few = this.#changed.size <= 400; // a whole new list is not a movement
    if (this.view) this.view.paint(this.#changed, this.moved && few);
    this.#changed.clear();
    this.moved = false;
    this.panel.show(this.plan, this.mine);
    this.#showCounts();
    if (this.reading !== undefined) this.#read(this.reading);
  }

  #showCounts() {
    const counts = this.part === null ? this.seats.counts : this.seats.parts[this.part];
    for (const [status, n] of Object.entries(counts)) {
      const [at, text] = [byId(`n-${status}`), n.toLocaleString('en-GB')];
      if (at.textContent !== text) at.textContent = text;
    }
    for (const blocked of document.querySelectorAll('.counts [data-state=blocked], #blocked-mark')) blocked.hidden = counts.blocked === 0;
    if (this.#ready) announceCounts(`${many(counts.available, 'seat')} available.`);
  }

  /** Describes, below the map, the seat under the pointer or the focus. */
  #read(position) {
    this.reading = position;
    const state = this.#state(position);
    byId('readout').textContent = `${capital(seatName(this.plan, position))} – ${stateName(state, this.#left(position))}`;
  }

  #readPart(i) {
    this.reading = undefined;
    const { available, locked, booked, blocked } = this.seats.parts[i];
    const rest = blocked ? `, ${blocked} not for sale` : '';
    byId('readout').textContent = `${this.plan.parts[i].name} – ${many(available, 'seat')} available, ${locked} locked, ${booked} booked${rest}`;
  }

  #names(positions) {
    return seatNames(this.plan, positions);
  }

  #say(kind, text, atOnce = false) {
    this.panel.say(kind, text);
    if (atOnce) alarm(text);
    else announce(text);
  }

  /** Handles a click or Enter on a seat. */
  #act(position) {
    const { mine } = this;
    const state = this.#state(position);
    this.#read(position);
    if (state === 'picked') mine.picked.delete(position);
    else if (state === 'available') {
      const has = mine.picked.size + mine.locked.size;
      if (this.plan.seatLimit && has + mine.bought.size >= this.plan.seatLimit) {
        this.#say('news', `You may have ${many(this.plan.seatLimit, 'seat')} of this event, and that is how many you have. Leave one out to pick another.`);
        return;
      }
      if (has >= mostAtATime) {
        this.#say('news', `${mostAtATime} seats go together at most. Confirm these first.`);
        return;
      }
      mine.picked.add(position);
      this.panel.say('news', '');
    } else if (state !== 'asking') {
      this.#say('news', `${capital(seatName(this.plan, position))} is ${stateName(state, this.#left(position))}.`);
      return;
    }
    announce(`${capital(seatName(this.plan, position))} ${mine.picked.has(position) ? 'picked' : 'left out'}. ${many(mine.picked.size, 'seat')} picked.`);
    this.#update([position]);
  }

  /** Gives up one seat: a pick or a lock. */
  drop(position) {
    if (this.mine.locked.has(position)) this.#call('release', [position]);
    else {
      this.mine.picked.delete(position);
      this.#update([position]);
    }
  }

  lock() {
    if (this.mine.picked.size) this.#call('lock', [...this.mine.picked]);
  }

  confirm() {
    this.#call('confirm', [...this.mine.locked.keys()]);
  }

  release() {
    this.#call('release', [...this.mine.locked.keys()]);
  }

  /**
   * Repeats a call until it is answered. The call is saved first, so that a page
   * that was reloaded meanwhile can find out how it ended.
   */
  async #call(call, seats) {
    if (this.mine.asked || seats.length === 0) return;
    if (!this.session.user && !await this.#meet(call, seats)) return;
    const { mine } = this;
    mine.ask({ call, seats });
    this.#update(seats);
    let repeated = false;
    try {
      const end = performance.now() + (call === 'confirm' ? Math.min(retryFor, (mine.end ?? Infinity) - this.clock.now()) : retryFor);
      const answer = await api.untilAnswered(
        () => this.#asUser(call, seats.map((p) => this.plan.ids[p])),
        end,
        () => {
          repeated = true;
          this.#say('news', 'No answer yet. Asking again; nothing can be booked twice by that.');
        },
      );
      mine.ask(null);
      this.#answered(call, seats, answer, repeated);
    } catch (error) {
      mine.ask(null);
      this.#refused(call, seats, error, repeated);
    }
    this.#update(seats);
  }

  /** Asks again who the user is, before a call of nobody. Reports whether it is somebody now. */
  async #meet(call, seats) {
    const { mine } = this;
    mine.asked = { call, seats };
    this.#update(seats);
    try {
      await this.session.renew();
      if (!this.session.user) this.#askToSignIn();
    } catch (error) {
      if (error.status === 429) this.#say('bad', 'Very many people in your network are choosing seats just now, so you cannot lock any yet. Try again in a minute.', true);
      else this.#refused(call, seats, error);
    }
    mine.asked = null;
    this.#update(seats);
    return Boolean(this.session.user);
  }

  /**
   * Makes the call, again if the session of the same user had only to be renewed. The
   * call names the user, so that the server refuses it if another window of this
   * browser has become another user.
   */
  async #asUser(call, seatIds) {
    const { user, guest } = this.session;
    const make = () => api[call](this.plan.eventId, user, seatIds);
    try {
      return await make();
    } catch (error) {
      if (error.code !== 'unauthenticated' && error.code !== 'forbidden') throw error;
      if (!await this.session.renew()) throw new OtherUser(this.session.since({ user, guest }));
      if (error.code === 'forbidden') throw error;
      return make();
    }
  }

  #askToSignIn() {
    this.#say('news', this.session.canSignIn ? 'Sign in to go on. Your picks are kept.' : 'This page only shows the seats. They are sold elsewhere.');
    if (this.session.canSignIn) byId('signin').focus();
  }

  /** The ids of the seats that the user has picked. */
  get picks() {
    return [...this.mine.picked].map((p) => this.plan.ids[p]);
  }

  #answered(call, seats, answer, repeated) {
    const names = this.#names(seats);
    if (call === 'lock') {
      const end = Date.parse(answer.expiresAt);
      // Seats that were locked before keep their end; the answer has the earliest of all.
      this.mine.lock(seats.filter((p) => !this.mine.locked.has(p)), end);
      this.seats.know(seats, end);
      this.#warned = false;
      this.#say('good', `${names} ${seats.length > 1 ? 'are' : 'is'} yours for ${duration(end - this.clock.now())}. ${this.session.mayConfirm ? 'Confirm to book.' : 'Pay in the shop to book.'}`);
    } else if (call === 'confirm') {
      this.mine.book(seats);
      this.seats.know(seats, Infinity);
      this.#say('good', `Booked: ${names}. See you there.`);
    } else {
      const released = answer.seatIds.map((id) => this.plan.positions.get(id));
      this.mine.forget(seats);
      this.seats.know(released, 0);
      if (repeated) this.#say('news', `Given back: ${names}.`); // the first call, whose answer was lost, may have done it
      else if (released.length) this.#say('news', `Given back: ${this.#names(released)}.`);
      else this.#say('news', `There was nothing to give back: ${names} ${seats.length > 1 ? 'were' : 'was'} not yours any more.`);
    }
  }

  #refused(call, seats, error, repeated = false) {
    const inTheWay = (error.seats ?? []).map(({ seatId }) => this.plan.positions.get(seatId)).filter((p) => p !== undefined);
    const names = this.#names(inTheWay);
    if (['seat_locked', 'seat_booked', 'seat_blocked'].includes(error.code)) {
      for (const p of inTheWay) this.mine.picked.delete(p);
      const rest = seats.length - inTheWay.length;
      const others = rest ? ` Your other ${rest > 1 ? `${rest} seats are` : 'seat is'} still picked, but not locked yet.` : '';
      const waits = error.code === 'seat_locked' && error.seats.every((s) => s.expiresAt)
        ? ` They may come back in ${duration(Math.max(...error.seats.map((s) => Date.parse(s.expiresAt))) - this.clock.now())}.` : '';
      this.#say('bad', `Somebody was faster: ${names} ${inTheWay.length > 1 ? 'are' : 'is'} taken.${others}${waits}`, true);
    } else if (error.code === 'lock_expired' || error.code === 'lock_not_held') {
      this.mine.forget(inTheWay);
      this.#say('bad', `Too late: the time to confirm ${names} is over. Nothing was booked.`, true);
    } else if (error instanceof OtherUser) {
      const what = { lock: 'Nothing was locked. Your picks are kept: lock them again if you still want them.', confirm: 'Nothing was booked.', release: 'Nothing was given back.' }[call];
      const rest = repeated ? 'It is not known what became of your seats.' : what;
      this.#say('bad', `${error.message} ${rest}${this.session.user ? '' : ' Sign in to go on.'}`, true);
      if (!this.session.user) byId('signin').focus();
    } else if (error.code === 'unauthenticated') {
      this.#say('bad', 'Your browser does not keep who you are. Allow cookies for this page, and load it again.', true);
    } else {
      const what = { lock: 'Nothing is locked', confirm: 'It is not known whether they are booked', release: 'They may still be locked' }[call];
      this.#say('bad', error.code ? error.message : `The server cannot be reached. ${what}; try again.`, true);
    }
  }

  /** Finds out how a call ended that a reload interrupted. */
  #askAgain({ call, seats }) {
    const positions = seats.map((id) => this.plan.positions.get(id)).filter((p) => p !== undefined);
    const wanted = { lock: 'locked', confirm: 'booked' }[call];
    // A lock that is not there is not repeated: that would make a new one.
    if (wanted && positions.length && positions.every((p) => this.seats.status(p) === wanted)) this.#call(call, positions);
  }
}
