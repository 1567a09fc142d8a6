// What the user has picked, locked and booked. Locks and bookings survive a reload
// and are shared by the windows of one browser, and by the maps of one page.

const apart = 1000; // ms by which the clocks of two windows may differ
const grace = 2500; // ms after a lock in which a list without it is not trusted

/** Storage that the browser may refuse; then values last as long as the page. */
class Storage {
  #kept = new Map();

  constructor(find) {
    try { this.store = find(); } catch { /* refused */ }
  }

  get(key) {
    return this.store ? this.store.getItem(key) : this.#kept.get(key) ?? null;
  }

  keys() {
    return this.store ? Object.keys(this.store) : [...this.#kept.keys()];
  }

  set(key, value) {
    try { this.store?.setItem(key, value); } catch { this.store = undefined; } // full
    this.#kept.set(key, value);
  }

  remove(key) {
    this.store?.removeItem(key);
    this.#kept.delete(key);
  }
}

/** The end of a lock as in lists: rounded up to a second. */
const listed = (end) => Math.ceil(end / 1000) * 1000;

const browser = new Storage(() => localStorage);
const tab = new Storage(() => sessionStorage);

/** The storage key through which windows learn which user signed out. */
export const signedOut = 'seatlock:signed-out';

/** Notifies the other windows of this browser that the user has signed out. */
export function announceSignOut(user) {
  browser.set(signedOut, user);
  browser.remove(signedOut);
}

/** The name under which this browser locks: made once, and not a secret. */
export function userName() {
  let name = browser.get('seatlock:user');
  if (!name) {
    name = `guest-${Array.from(crypto.getRandomValues(new Uint8Array(6)), (b) => b.toString(16).padStart(2, '0')).join('')}`;
    browser.set('seatlock:user', name);
  }
  return name;
}

const picksKey = (eventId, owner) => `seatlock:picks:${eventId}:${owner}`;
const nothing = { seats: [] };

/** The picks of a user in this window, by event: {seats: [[id, level]], places: by area and level}. */
export const keptPicks = {
  of: (eventId, owner) => JSON.parse(tab.get(picksKey(eventId, owner))) ?? nothing,
  save: (eventId, owner, picks) => tab.set(picksKey(eventId, owner), JSON.stringify(picks)),
  add(eventId, owner, seatIds) {
    const { seats, places } = this.of(eventId, owner);
    this.save(eventId, owner, { seats: [...seats, ...seatIds.map((id) => [id])], places });
  },
  events: (owner) => tab.keys() // an event's id has no colon
    .map((key) => key.split(':')[2])
    .filter((eventId) => tab.get(picksKey(eventId, owner)) !== null),
  forget(owner) {
    for (const eventId of this.events(owner)) tab.remove(picksKey(eventId, owner));
  },
  /** Leaves the picks of a user to the next user: the same person, who signs in or whose session has ended. */
  pass(owner) {
    for (const eventId of this.events(owner)) this.save(eventId, '', this.of(eventId, owner));
    this.forget(owner);
  },
  /** Returns the picks of a user, with those that were left to the next one. */
  take(eventId, owner) {
    const [own, left] = [this.of(eventId, owner), this.of(eventId, '')];
    tab.remove(picksKey(eventId, ''));
    return { seats: [...own.seats, ...left.seats], places: left.places?.flat().some(Boolean) ? left.places : own.places };
  },
};

/** The language that the address named. A window keeps it, since the address after a payment or a sign-in lacks it. */
export const keptLanguage = {
  take: (lang) => lang && tab.set('seatlock:lang', lang),
  get: () => tab.get('seatlock:lang'),
};

const keyOf = (eventId, user) => `seatlock:${eventId}:${user}`;

/** The events in which the user has something, according to a storage. */
const eventsOf = (user, storage) => storage.keys()
  .map((key) => [key, key.split(':')[1]]) // an event's id has no colon
  .filter(([key, eventId]) => key === keyOf(eventId, user))
  .map(([, eventId]) => eventId);

/** Gets an event "change" whenever what a user has changes, with the Mine as its detail. Storage events reach only other windows. */
export const changes = new EventTarget();
const asking = new Map(); // key -> the latest call of a map of this page

const saved = (key) => JSON.parse(browser.get(key)) ?? { locked: [], bought: [] };

/** The seats that the user has locked from this browser and whose locks have not ended, in every event. */
export function locksOf(user, now) {
  return eventsOf(user, browser).map((eventId) => ({
    eventId,
    seatIds: saved(keyOf(eventId, user)).locked.filter(([, end]) => end > now).map(([id]) => id),
  })).filter(({ seatIds }) => seatIds.length);
}

/** Forgets what the user has locked in an event, and keeps what is booked. */
export function forgetLocks(eventId, user) {
  const key = keyOf(eventId, user);
  browser.set(key, JSON.stringify({ ...saved(key), locked: [] }));
}

/** Forgets all that the user has, and has picked in this window, also as the guest from before the sign-in. */
export function forgetUser(user) {
  for (const owner of [user, '']) keptPicks.forget(owner);
  for (const storage of [browser, tab]) for (const eventId of eventsOf(user, storage)) storage.remove(keyOf(eventId, user));
}

/** Mine is what one user has in one event, by position. */
export class Mine {
  picked = new Set();
  levels = new Map(); // position -> the id of the chosen price level; by default the first
  locked = new Map(); // position -> when the lock ends, Unix ms of the server
  paying = new Set(); // those of the locked seats for which a payment was begun
  bought = new Set();
  asked = null; // the call under way: {call, seats}
  doubted = false; // a list disagrees, but it is too early to trust it
  #since = new Map(); // position -> when its lock became known here

