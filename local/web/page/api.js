// The calls of the HTTP API. URLs are relative to the page, so that the page works
// under any base path.

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

/** No response: the server is away or too slow. */
export class Unreachable extends Error {}

const patience = 10_000; // ms without any part of a response until a call is abandoned

async function ask(path, query, options = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  const silence = new AbortController();
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), patience);
  };
  heard();
  let response;
  let body;
  try {
    response = await fetch(url, { ...options, signal: silence.signal });
    heard();
    const parts = new TransformStream({
      transform(part, rest) {
        heard(); // a large response over a slow network takes longer than any bound
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
  throw new Problem(response.status, body);
}

/** Every event on sale, without its seats. */
export const events = async () => (await ask('events', { layout: 'none' })).events;

/** One event with its sections, rows and seats. */
export async function event(eventId) {
  const { events: [one], layouts } = await ask('events', { eventId });
  return { ...layouts?.[one.layout], ...one };
}

/** The seats, or what has changed since a version. */
export const seats = (eventId, since) => ask('seats', { eventId, since });

/** What the user has, by the server. */
export const mine = async (eventId, userId) => (await ask('mine', { eventId, userId })).seats;

/** An order of the user, by default the latest of the event. */
export const order = (eventId, userId, orderId) => ask('order', { eventId, userId, orderId });

const post = (call) => (eventId, userId, seats) => ask(call, {}, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ eventId, userId, ...seats }),
});

/** Who the user is. The server makes a guest of nobody, unless guest is 'none'. */
export const session = (guest) => ask('session', { guest });
export const signOut = () => ask('signout', {}, { method: 'POST' });

export const lock = post('lock');
export const confirm = post('confirm');
export const release = post('release');
export const checkout = post('checkout');

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
