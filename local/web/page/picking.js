// What the user picks (single seats, a whole party, places of areas), and the calls that
// lock, confirm and release the picks.

import { seatName } from './names.js';
import { sideBySide } from './party.js';

const mostAtATime = 200; // seats in one call

/** Picking changes what the user of an EventPage has picked. */
export class Picking {
  #lastParty = []; // the seats that one click picked

  constructor(page) {
    this.page = page;
    // Few events have the rule. Until it is loaded, the server's refusal offers the same seats.
    if (page.plan.noSingles) import('./singles.js').then((rule) => { this.rule = rule; }, () => {});
  }

  #free(position) {
    const state = this.page.state(position);
    return state === 'available' || (state === 'picked' && this.#lastParty.includes(position));
  }

  /** The seats that a click on the seat would pick. */
  ahead(position) {
    return this.#free(position) ? this.#together(position) : [];
  }

  #together(position) {
    return sideBySide(this.page.plan, position, this.page.toolbar.party, (p) => this.#free(p));
  }

  /** Returns whether the user may pick n more seats, and shows why not. */
  #mayPick(n) {
    const { seatLimit } = this.page.plan;
    const { mine, words } = this.page;
    const has = mine.picked.size + mine.places + mine.locked.size;
    if (seatLimit && has + mine.bought.size + n > seatLimit) {
      this.page.say('news', words.say('limit', { n: seatLimit }));
      return false;
    }
    if (has + n > mostAtATime) {
      this.page.say('news', words.say('limit.call', { n: mostAtATime }));
      return false;
    }
    return true;
  }

  /** Handles a click or Enter on a seat. */
  act(position) {
    const { mine, toolbar, words } = this.page;
    const name = seatName(this.page.plan, position);
    const state = this.page.state(position);
    this.page.read(position);
    let changed = [position];
    if (state === 'picked') mine.picked.delete(position);
    else if (state === 'available') {
      const seats = this.#together(position);
      if (seats.length === 0) {
        this.page.say('news', words.say('together.none', { n: toolbar.party }));
        return;
      }
      // A party moves. Seats that were picked one by one stay.
      const before = toolbar.party > 1 ? this.#lastParty.filter((p) => mine.picked.has(p)) : [];
      if (!this.#mayPick(seats.length - before.length)) return;
      for (const p of before) mine.picked.delete(p);
      for (const p of seats) mine.picked.add(p);
      this.#lastParty = toolbar.party > 1 ? seats : [];
      changed = [...before, ...seats];
      this.page.panel.say('news', '');
    } else if (state !== 'asking') {
      this.page.say('news', words.say(`is.${state}`, { seat: name, time: words.duration(this.page.left(position)) }));
      return;
    }
    const seats = changed.length > 1 ? this.page.names(this.#lastParty) : name;
    this.page.host.announcer.announce(words.sentences(
      words.say(mine.picked.has(position) ? 'picked' : 'picked.out', { seats }), words.say('picked.count', { n: mine.picked.size })));
    this.page.update(changed);
  }

  want(area, level, by) {
    if (by > 0 && !this.#mayPick(by)) return;
    this.page.mine.want(area, level, by);
    this.page.update([]);
  }

  /** Says why nothing can be locked at the moment, if that is so. */
  #notOnSale() {
    const { sentence } = this.page.sale;
    if (sentence) this.page.say('news', sentence);
    return Boolean(sentence);
  }

  /** Locks the best available seats for the party, or n seats; in several places if apart is set. */
  best(apart, n) {
    const { filter } = this.page.toolbar;
    const party = n ?? this.page.toolbar.party;
    if (this.#notOnSale() || !this.#mayPick(party)) return undefined;
    const asked = { count: party, ...(apart && { apart }) };
    return this.page.calls.make('lock', [], filter.open ? asked : { ...asked, categories: filter.ids });
  }

  /** Offers other seats, since the picked ones leave a single seat. */
  offerInstead(positions) {
    const { mine, words } = this.page;
    const ordinary = positions.filter((p) => p !== undefined);
    this.page.say('bad', words.say('orphan'), true, {
      text: words.say('orphan.take', { seats: this.page.names(ordinary) }),
      act: () => {
        const before = [...mine.picked];
        mine.picked = new Set(ordinary.filter((p) => !mine.locked.has(p)));
        this.page.update([...before, ...ordinary]);
      },
    });
  }

  /** Returns whether the picks would leave a single seat, and if so offers others. */
  #leavesAlone(picked) {
    if (!this.rule) return false;
    this.singles ??= new this.rule.Singles(this.rule.segmentsOf(this.page.plan));
    const { ids, positions } = this.page.plan;
    const standings = { available: 'open', locked: 'held' };
    const instead = this.singles.judge(picked.map((p) => ids[p]), (id) => standings[this.page.seats.status(positions.get(id))] ?? 'gone');
    if (instead) this.offerInstead(instead.map((id) => positions.get(id)));
    return Boolean(instead);
  }

  /** Gives up one seat: a pick or a lock. */
  drop(position) {
    if (this.page.mine.locked.has(position)) this.page.calls.make('release', [position]);
    else {
      this.page.mine.picked.delete(position);
      this.page.update([position]);
    }
  }

  choose(position, level) {
    this.page.mine.choose(position, level);
    this.page.update([]);
    if (this.page.mine.locked.has(position)) this.page.host.emit('pick', this.page.basket); // no pick has changed
  }

  /** Gives up the places of an area that the user wants at a price level. */
  dropPlaces(area, level) {
    this.want(area, level, -this.page.mine.wanted[area][level]);
  }

  lock() {
    const picked = [...this.page.mine.picked];
    if (this.#notOnSale() || this.#leavesAlone(picked)) return undefined;
    const areas = this.page.mine.wanted.map((counts, area) => ({
      area,
      levels: counts.flatMap((n, level) => Array(n).fill(this.page.plan.categories[this.page.plan.areas[area].category]?.levels?.[level].id ?? '')),
    })).filter(({ levels }) => levels.length);
    return this.page.calls.make('lock', picked, areas.length ? { areas } : undefined);
  }

  confirm() {
    const { calls, mine, session } = this.page;
    const { paying } = mine; // seats that were locked later have an order of their own
    calls.make(session.pays ? 'checkout' : 'confirm', [...session.pays && paying.size ? paying : mine.locked.keys()]);
  }

  /** Clears all picks. */
  clear() {
    const { mine } = this.page;
    const before = [...mine.picked];
    mine.picked.clear();
    mine.wantNothing();
    this.page.update(before);
  }

  release() {
    return this.page.calls.make('release', [...this.page.mine.locked.keys()]);
  }
}