  constructor(plan, owner) {
    this.plan = plan;
    this.wanted = plan.areas.map(({ category }) => (plan.categories[category]?.levels ?? [{}]).map(() => 0)); // places by area and level
    this.owner = owner;
    this.key = keyOf(plan.eventId, owner);
    this.#load();
    this.unanswered = JSON.parse(tab.get(this.key)); // a call that a reload interrupted
  }

  /**
   * Reloads what another window of this browser has saved. Returns the locks that are gone
   * because their time ran out, with their ends.
   */
  refresh(now) {
    const locked = new Map(this.locked);
    const known = new Set([...locked.keys(), ...this.bought]);
    this.#load();
    for (const p of [...this.locked.keys(), ...this.bought]) if (!known.has(p)) this.#since.set(p, performance.now());
    return [...locked].filter(([p, end]) => now > end - apart && !this.locked.has(p) && !this.bought.has(p));
  }

  /**
   * Picks seats and places again after their locks have ended, unless somebody else already
   * has them. ended has the ends of the locks.
   */
  pickAgain(ended, seats) {
    for (const [p, end] of ended) {
      const area = this.plan.areaOf.get(p);
      if (area !== undefined) {
        const level = this.plan.categories[this.plan.areas[area].category]?.levels?.findIndex(({ id }) => id === this.levels.get(p)) ?? 0;
        this.want(area, Math.max(0, level), 1);
        continue;
      }
      if ([end, listed(end)].includes(seats.until[p])) seats.know([p], 0); // a list may say so later
      if (seats.status(p) === 'available') this.picked.add(p);
    }
  }

  /** Restores the user's picks in this window. Returns those that are taken. */
  restore({ seats: ids, places = [] }, seats) {
    const taken = [];
    for (const [id, level] of ids) {
      const p = this.plan.positions.get(id);
      if (p === undefined || this.locked.has(p) || this.bought.has(p)) continue;
      if (level) this.levels.set(p, level);
      if (seats.status(p) === 'available') this.picked.add(p);
      else taken.push(p);
    }
    if (places.length === this.wanted.length && places.every((counts, i) => counts.length === this.wanted[i].length)) this.wanted = places;
    return taken;
  }

  /** The picks, in the form that restore accepts. */
  get picks() {
    return { seats: [...this.picked].map((p) => [this.plan.ids[p], this.levels.get(p)]), places: this.wanted };
  }

  #load() {
    const { locked, bought } = saved(this.key);
    const { plan } = this;
    this.paying.clear();
    const position = (id, area) => plan.place(id, plan.areas.findIndex(({ name }) => name === area));
    this.locked = new Map(locked.map(([id, end, level, area, paying]) => {
      const p = position(id, area);
      if (paying) this.paying.add(p);
      if (level && p !== undefined) this.levels.set(p, level);
      return [p, end];
    }).filter(([p]) => p !== undefined));
    this.bought = new Set(bought.map((b) => [b].flat()).map(([id, area]) => position(id, area)).filter((p) => p !== undefined));
    for (const p of [...this.locked.keys(), ...this.bought]) this.picked.delete(p);
  }

