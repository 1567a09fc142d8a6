// The user's calls about an event: each is repeated until it is answered, and a message
// says how it went.

import { undecided, untilAnswered } from './api.js';
import { Orders } from './orders.js';
import { reason } from './problems.js';

const retryFor = 20_000; // ms

/** The user has changed since the page asked. The message says how, as Session.since does. */
class OtherUser extends Error {}

/** Calls are the calls of one EventPage. */
export class Calls {
  constructor(page) {
    this.page = page;
    this.orders = new Orders(page, this);
  }

  /**
   * Repeats a call until it is answered, and returns whether it succeeded. The call is saved
   * first, so that a page that is reloaded meanwhile can find out how it ended. If open is
   * given, a count of seats or of places of areas, the server chooses further seats. A
   * repeat would then take other seats, so make first asks what the user has.
   */
  async make(call, seats, open) {
    const { page } = this;
    if (page.mine.asked || seats.length === 0 && !open) return false;
    if (!page.session.user && !await this.#meet(call, seats)) return false;
    const { mine } = page;
    mine.ask({ call, seats, open });
    if (call === 'checkout') mine.pay(seats, true); // even if the answer is lost, the locks last longer from now on
    page.update(seats);
    let repeated = false;
    let succeeded = false;
    try {
      const end = performance.now() + (call === 'confirm' || call === 'checkout' ? Math.min(retryFor, (mine.end ?? Infinity) - page.clock.now()) : retryFor);
      const body = this.#body(call, seats, open);
      const answer = await untilAnswered(
        async () => (open && repeated && await this.#found(seats)) || this.asUser((user) => this.#send(call, user, body)),
        end,
        () => {
          repeated = true;
          page.say('news', page.words.say('repeating'));
        },
      );
      mine.ask(null);
      this.#answered(call, call === 'lock' ? this.#positions(answer, seats, open) : seats, answer, repeated, open);
      succeeded = true;
    } catch (error) {
      mine.ask(null);
      this.#refused(call, seats, error, repeated, open);
    }
    page.update(seats);
    return succeeded;
  }

  /** Makes the call. For the best seats of some categories it tries one category after the other. */
  async #send(call, user, { categories = [undefined], ...body }) {
    const { page, page: { plan: { eventId } } } = this;
    for (const [i, category] of categories.entries()) {
      try {
        return await page.api[call](eventId, user, { ...body, category });
      } catch (error) {
        if (error.code !== 'not_enough' || i === categories.length - 1) throw error;
      }
    }
    throw new Error('no category');
  }

  /** Returns the body of a call. It has no levels of seats that the server chooses. */
  #body(call, seats, { areas, ...open } = {}) {
    const { plan, mine } = this.page;
    const body = { ...open };
    if (seats.length) body.seatIds = seats.map((p) => plan.ids[p]);
    if (areas) body.areas = areas.map(({ area, levels }) => ({ section: plan.areas[area].name, count: levels.length }));
    const chosen = seats.map((p) => mine.levels.get(p) ?? plan.categoryOf(p)?.levels?.[0].id ?? '');
    if (call === 'checkout') Object.assign(body, { returnUrl: this.page.host.returnUrl(plan.eventId), lang: this.page.words.lang });
    if (call !== 'release' && !areas && chosen.some((level) => level)) body.levels = chosen;
    return body;
  }

