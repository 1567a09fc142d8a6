// Who the user is: a name that this browser made up, a guest whom the server made, or
// somebody who has signed in.

import * as api from './api.js';
import { keptPicks, locksOf, userName } from './mine.js';

/** Asks for the session, one window at a time: two would become two guests. */
function ask() {
  const call = () => api.session().catch((error) => {
    if (error.status === 404) return { open: true, confirm: true }; // a server without sessions
    throw error;
  });
  return navigator.locks ? navigator.locks.request('seatlock:session', call) : call();
}

/** A Session is who the user is. */
export class Session {
  constructor(answer) {
    this.#take(answer);
  }

  static async load() {
    return new Session(await ask());
  }

  #take({ open, confirm, signIn, userId, guest }) {
    Object.assign(this, { open, mayConfirm: confirm, canSignIn: Boolean(signIn), guest: Boolean(guest) });
    this.user = open ? userName() : userId ?? null;
  }

  /** The userId that a call names: the server knows the others. */
  get named() {
    return this.open ? this.user : undefined;
  }

  /** Asks again after a call was refused. Reports whether the user is still the same. */
  async renew() {
    const { user } = this;
    this.#take(await ask());
    return user !== null && this.user === user;
  }

  /** The seats that the user has locked as a guest, in every event. */
  get held() {
    return this.guest ? locksOf(this.user) : [];
  }

  /** Goes to the sign-in. The seats that a guest has locked are given back before. */
  async signIn(eventId, seats) {
    const kept = new Map([[eventId, new Set(seats)]]);
    for (const { eventId, seatIds } of this.held) {
      await api.release(eventId, undefined, seatIds);
      kept.set(eventId, new Set([...kept.get(eventId) ?? [], ...seatIds]));
    }
    keptPicks.save([...kept].map(([eventId, seats]) => ({ eventId, seats: [...seats] })));
    const url = new URL('signin', document.baseURI);
    url.searchParams.set('to', location.hash.slice(1));
    location.assign(url);
  }

  async signOut() {
    await api.signOut();
    location.reload();
  }
}
