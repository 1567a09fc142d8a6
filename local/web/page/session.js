// The user: a name that this browser made up or the shop gave, a guest made by the server,
// or somebody who has signed in.

import { undecided } from './api.js';
import { announceSignOut, forgetLocks, forgetUser, keptPicks, locksOf, userName } from './mine.js';

/** Requests the session, one window at a time: two at once would become two guests. */
function ask(api) {
  const call = () => api.session().catch((error) => {
    if (error.status === 404) return { open: true, confirm: true }; // a server without sessions
    throw error;
  });
  return navigator.locks ? navigator.locks.request('seatlock:session', call) : call();
}

/**
 * Releases what a guest has locked. Seats that the server refuses are not the guest's any
 * more. It throws if the server did not decide.
 */
async function giveBack(api, eventId, user, seatIds) {
  let rest = seatIds;
  while (rest.length) {
    try {
      return await api.release(eventId, user, { seatIds: rest });
    } catch (error) {
      if (undecided(error)) throw error;
      const named = new Set(error.seats.map(({ seatId }) => seatId));
      const others = rest.filter((id) => !named.has(id));
      if (others.length === rest.length) return undefined;
      rest = others; // a refusal is for all the seats of a call
    }
  }
  return undefined;
}

/**
 * A Session identifies the user. sells is whether buyers may book or pay here, if the server
 * lets them. name is the user's name on a server that believes every name; without it the
 * browser makes one up. A Session calls renewed(before) when it has asked again.
 */
export class Session {
  renewed = () => {};

  constructor(api, { sells, name }, answer) {
    this.api = api;
    this.sells = sells;
    this.name = name;
    this.#take(answer);
  }

  /**
   * Asks who the user is. The seats are shown even if the server is too busy to answer, has
   * too many new guests at this address, or does not answer a page of another site that has
   * no token.
   */
  static async load(api, options) {
    try {
      return new Session(api, options, await ask(api));
    } catch (error) {
      if (![403, 429, 503].includes(error.status)) throw error;
      const answer = error.status === 429 ? await api.session('none').catch(() => ({})) : {};
      return new Session(api, options, { ...answer, unknown: error.status !== 403 });
    }
  }

  #take({ open, confirm, pay, signIn, userId, guest, unknown }) {
    const { sells } = this;
    Object.assign(this, {
      open: Boolean(open), mayConfirm: Boolean(sells && confirm), pays: Boolean(sells && pay), canSignIn: Boolean(signIn), guest: Boolean(guest), unknown: Boolean(unknown),
    });
    this.user = open ? this.name || userName() : userId ?? null;
  }

  /** The owner of what this browser stores: the user, at the server. */
  get owner() {
    return (this.user ?? 'nobody') + this.api.elsewhere;
  }

  /** How the user gets the held seats: pay, buy, or left if this page sells nothing. */
  get way() {
    return this.pays ? 'pay' : this.mayConfirm ? 'buy' : 'left';
  }

  /** Asks again. Returns whether the user is still the same. */
  async renew() {
    const { user, guest } = this;
    this.#take(await ask(this.api));
    this.renewed({ user, guest });
    return this.user === user;
  }

  /** How the user has changed: out, guest, in or user; empty if it is the same. */
  since(before) {
    if (before.user === null) return '';
    if (this.user === null || (this.guest && !before.guest)) return 'out';
    if (this.guest) return 'guest';
    if (before.guest) return 'in';
    return 'user';
  }

  /** The seats that the user has locked as a guest, in every event. */
  held(now) {
    return this.guest ? locksOf(this.owner, now) : [];
  }

  /** Releases a guest's locks before a sign-in, and leaves the seats picked, with the other picks, for the user who signs in. */
  async leave(now) {
    const { owner } = this;
    for (const { eventId, seatIds } of this.held(now)) {
      await giveBack(this.api, eventId, this.user, seatIds);
      forgetLocks(eventId, owner);
      keptPicks.add(eventId, owner, seatIds);
    }
    keptPicks.pass(owner);
  }

  /** Signs out. The next user of this browser sees nothing of what this one had. */
  async signOut() {
    const { owner } = this;
    await this.api.signOut();
    announceSignOut(owner); // first, since other windows also notice what is forgotten
    forgetUser(owner);
  }
}
