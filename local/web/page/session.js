// Who the user is: a name that this browser made up, a guest whom the server made, or
// somebody who has signed in.

import * as api from './api.js';
import { forgetLocks, forgetUser, keptPicks, locksOf, userName } from './mine.js';

/** Asks for the session, one window at a time: two would become two guests. */
function ask() {
  const call = () => api.session().catch((error) => {
    if (error.status === 404) return { open: true, confirm: true }; // a server without sessions
    throw error;
  });
  return navigator.locks ? navigator.locks.request('seatlock:session', call) : call();
}

/**
 * Gives back what a guest has locked. What the server refuses is not the guest's any
 * more. It throws if the server did not decide.
 */
async function giveBack(eventId, user, seatIds) {
  let rest = seatIds;
  while (rest.length) {
    try {
      return await api.release(eventId, user, { seatIds: rest });
    } catch (error) {
      if (api.undecided(error)) throw error;
      const named = new Set(error.seats.map(({ seatId }) => seatId));
      const others = rest.filter((id) => !named.has(id));
      if (others.length === rest.length) return undefined;
      rest = others; // a refusal is of all the seats of a call
    }
  }
  return undefined;
}

/** A Session is who the user is. It calls renewed(before) when it has asked again. */
export class Session {
  renewed = () => {};

  constructor(answer) {
    this.#take(answer);
  }

  /**
   * Asks who the user is. The seats are shown even if the server is too busy to say so,
   * or has too many new guests at this address: a user can then still sign in.
   */
  static async load() {
    try {
      return new Session(await ask());
    } catch (error) {
      if (error.status !== 429 && error.status !== 503) throw error;
      const answer = error.status === 429 ? await api.session('none').catch(() => ({})) : {};
      return new Session({ ...answer, unknown: true });
    }
  }

  #take({ open, confirm, pay, signIn, userId, guest, unknown }) {
    Object.assign(this, {
      open: Boolean(open), mayConfirm: Boolean(confirm), pays: Boolean(pay), canSignIn: Boolean(signIn), guest: Boolean(guest), unknown: Boolean(unknown),
    });
    this.user = open ? userName() : userId ?? null;
  }

  /** How the user gets what is held: pay, buy, or left where this page sells nothing. */
  get way() {
    return this.pays ? 'pay' : this.mayConfirm ? 'buy' : 'left';
  }

  /** Asks again. Reports whether the user is still the same. */
  async renew() {
    const { user, guest } = this;
    this.#take(await ask());
    this.renewed({ user, guest });
    return this.user === user;
  }

  /** What has happened if the user is not the one before: out, guest, in or user; else empty. */
  since(before) {
    if (before.user === null) return '';
    if (this.user === null || (this.guest && !before.guest)) return 'out';
    if (this.guest) return 'guest';
    if (before.guest) return 'in';
    return 'user';
  }

  /** The seats that the user has locked as a guest, in every event. */
  held(now) {
    return this.guest ? locksOf(this.user, now) : [];
  }

  /** Goes to the sign-in. The seats that a guest has locked are given back before. */
  async signIn(eventId, seats, now) {
    const kept = new Map([[eventId, new Set(seats)]]);
    for (const { eventId, seatIds } of this.held(now)) {
      await giveBack(eventId, this.user, seatIds);
      forgetLocks(eventId, this.user);
      kept.set(eventId, new Set([...kept.get(eventId) ?? [], ...seatIds]));
    }
    keptPicks.save([...kept].map(([eventId, seats]) => ({ eventId, seats: [...seats] })));
    const url = new URL('signin', document.baseURI);
    url.searchParams.set('to', location.hash.slice(1));
    location.assign(url);
  }

  /** Signs out. The next user of this browser sees nothing of what this one had. */
  async signOut() {
    const { user } = this;
    await api.signOut();
    forgetUser(user);
    location.reload();
  }
}
