// Keeps the seats up to date: by WebSocket where there is one, and by asking
// again and again where there is none.

import * as api from './api.js';

const socketPatience = 2500; // ms until the first message, before it asks meanwhile
const silence = 25_000; // ms without a message until it makes sure that the socket lives
const every = { visible: 1000, hidden: 8000 }; // ms between two askings

/**
 * Live follows one event. heard(list) gets every list in the order in which it
 * was asked for; light(state) is told 'live' (a socket), 'asking' (no socket,
 * but answers) or 'away' (no answers). Nothing goes on after stop().
 */
export class Live {
  #stopped = new AbortController();
  #socket = null;
  #talking = false; // the socket has brought its first list
  #refused = 0; // how often a socket ended without a message
  #asking = false;
  #wake = () => {};
  #quiet;

  constructor(eventId, seats, { heard, light }) {
    this.eventId = eventId;
    this.seats = seats;
    this.heard = heard;
    this.light = light;
    const { signal } = this.#stopped;
    document.addEventListener('visibilitychange', () => this.#awake(), { signal });
    window.addEventListener('online', () => this.#awake(), { signal });
    this.#connect();
  }

  stop() {
    this.#stopped.abort();
    clearTimeout(this.#quiet);
    this.#socket?.close();
    this.#wake();
  }

  get #over() {
    return this.#stopped.signal.aborted;
  }

  #awake() {
    if (document.hidden) return;
    this.seats.clock.reset();
    if (this.#talking) this.#makeSure();
    this.#wake();
  }

  #connect() {
    if (this.#over || this.#socket) return;
    const url = new URL('seats/live', document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('eventId', this.eventId);
    if (this.seats.version) url.searchParams.set('since', this.seats.version);
    const socket = new WebSocket(url);
    this.#socket = socket;
    const slow = setTimeout(() => this.#ask(), socketPatience);
    socket.onmessage = ({ data }) => {
      if (this.#over) return;
      clearTimeout(slow);
      this.#talking = true;
      this.#refused = 0;
      this.heard(JSON.parse(data));
      this.light('live');
      clearTimeout(this.#quiet);
      this.#quiet = setTimeout(() => this.#makeSure(), silence);
    };
    socket.onclose = () => {
      clearTimeout(slow);
      clearTimeout(this.#quiet);
      this.#socket = null;
      if (this.#over) return;
      if (!this.#talking) this.#refused++;
      this.#talking = false;
      this.#ask();
      const pause = this.#refused ? Math.min(300_000, 15_000 * 2 ** this.#refused) : 500;
      setTimeout(() => this.#connect(), pause * (0.75 + Math.random() / 2));
    };
  }

  /** Asks once whether the silent socket has kept something back. */
  async #makeSure() {
    try {
      const list = await api.seats(this.eventId, this.seats.version);
      if (this.#over) return;
      const missed = list.version !== this.seats.version;
      this.heard(list);
      clearTimeout(this.#quiet);
      if (!missed) {
        this.#quiet = setTimeout(() => this.#makeSure(), silence);
        return;
      }
    } catch { /* the socket is as dead as the answer */ }
    this.#socket?.close();
  }

  /** Asks until a socket talks. */
  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    let failed = 0;
    while (!this.#over && !this.#talking) {
      try {
        const list = await api.seats(this.eventId, this.seats.version);
        if (this.#over || this.#talking) break;
        this.heard(list);
        this.light('asking');
        if (failed) { // the server is back, and with it perhaps the socket
          this.#refused = 0;
          this.#connect();
        }
        failed = 0;
      } catch {
        if (this.#over || this.#talking) break;
        failed++;
        this.light('away');
      }
      const pause = failed ? Math.min(8000, 400 * 2 ** failed) : document.hidden ? every.hidden : every.visible;
      await new Promise((resume) => {
        this.#wake = resume;
        setTimeout(resume, pause * (0.85 + Math.random() * 0.3));
      });
    }
    this.#asking = false;
  }
}