  /** Returns what a lock whose answer was lost has locked, in the form of the answer, or null. */
  async #found(seats) {
    const { plan, mine } = this.page;
    const all = await this.asUser((user) => this.page.api.mine(plan.eventId, user));
    const known = (id) => mine.locked.has(plan.positions.get(id));
    const locked = all.filter(({ seatId, status }) => status === 'locked' && !known(seatId));
    if (!locked.length) return null;
    const names = new Set(seats.map((p) => plan.ids[p]));
    const [named, others] = [true, false].map((is) => locked.filter(({ seatId }) => names.has(seatId) === is));
    for (const { seatId, section } of others) plan.place(seatId, plan.areas.findIndex(({ name }) => name === section));
    return { seatIds: [...named, ...others].map(({ seatId }) => seatId), expiresAt: locked.map(({ expiresAt }) => expiresAt).sort()[0] };
  }

  /** Returns the positions named by a lock's answer, and records the levels of places. */
  #positions({ seatIds }, seats, { areas = [] } = {}) {
    const { plan, mine } = this.page;
    const wanted = areas.flatMap(({ area, levels }) => levels.map((level) => [area, level]));
    let i = 0;
    return seatIds.map((id) => {
      if (seats.includes(plan.positions.get(id))) return plan.positions.get(id);
      const [area = -1, level] = wanted[i++] ?? [];
      const position = plan.place(id, area);
      if (level) mine.levels.set(position, level);
      return position;
    }).filter((p) => p !== undefined);
  }

  /** Asks again who the user is, before a call without a user. Returns whether there is a user now. */
  async #meet(call, seats) {
    const { page, page: { mine, session } } = this;
    mine.asked = { call, seats };
    page.update(seats);
    try {
      await session.renew();
      if (!session.user) this.#askToSignIn();
    } catch (error) {
      if (error.status === 429) page.say('bad', page.words.say(session.canSignIn ? 'crowded.signIn' : 'crowded'), true);
      else if (error.status === 403) this.#askToSignIn();
      else this.#refused(call, seats, error);
    }
    mine.asked = null;
    page.update(seats);
    return Boolean(session.user);
  }

  /**
   * Makes the call on behalf of the user, and repeats it if the session only had to be
   * renewed. The call names the user, so that the server refuses it if another window of
   * this browser has become another user.
   */
  async asUser(call) {
    const { session } = this.page;
    const { user, guest } = session;
    const make = () => call(user);
    try {
      return await make();
    } catch (error) {
      if (error.code !== 'unauthenticated' && error.code !== 'forbidden') throw error;
      if (!await session.renew()) throw new OtherUser(session.since({ user, guest }));
      if (error.code === 'forbidden') throw error;
      return make();
    }
  }

  #askToSignIn() {
    const { host, words, session: { canSignIn, sells } } = this.page;
    this.page.say('news', words.say(canSignIn ? 'signIn.picks' : sells ? 'who.looking' : 'who.nobody')); // a shop signs its buyers in
    host.emit('error', { code: 'unauthenticated', message: words.say('signIn.next') });
    if (canSignIn) this.page.host.focusSignIn();
  }

  #answered(call, seats, answer, repeated, open) {
    const { page, page: { words } } = this;
    const named = { seats: page.names(seats), n: seats.length };
    if (call === 'lock') {
      const end = Date.parse(answer.expiresAt);
      // Seats that were locked before keep their end; the answer has the earliest of all.
      page.mine.lock(seats.filter((p) => !page.mine.locked.has(p)), end);
      page.seats.know(seats, end);
      page.warned = false;
      if (open?.areas) page.mine.wantNothing();
      page.host.emit('lock', page.basket);
      page.say('good', words.sentences(
        words.say('held', { ...named, time: words.duration(page.mine.end - page.clock.now()) }), // as in the countdown
        answer.together === false && words.say('held.apart'),
        words.say(`held.${page.session.way}`, named)));
    } else if (call === 'checkout') {
      if (answer.state === 'open') {
        page.mine.lock(seats, Date.parse(answer.payBefore), true);
        page.host.leave(answer.payUrl);
      } else this.orders.follow(answer.orderId);
    } else if (call === 'confirm') {
      page.mine.book(seats);
      page.seats.know(seats, Infinity);
      page.host.emit('booked', { seatIds: page.ids(seats) });
      const price = answer.total === undefined ? '' : words.money(answer.total, answer.currency);
      page.say('good', price ? words.say('booked.for', { ...named, price }) : words.say('booked', named));
    } else {
      const released = answer.seatIds.map((id) => page.plan.positions.get(id));
      page.mine.forget(seats);
      page.seats.know(released, 0);
      page.host.emit('release', { seatIds: page.ids(seats) });
      if (repeated || page.session.pays) page.say('news', words.say('given', named)); // by the first call, whose answer was lost, or by the end of the order
      else if (released.length) page.say('news', words.say('given', { seats: page.names(released) }));
      else page.say('news', words.say('given.none', named));
    }
  }

  #refused(call, seats, error, repeated = false, open = undefined) {
    const { page, page: { words } } = this;
    const inTheWay = (error.seats ?? []).map(({ seatId }) => page.plan.positions.get(seatId)).filter((p) => p !== undefined);
    const named = { seats: page.names(inTheWay), n: inTheWay.length };
    if (inTheWay.length) page.host.emit('conflict', { code: error.code, seatIds: page.ids(inTheWay) });
    else page.host.emit('error', { code: error.code || 'unreachable', message: reason(words, error) });
    if (call === 'checkout' && !undecided(error)) page.mine.pay(seats, false);
    if (['seat_locked', 'seat_booked', 'seat_blocked'].includes(error.code)) {
      for (const p of inTheWay) page.mine.picked.delete(p);
      const rest = seats.length - inTheWay.length;
      const waits = error.code === 'seat_locked' && error.seats.every((s) => s.expiresAt);
      const when = waits && words.soon(Math.max(...error.seats.map((s) => Date.parse(s.expiresAt))) - page.clock.now());
      page.say('bad', words.sentences(
        words.say(error.code === 'seat_blocked' ? 'taken.blocked' : 'taken', named),
        rest > 0 && words.say('taken.rest', { n: rest }),
        waits ? words.say('taken.return', { when, n: named.n }) : rest === 0 && error.code !== 'seat_blocked' && words.say('taken.next')), true);
    } else if (error.code === 'not_enough') {
      this.#offerFewer(error, open);
    } else if (error.code === 'orphan_seat') {
      page.picking.offerInstead((error.instead ?? []).map((id) => page.plan.positions.get(id)));
    } else if (error.code === 'not_on_sale') {
      page.say('bad', page.sale.sentence || reason(words, error), true);
    } else if (error.code === 'lock_expired' || error.code === 'lock_not_held') {
      page.mine.forget(inTheWay);
      page.say('bad', words.say(call === 'checkout' ? 'tooLate.pay' : 'tooLate.buy', named), true);
    } else if (error instanceof OtherUser) {
      page.say('bad', words.sentences(
        error.message && words.say(`other.${error.message}`),
        words.say(repeated ? 'other.unknown' : `other.${call}`),
        !page.session.user && words.say('signIn.next')), true);
      if (!page.session.user) page.host.focusSignIn();
    } else if (error.code === 'unauthenticated') {
      page.say('bad', words.say(page.session.sells ? 'cookies' : 'signIn.again'), true);
    } else {
      const open = undecided(error) && error.code !== 'rate_limited';
      page.say('bad', words.sentences(reason(words, error), open && words.say(`outcome.${call}`)), true);
    }
  }

  /** Says that there are not as many seats as requested, and offers what there is. */
  #offerFewer(error, { count, areas, apart } = {}) {
    const { page, page: { words } } = this;
    const { largest = 0 } = error;
    if (areas || !count) return page.say('bad', reason(words, error), true);
    if (largest === 0) return page.say('bad', words.say('fewer.none'), true);
    const there = words.say(apart ? 'fewer.left' : 'fewer.together', { n: largest });
    return page.say('bad', there, true, apart ? undefined : { text: words.say('fewer.apart'), act: () => page.picking.best(true) });
  }

  /** Asks what the user has, and shows what was booked elsewhere. */
  async refresh() {
    const { page, page: { mine, plan, session } } = this;
    if (!session.user) return;
    const all = await this.asUser((user) => page.api.mine(plan.eventId, user));
    const booked = all.filter(({ status }) => status === 'booked').map(({ seatId }) => plan.positions.get(seatId)).filter((p) => mine.locked.has(p));
    if (page.closed || !booked.length) return;
    mine.book(booked);
    page.seats.know(booked, Infinity);
    page.booked(booked);
    page.update(booked);
  }

  /** Adopts the locks of a call that a reload interrupted. */
  async #takeOver() {
    const { page } = this;
    const found = await this.#found([]).catch(() => null);
    if (!found || page.closed) return;
    this.#answered('lock', this.#positions(found, []), found);
    page.update([]);
  }

  /** Finds out the outcome of a call that a reload interrupted. */
  askAgain({ call, seats, open }) {
    const { page } = this;
    if (open) return this.#takeOver();
    const positions = seats.map((id) => page.plan.positions.get(id)).filter((p) => p !== undefined);
    const wanted = { lock: 'locked', confirm: 'booked' }[call];
    // A lock that does not exist is not repeated: that would make a new one.
    if (wanted && positions.length && positions.every((p) => page.seats.status(p) === wanted)) this.make(call, positions);
    return undefined;
  }
}
