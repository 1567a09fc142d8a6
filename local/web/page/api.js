// The calls of the HTTP API.

/** An error response of the server, from its problem+json. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `The server answered with status ${status}.`);
    this.status = status;
    this.code = body.code ?? '';
    this.seats = body.seats ?? [];
    this.largest = body.largest;
    this.instead = body.insteadSeatIds;
  }
}

/** No response: the server is unreachable or too slow. */
export class Unreachable extends Error {}

const patience = 10_000; // ms without any part of a response before a call is abandoned

/** An Api makes the calls to the server at a base address. */
export class Api {
  #token;
  #bearer; // the promise of the last token that the function gave

  /** base is a URL. prefetched maps a URL to a response that ask.js has requested: {answer, abort}, its promise and its AbortController. */
  constructor(base, prefetched = new Map()) {
    this.base = base;
    this.prefetched = prefetched;
    this.elsewhere = base.origin === location.origin ? '' : `@${base.href}`; // tells keys in the storage of a page apart
  }

  /** Returns the address of a path below the base address. */
  url(path, query = {}) {
    const url = new URL(path, this.base);
    for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
    return url;
  }

  /** The user's bearer token, or a function that returns one or a promise of one. */
  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
    this.#bearer = undefined;
  }

  async #authorization() {
    if (typeof this.#token !== 'function') return this.#token;
    const given = this.#bearer ??= (async () => this.#token())();
    let bearer;
    try {
      bearer = await given;
    } catch (cause) {
      throw new Unreachable('The shop does not say who you are.', { cause });
    } finally {
      if (!bearer && this.#bearer === given) this.#bearer = undefined; // the next call asks again
    }
    return bearer;
  }

  /** Makes a call, and repeats it if the server refuses the token and the function gives another one. */
  async #ask(path, query, options = {}, again = false) {
    const bearer = await this.#authorization();
    const given = this.#bearer;
    const headers = { ...options.headers, ...(bearer && { Authorization: `Bearer ${bearer}` }) };
    const url = this.url(path, query);
    const early = this.prefetched.get(url.href);
    this.prefetched.delete(url.href);
    const abort = early?.abort ?? new AbortController();
    let timer;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), patience);
    };
    heard();
    let response;
    let body;
    try {
      response = await (early?.answer ?? fetch(url, { ...options, headers, signal: abort.signal }));
      heard();
      const parts = new TransformStream({
        transform(part, rest) {
          heard(); // a large response over a slow network may take any time
          rest.enqueue(part);
        },
      });
      const json = new Response(response.body.pipeThrough(parts)).json();
      body = await (response.ok ? json : json.catch(() => ({})));
    } catch (cause) {
      throw new Unreachable('The server cannot be reached.', { cause });
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return body;
    if (response.status === 401) {
      if (this.#bearer === given) this.#bearer = undefined; // otherwise another call has asked for a new one
      if (!again && await this.#authorization() !== bearer) return this.#ask(path, query, options, true);
    }
    throw new Problem(response.status, body);
  }

  #post(path, body) {
    return this.#ask(path, {}, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  }

  /** Every event on sale, without its seats. */
  async events() {
    return (await this.#ask('events', { layout: 'none' })).events;
  }

  /** One event with its sections, rows and seats. */
  async event(eventId) {
    const { events: [one], layouts } = await this.#ask('events', { eventId });
    return { ...layouts?.[one.layout], ...one };
  }

  /** The seats, or the changes since a version. */
  seats(eventId, since) {
    return this.#ask('seats', { eventId, since });
  }

  /** What the user has according to the server. */
  async mine(eventId, userId) {
    return (await this.#ask('mine', { eventId, userId })).seats;
  }

  /** An order of the user, by default the latest of the event. */
  order(eventId, userId, orderId) {
    return this.#ask('order', { eventId, userId, orderId });
  }

  /** Who the user is. The server makes a guest of nobody, unless guest is 'none'. */
  session(guest) {
    return this.#ask('session', { guest });
  }

  signOut() {
    return this.#ask('signout', {}, { method: 'POST' });
  }

  lock(eventId, userId, seats) {
    return this.#post('lock', { eventId, userId, ...seats });
  }

  confirm(eventId, userId, seats) {
    return this.#post('confirm', { eventId, userId, ...seats });
  }

  release(eventId, userId, seats) {
    return this.#post('release', { eventId, userId, ...seats });
  }

  /** Begins a payment. A server that is older than this page may refuse the language, so the call is then made without it. */
  async checkout(eventId, userId, { lang, ...seats }) {
    try {
      return await this.#post('checkout', { eventId, userId, ...seats, lang });
    } catch (error) {
      if (!lang || error.code !== 'bad_request') throw error;
      return this.#post('checkout', { eventId, userId, ...seats });
    }
  }
}

/** Whether the server did not decide, so that the same call may still succeed. */
export const undecided = (error) => error instanceof Unreachable || error.status >= 500 || error.status === 429;

/**
 * Repeats a call until it is answered, which is always safe. It throws on a
 * refusal, and once the time end (by performance.now) has passed. It calls
 * waiting() before each repeat.
 */
export async function untilAnswered(call, end, waiting) {
  for (let pause = 400; ; pause = Math.min(pause * 2, 4000)) {
    try {
      return await call();
    } catch (error) {
      if (!undecided(error) || performance.now() + pause > end) throw error;
    }
    waiting();
    await new Promise((resume) => setTimeout(resume, pause * (0.75 + Math.random() / 2)));
  }
}
