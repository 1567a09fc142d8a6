// The panel beside the map: what is picked, locked (and for how long) and booked,
// with its buttons.

import { element } from './element.js';
import { placeName, seatName, seatNames, special } from './names.js';
import { priceOf } from './prices.js';

const urgent = 20_000; // ms before the end when the countdown begins to warn

/**
 * A Panel shows what the user has, in a Host. It calls drop(position) to give up a pick or a
 * lock, choose(position, level) to choose a price, dropPlaces(area, level) to give up
 * places of an area, and lock, confirm and release when their buttons are pressed.
 */
export class Panel {
  #shown = {}; // by list: what is shown, and of which plan

  constructor(host, { drop, choose, dropPlaces, lock, confirm, release }) {
    this.host = host;
    this.words = host.words;
    this.drop = drop;
    this.choose = choose;
    this.dropPlaces = dropPlaces;
    this.host.find('lock').addEventListener('click', lock);
    this.host.find('confirm').addEventListener('click', confirm);
    this.host.find('release').addEventListener('click', release);
    this.host.find('dismiss').addEventListener('click', () => {
      this.say('news', '');
      this.#focusNext();
    });
  }

  /** Shows what the user has of a plan. way is how the user gets what is held: pay, buy or left. */
  show(plan, mine, way) {
    const { words } = this;
    // This runs whenever any seat changes, and most changes are other buyers'.
    const shown = [way, mine.asked?.call, ...[mine.picked, mine.locked.keys(), mine.paying, mine.bought, mine.levels, mine.wanted].map((all) => [...all])].join('/');
    if (shown === this.shown && plan === this.plan) return; // another seat map has other names and prices
    this.shown = shown;
    this.plan = plan;
    this.mine = mine;
    const busy = Boolean(mine.asked);
    const focused = this.host.focusedIn('.ticket');
    this.#list('picked', mine.picked, (p) => words.say('leaveOut.seat', { seat: seatName(plan, p) }));
    this.#list('locked', mine.locked.keys(), (p) => words.say('giveBack.seat', { seat: seatName(plan, p) }));
    this.#list('bought', mine.bought);
    this.#total('picked', mine.picked, mine.wanted);
    this.#total('locked', mine.locked.keys());
    const n = mine.picked.size + mine.places;
    const hold = mine.places ? 'do.hold.tickets' : 'do.hold';
    this.host.find('lock').textContent = mine.asked?.call === 'lock' ? words.say('do.holding') : words.say(hold, { n: Math.max(1, n) });
    this.host.find('confirm').textContent = this.#getting(way);
    this.host.find('ending').textContent = words.say(`ending.${way}`);
    for (const id of ['lock', 'confirm', 'release']) this.host.find(id).ariaDisabled = String(busy);
    this.host.find('nothing').hidden = n + mine.locked.size + mine.bought.size > 0;
    this.host.find('how-many').textContent = plan.seatLimit ? words.sentences(
      words.say('limit.each', { n: plan.seatLimit }),
      words.say('limit.more', { n: Math.max(0, plan.seatLimit - mine.locked.size - mine.bought.size - n) }),
    ) : '';
    this.host.mark('has-lock', mine.locked.size > 0);
    this.host.mark('has-pick', n > 0);
    if (focused && !focused.checkVisibility()) this.#focusNext();
  }

  /** Shows the buttons for users who can book or pay here. */
  introduce({ way }) {
    this.host.find('confirm').hidden = way === 'left';
    this.host.mark('pays', way === 'pay');
    this.host.find('to-confirm').textContent = this.host.words.say(`time.${way}`);
  }

