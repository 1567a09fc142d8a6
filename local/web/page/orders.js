// Polls the state of an order until it has ended, and shows it.

import { untilAnswered } from './api.js';
import { reason } from './problems.js';

const followFor = 60_000; // ms for which the page asks by itself

/** Orders follows the orders of the user of one EventPage, by its Calls. */
export class Orders {
  following; // the turn of the latest follow()

  constructor(page, calls) {
    this.page = page;
    this.calls = calls;
  }

  /** Shows the state of an order, by default the latest, until it has ended. */
  async follow(id) {
    const { page, page: { plan, words } } = this;
    const turn = this.following = {};
    const end = performance.now() + followFor;
    for (let said; ; await new Promise((resume) => setTimeout(resume, 1500))) {
      let order;
      try {
        order = await untilAnswered(() => this.calls.asUser((user) => page.api.order(plan.eventId, user, id)), end, () => {});
        if (order.state === 'refunded') order.kept = await untilAnswered(() => this.#booked(order.seatIds), end, () => {});
      } catch (error) {
        order = { error };
      }
      if (page.closed || this.following !== turn) return;
      const again = { text: words.say('order.look'), act: () => this.follow(id) };
      if (order.error) {
        const { code } = order.error;
        if (code === 'unknown_order') page.mine.pay([...page.mine.paying], false);
        if (code !== 'unknown_order' || id) page.say('bad', words.sentences(code !== 'unknown_order' && words.say('order.unknown'), reason(words, order.error)), true, again);
        return;
      }
      if (order.state !== said) this.#tell(order);
      said = order.state;
      if (['paid', 'closed', 'refunded', 'needs_person'].includes(said)) return;
      if (performance.now() < end) continue;
      if (said !== 'open') page.say('news', words.say('order.slow'), false, again);
      return;
    }
  }

  /** Shows the state of an order, and updates its seats. */
  #tell({ orderId: reference, state, seatIds, total, refunded, currency, payBefore, kept }) {
    const { page, page: { plan, mine, words } } = this;
    const seats = seatIds.map((id) => plan.positions.get(id)).filter((p) => p !== undefined);
    const named = { seats: page.names(seats) || words.say('some', { n: seatIds.length }), n: seatIds.length, reference };
    const back = refunded && words.money(refunded, currency);
    if (state === 'open') {
      const end = Date.parse(payBefore);
      mine.lock(seats, end, true);
      page.say('news', words.say('order.open', { ...named, time: words.duration(end - page.clock.now()) }));
    } else if (state === 'paid') {
      mine.book(seats);
      page.seats.know(seats, Infinity);
      page.say('good', words.sentences(
        total ? words.say('order.paid.for', { ...named, price: words.money(total, currency) }) : words.say('order.paid', named),
        back && words.say('order.paid.back', { price: back })));
      page.host.receipt({ words, plan, reference, seats: seats.map((p) => page.names([p])), price: total ? words.money(total, currency) : '' });
    } else if (state === 'giving_back') {
      page.say('news', words.say('order.giving', named));
    } else if (state === 'closed') {
      this.#forget(seats);
      page.say('bad', words.say('order.closed', named), true);
    } else if (state === 'refunded' && kept.length) {
      mine.book(kept);
      page.say('good', words.sentences(words.say('order.paid.back', { price: back }), words.say('order.kept', { seats: page.names(kept), n: kept.length })));
    } else if (state === 'refunded') {
      const late = seats.some((p) => !mine.bought.has(p)); // this browser never saw them booked
      this.#forget(seats);
      page.say('bad', words.say(late ? 'order.late' : 'order.refunded', { ...named, price: back }), true);
    } else if (state === 'needs_person') {
      page.say('bad', words.say('order.person', named), true);
    } else {
      page.say('news', state === 'opening' ? words.say('order.opening') : words.say('order.booking', named));
    }
    page.update(seats);
  }

  /** Returns the ones of the seats that are booked for the user. */
  async #booked(seatIds) {
    const { page, page: { plan } } = this;
    const all = await this.calls.asUser((user) => page.api.mine(plan.eventId, user));
    return all.filter(({ seatId, status }) => status === 'booked' && seatIds.includes(seatId))
      .map(({ seatId, section }) => plan.place(seatId, plan.areas.findIndex(({ name }) => name === section))).filter((p) => p !== undefined);
  }

  #forget(seats) {
    const { mine } = this.page;
    mine.forget(seats.filter((p) => mine.paying.has(p) || mine.bought.has(p)));
  }
}
