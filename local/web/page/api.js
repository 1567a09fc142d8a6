// The calls of the HTTP API. URLs are relative to the page, so that it works
// below any base path.

/** A refusal by the server, with what its problem+json says. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `The server answered with status ${status}.`);
    this.status = status;
    this.code = body.code ?? '';
    this.seats = body.seats ?? [];
  }
}

/** No answer: the server is away, or took too long. */
export class Unreachable extends Error {}

const patience = 10_000; // ms until a call is given up

async function ask(path, query, options = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  let response;
  try {
    response = await fetch(url, { ...options, signal: AbortSignal.timeout(patience) });
    if (response.ok) return await response.json();
  } catch (cause) {
    throw new Unreachable('The house cannot be reached.', { cause });
  }
  throw new Problem(response.status, await response.json().catch(() => ({})));
}

/** Every event on sale, without its seats. */
export const events = async () => (await ask('events', { layout: 'none' })).events;

/** One event with its sections, rows and seats. */
export const event = async (eventId) => (await ask('events', { eventId })).events[0];

/** The seats, or with a version what changed since. */
export const seats = (eventId, since) => ask('seats', { eventId, since });

const post = (call) => (eventId, userId, seatIds) => ask(call, {}, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ eventId, userId, seatIds }),
});

export const lock = post('lock');
export const confirm = post('confirm');
export const release = post('release');

/**
 * Calls until there is an answer: asking again is always safe. It gives up on
 * a refusal, or once the time (by performance.now) is over; waiting() is called
 * before it asks again.
 */
export async function untilAnswered(call, end, waiting) {
  for (let pause = 400; ; pause = Math.min(pause * 2, 4000)) {
    try {
      return await call();
    } catch (error) {
      const open = error instanceof Unreachable || error.status >= 500 || error.status === 429;
      if (!open || performance.now() + pause > end) throw error;
    }
    waiting();
    await new Promise((resume) => setTimeout(resume, pause * (0.75 + Math.random() / 2)));
  }
}