  /** Returns the text of the button that buys or pays for the held seats. */
  #getting(way) {
    const { words, mine, plan } = this;
    if (mine.asked?.call === 'checkout') return words.say('do.paying');
    if (mine.asked?.call === 'confirm') return words.say('do.buying');
    if (way !== 'pay') return words.say('do.buy');
    const cost = this.#cost(mine.paying.size ? mine.paying : mine.locked.keys());
    return cost ? words.say('do.pay', { price: words.money(cost, plan.currency) }) : words.say('do.book');
  }

  /** Moves the focus on from a button that was pressed and has disappeared. */
  #focusNext() {
    const all = ['#confirm, #lock', ':is(#map, #list) [tabindex="0"]', '#map'].flatMap((which) => [...this.host.findAll(which)]);
    all.find((el) => el.checkVisibility())?.focus({ preventScroll: true });
  }

  #list(id, positions, label) {
    const all = [...positions].sort((a, b) => a - b);
    const wanted = id === 'picked' ? this.mine.wanted : [];
    const places = wanted.flatMap((counts, area) => counts.map((n, level) => ({ area, level, n })).filter(({ n }) => n));
    this.host.find(`${id}-box`).hidden = all.length + places.length === 0;
    const shown = [all, all.map((p) => [this.mine.levels.get(p), this.mine.paying.has(p)]), wanted].join(' ');
    const list = this.host.find(id);
    const last = this.#shown[id];
    if (last?.shown === shown && last.plan === this.plan) return;
    this.#shown[id] = { shown, plan: this.plan };
    const focused = this.host.focusedIn(`#${id}`)?.ariaLabel;
    list.replaceChildren(...all.map((p) => this.#item(p, label?.(p))), ...places.map((some) => this.#places(some)));
    if (focused) [...list.querySelectorAll('[aria-label]')].find((el) => el.ariaLabel === focused)?.focus({ preventScroll: true });
  }

  #item(p, label) {
    const { plan, words } = this;
    const item = element('li', {});
    if (plan.areaOf.has(p)) item.append(element('span', { class: 'where' }, plan.areas[plan.areaOf.get(p)].name));
    else {
      const { row, place } = plan.find(p);
      item.append(
        element('span', { class: 'where' }, placeName(plan, p), ...special(plan, p).map((text) => element('small', {}, text))),
        element('span', { class: 'number' }, row.numbers ? row.numbers[place] : plan.ids[p]));
    }
    const level = this.mine.levels.get(p);
    const { levels = [] } = plan.categoryOf(p) ?? {};
    const price = priceOf(plan, p, level);
    const paying = this.mine.paying.has(p); // all seats of an order are given back together
    if (levels.length > 1 && label && !paying) {
      const select = element('select', { class: 'level', 'aria-label': words.say('price.of', { seat: seatName(plan, p) }) },
        ...levels.map(({ id, name, price: cost }) => new Option(words.say('price.level', { level: name, price: words.money(cost, plan.currency) }), id, false, id === level)));
      select.addEventListener('change', () => this.choose(p, select.value));
      item.append(select);
    } else if (price !== undefined) item.append(element('span', { class: 'cost' }, words.money(price, plan.currency)));
    if (label && !paying) item.append(this.#cross(label, () => this.drop(p)));
    return item;
  }

  /** Returns the item of places that the user wants of an area. */
  #places({ area, level, n }) {
    const { plan, words } = this;
    const { name, category } = plan.areas[area];
    const { levels, price } = plan.categories[category] ?? {};
    const item = element('li', {},
      element('span', { class: 'where' }, words.join([name, levels?.[level].name])),
      element('span', { class: 'number' }, words.say('times', { n })));
    const cost = levels?.[level].price ?? price;
    if (cost !== undefined) item.append(element('span', { class: 'cost' }, words.money(n * cost, plan.currency)));
    item.append(this.#cross(words.say('leaveOut.seat', { seat: words.say('places', { n, area: name }) }), () => this.dropPlaces(area, level)));
    return item;
  }

  #cross(label, act) {
    const button = element('button', { type: 'button', class: 'drop', 'aria-label': label }, '×');
    button.addEventListener('click', act);
    return button;
  }

  /** Shows the total price of seats and of places of areas. */
  #total(id, positions, wanted) {
    this.host.find(`${id}-total`).hidden = !this.plan.currency;
    if (this.plan.currency) this.host.find(`${id}-sum`).textContent = this.words.money(this.#cost(positions, wanted), this.plan.currency);
  }

  #cost(positions, wanted = []) {
    const { plan, mine } = this;
    const seats = [...positions].map((p) => priceOf(plan, p, mine.levels.get(p)));
    const places = wanted.flatMap((counts, area) => {
      const { levels, price } = plan.categories[plan.areas[area].category] ?? {};
      return counts.map((n, level) => n && n * (levels?.[level].price ?? price ?? 0));
    });
    return [...seats, ...places].reduce((sum, cost) => sum + (cost ?? 0), 0);
  }

  /** Shows the time left. */
  tick(left, whole) {
    const clock = this.host.find('countdown');
    clock.textContent = this.words.countdown(left);
    clock.dateTime = `PT${Math.max(0, Math.ceil(left / 1000))}S`;
    this.host.find('sand').style.setProperty('--left', Math.max(0, Math.min(1, left / whole)).toFixed(4));
    this.host.find('locked-box').classList.toggle('ending', left <= urgent);
    this.host.find('ending').hidden = left > urgent;
  }

  /**
   * Shows a message of the kind good, news or bad, until the next one or until it is
   * closed. An offer adds a button: it has the text, and act.
   */
  say(kind, text, offer) {
    const notice = this.host.find('notice');
    this.host.find('offer').hidden = !offer;
    this.host.find('offer').textContent = offer?.text ?? '';
    this.host.find('offer').onclick = offer ? () => { this.say('news', ''); offer.act(); } : null;
    notice.hidden = !text;
    notice.dataset.kind = kind;
    notice.firstElementChild.textContent = text;
    this.host.mark('has-news', Boolean(text));
  }

  names(positions) {
    return seatNames(this.plan, positions);
  }
}

export { urgent };
