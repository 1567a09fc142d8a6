// Shows one event of a server in a Host, and another one when it is asked to.

import { EventPage } from './event.js';
import { changes, forgetUser, signedOut } from './mine.js';
import { Panel } from './panel.js';
import { reason } from './problems.js';

/** A Controller shows an event in a Host, by the answers of an Api, until close(). */
export class Controller {
  session; // who the user is, once that is known
  page; // the open event
  max = 0; // how many seats a user may have, if that is less than the event allows; 0 is no limit
  #closed = new AbortController();
  #opening;
  #asked = {}; // the event and the section that are to be shown

  constructor(host, api) {
    this.host = host;
    this.api = api;
    const picking = (act) => (...args) => this.page.picking[act](...args);
    this.panel = new Panel(host, Object.fromEntries(['drop', 'choose', 'dropPlaces', 'lock', 'confirm', 'release'].map((act) => [act, picking(act)])));
    window.addEventListener('storage', ({ key, newValue }) => {
      if (key === signedOut && newValue && newValue === this.session?.owner) this.#forget(newValue);
      else if (key !== this.page?.mine.key) return;
      else if (newValue === null) this.session.renew().catch(() => this.page.shared()); // a window with an older page says only so that the user has signed out
      else this.page.shared();
    }, { signal: this.#closed.signal });
    changes.addEventListener('change', ({ detail: other }) => { // in another map of this page
      const { mine } = this.page ?? {};
      if (other !== mine && other.key === mine?.key) this.page.shared();
    }, { signal: this.#closed.signal });
  }

  close() {
    this.#closed.abort();
    this.page?.close();
  }

  /**
   * Finds out who the user is and which events there are, and opens the requested one.
   * load(again) returns a promise of the Session. early is what askEarly has returned, or {}.
   */
  async start(load, early) {
    let again = false;
    this.session = await this.#keepAsking(() => {
      const session = load(again);
      again = true;
      return session;
    });
    this.session.renewed = (before) => {
      this.host.introduce(this.session);
      if (this.session.user !== before.user) this.page?.become(before);
    };
    this.panel.say('news', '');
    this.host.introduce(this.session);
    if (this.#asked.eventId === undefined || this.host.choosesEvent) {
      const events = await this.#keepAsking(async () => (await early.events) ?? this.api.events());
      this.panel.say('news', '');
      this.#asked = this.host.choose(events, this.#asked);
    }
    await this.#open(early);
  }

  /** Shows an event, and a section of it if it is large. */
  show(eventId, section) {
    this.#asked = { eventId, section };
    return this.session && this.#open();
  }

  async #open(early) {
    const { eventId } = this.#asked;
    if (!eventId || this.#opening === eventId) return;
    let drawn = () => {};
    if (this.page?.plan.eventId !== eventId) {
      this.#opening = eventId;
      const asked = early && await early.eventId === eventId ? early : {};
      const list = asked.list ?? this.api.seats(eventId).catch(() => null); // at the same time as the layout
      const event = await this.#keepAsking(async () => (await asked.event) ?? this.api.event(eventId), () => this.#opening === eventId);
      this.#opening = undefined;
      this.panel.say('news', '');
      const first = new Promise((resume) => { drawn = resume; }).then(() => list); // the seats are ready once they are drawn
      this.#replace(event, first);
      await new Promise((resume) => setTimeout(resume)); // building a large plan takes long: let the browser paint
      if (this.#over || this.page.plan.eventId !== eventId) return;
    }
    this.#opening = undefined;
    this.page.drawn.show(this.#asked.section);
    drawn();
  }

  /** The server's time, by which locks end. */
  get now() {
    return this.page?.clock.now() ?? Date.now();
  }

  /** Forgets a user who has signed out in another window, and asks who the user is now. */
  #forget(owner) {
    forgetUser(owner);
    this.page?.picking.clear();
    this.session.renew().catch(() => this.page?.shared());
  }

  get #over() {
    return this.#closed.signal.aborted;
  }

  /** Replaces the event that is shown. */
  #replace(event, list) {
    this.page?.close();
    this.host.mark('ready', false);
    const { api, host, max, panel, session } = this;
    const seatLimit = max && event.seatLimit ? Math.min(max, event.seatLimit) : max || event.seatLimit;
    this.page = new EventPage(host, { ...event, seatLimit }, { api, list, panel, session, renew: (revision) => this.#renew(revision) });
  }

  /** Fetches the seat map of the open event again, since there is one of this revision. */
  async #renew(revision) {
    const before = this.page;
    const { eventId } = before.plan;
    let event;
    for (;;) {
      event = await this.#keepAsking(() => this.api.event(eventId), () => this.page === before);
      if ((event.revision ?? 0) >= revision) break;
      await new Promise((resume) => setTimeout(resume, 2000)); // not every server has it yet
    }
    while (before.mine.asked) { // the answer is for the page that asked
      await new Promise((resume) => setTimeout(resume, 100));
      if (this.page !== before) return;
    }
    const { drawn: { place } } = before;
    this.#replace(event, this.api.seats(eventId).catch(() => null));
    this.page.drawn.resume({ ...place, part: place.part ?? this.#asked.section });
    this.panel.say('news', this.host.words.say('map.changed'));
  }

  /**
   * Repeats a call while the server is unreachable, as it may be at the start. Once the
   * answer is not wanted any more, because another event was chosen, it never returns.
   */
  async #keepAsking(call, wanted = () => true) {
    for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
      try {
        const answer = await call();
        return this.#over || !wanted() ? await never() : answer;
      } catch (error) {
        if (this.#over || !wanted()) return never();
        if (error.status === 401 && !this.session?.unknown) return this.#signedOut();
        if (error.status === 401) await this.session.renew().catch(() => {}); // only the server knows who may look
        const { words } = this.host;
        const message = error.status === 401 ? words.say('error.busy') : reason(words, error);
        const final = error.code === 'unknown_event';
        if (!final) this.host.light('away');
        else if (!this.page) this.host.light('none');
        this.panel.say('bad', words.sentences(message, !final && words.say('outcome.again')));
        this.host.emit('error', { code: error.code || 'unreachable', message });
        if (final) return never();
      }
      await new Promise((resume) => setTimeout(resume, pause * (0.75 + Math.random() / 2)));
      if (this.#over || !wanted()) return never();
    }
  }

  /** Shows that the user must sign in to see anything. */
  #signedOut() {
    this.host.light('out');
    const { sells, canSignIn } = this.session ?? {};
    const message = this.host.words.say(sells && !canSignIn ? 'signIn.private' : 'signIn.see');
    this.panel.say('news', message);
    this.host.emit('error', { code: 'unauthenticated', message });
    return never();
  }
}

/** Returns a promise that never resolves, to stop the caller. */
const never = () => new Promise(() => {});