  /** Applies a change to what other windows have saved, and saves it. */
  #change(change) {
    this.#load();
    change();
    const id = (position) => this.plan.ids[position];
    const area = (position) => this.plan.areas[this.plan.areaOf.get(position)]?.name;
    browser.set(this.key, JSON.stringify({
      locked: [...this.locked].map(([p, end]) => [id(p), end, this.levels.get(p), area(p), this.paying.has(p)]),
      bought: [...this.bought].map((p) => [id(p), area(p)]),
    }));
    changes.dispatchEvent(new CustomEvent('change', { detail: this }));
  }

  /** Saves the call under way, so that a reloaded page can find out how it ended. */
  ask(asked) {
    this.asked = asked;
    asking.set(this.key, asked);
    tab.set(this.key, JSON.stringify(asked && { call: asked.call, open: asked.open, seats: asked.seats.map((p) => this.plan.ids[p]) }));
  }

  /** The state of a seat as this user sees it. */
  state(position, seats) {
    if (this.bought.has(position)) return 'bought';
    if (this.asked?.seats.includes(position)) return this.locked.has(position) ? 'yours' : 'asking';
    if (this.locked.has(position)) return 'yours';
    const status = seats.status(position);
    return status === 'available' && this.picked.has(position) ? 'picked' : status;
  }

  /** How many places of areas the user wants. */
  get places() {
    return this.wanted.flat().reduce((sum, n) => sum + n, 0);
  }

  /** Changes how many places of an area the user wants at a price level. */
  want(area, level, by) {
    this.wanted[area][level] = Math.max(0, this.wanted[area][level] + by);
  }

  wantNothing() {
    for (const counts of this.wanted) counts.fill(0);
  }

  /** Chooses the price level of a seat. */
  choose(position, level) {
    this.levels.set(position, level);
    if (this.locked.has(position)) this.#change(() => this.levels.set(position, level));
  }

  lock(positions, end, paying = false) {
    this.#change(() => {
      for (const p of positions) {
        this.picked.delete(p);
        this.locked.set(p, end);
        if (paying) this.paying.add(p);
        this.#since.set(p, performance.now());
      }
    });
  }

  /** Records whether a payment for the seats has begun. */
  pay(positions, is) {
    this.#change(() => {
      for (const p of positions) this.paying[is ? 'add' : 'delete'](p);
    });
  }

  book(positions) {
    if (positions.length === 0) return;
    this.#change(() => {
      for (const p of positions) {
        this.paying.delete(p);
        this.locked.delete(p);
        this.bought.add(p);
        this.#since.set(p, performance.now());
      }
    });
  }

  forget(positions) {
    if (positions.length === 0) return;
    this.#change(() => {
      for (const p of positions) {
        this.paying.delete(p);
        this.locked.delete(p);
        this.bought.delete(p);
      }
    });
  }

  /** When the first of the locks ends, or undefined. */
  get end() {
    return this.locked.size ? Math.min(...this.locked.values()) : undefined;
  }

  /**
   * Compares with the seats of the server and returns the differences: locks that have
   * expired (ranOut, with their ends) or are gone, bookings that were cancelled, locks that
   * are booked now, and picks that are taken. Seats of a call under way, even of another map
   * of this page, are left to that call.
   */
  compare(seats) {
    const now = seats.clock.now();
    const ranOut = [];
    const gone = [];
    const cancelled = [];
    const taken = [];
    const booked = [];
    const ours = new Set([this.asked, asking.get(this.key)].flatMap((asked) => asked?.seats ?? []));
    this.doubted = false;
    const fresh = (p) => {
      const is = performance.now() - (this.#since.get(p) ?? -Infinity) < grace;
      this.doubted ||= is;
      return is;
    };
    for (const [p, end] of [...this.locked]) {
      if (ours.has(p)) continue;
      if (this.plan.areaOf.has(p)) { // lists do not name places
        if (now >= end) ranOut.push([p, end]);
        continue;
      }
      const until = seats.until[p];
      if (until === Infinity && now < end) booked.push(p); // by another window or the shop; nobody else can while the lock lasts
      else if (now >= end) ranOut.push([p, end]);
      else if (this.paying.has(p) && until > end) continue; // the server locks them for longer than they can be paid for
      else if (until !== end && until !== listed(end) && !fresh(p)) gone.push(p);
    }
    for (const p of this.bought) if (!ours.has(p) && !this.plan.areaOf.has(p) && seats.until[p] !== Infinity && !fresh(p)) cancelled.push(p);
    this.book(booked);
    this.forget([...ranOut.map(([p]) => p), ...gone, ...cancelled]);
    for (const p of this.picked) {
      if (!ours.has(p) && seats.status(p) !== 'available') {
        this.picked.delete(p);
        taken.push(p);
      }
    }
    return { ranOut, gone, cancelled, booked, taken };
  }
}
