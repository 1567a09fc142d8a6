// Keeps the seats up to date: by WebSocket, and by polling where there is none.

const socketPatience = 2500; // ms to wait for the first message before polling
const silence = 25_000; // ms without a message before the socket is checked
const hesitation = 2000; // ms that a socket may lag behind a response
const spread = 3000; // ms over which viewers that lost their sockets together ask again
const every = { visible: 1000, hidden: 8000 }; // ms between two polls

/**
 * Live follows one event of an Api. It calls heard(list) with every list, none older than the
 * previous one, and light(state) with 'live' (a socket), 'asking' (no socket, but
 * responses) or 'away' (no responses). It does nothing after stop().
 */
export class Live {
  #stopped = new AbortController();
  #socket = null;
  #talking = false; // the socket has sent its first list
  #waiting = false; // a new socket may still send its first list; a poll meanwhile would get a newer one
  #refused = 0; // how many sockets have ended without a message
  #asking = false;
  #wake = () => {};
  #quiet;
  #again;

  /** first is a promise of a list that was already requested, or of null. */
  constructor(api, eventId, seats, first, { heard, light }) {
    this.api = api;
    this.eventId = eventId;
    this.seats = seats;
    this.heard = heard;
    this.light = light;
    const { signal } = this.#stopped;
    document.addEventListener('visibilitychange', () => this.#awake(), { signal });
    window.addEventListener('online', () => this.#awake(), { signal });
    window.addEventListener('offline', () => { if (!this.#talking) this.light('away'); else this.#makeSure(); }, { signal });
    this.#begin(first);
  }

  async #begin(first) {
    const list = await first; // a socket opened meanwhile would send the whole list again
    if (this.#over) return;
    if (list) this.heard(list);
    this.#connect();
  }

  stop() {
    this.#stopped.abort();
    clearTimeout(this.#quiet);
    clearTimeout(this.#again);
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
    const url = this.api.url('seats/live', { eventId: this.eventId, since: this.seats.version });
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#waiting = true;
    const slow = setTimeout(() => {
      this.#waiting = false;
      this.#ask();
      this.#wake();
    }, socketPatience);
    socket.onmessage = ({ data }) => {
      if (this.#over) return;
      clearTimeout(slow);
      this.#waiting = false;
      this.#talking = true;
      this.#refused = 0;
      this.heard(JSON.parse(data));
      this.light('live');
      this.#listen();
    };
    socket.onclose = () => {
      clearTimeout(slow);
      clearTimeout(this.#quiet);
      this.#socket = null;
      this.#waiting = false;
      if (this.#over) return;
      // Viewers that were disconnected together should neither ask nor reconnect together.
      const lost = this.#talking;
      if (lost) this.light('connecting');
      else this.#refused++;
      this.#talking = false;
      this.#ask(lost ? spread * (0.5 + Math.random()) : 0);
      const pause = this.#refused ? Math.min(300_000, 15_000 * 2 ** this.#refused) : 1000;
      clearTimeout(this.#again);
      this.#again = setTimeout(() => this.#connect(), pause * (0.25 + Math.random()));
    };
  }

  #listen() {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#makeSure(), silence);
  }

  /** Polls once, to find out whether the silent socket missed something. */
  async #makeSure() {
    const socket = this.#socket;
    const { version } = this.seats;
    try {
      const list = await this.api.seats(this.eventId, version);
      if (list.version === version) {
        if (this.#socket === socket && !this.#over) this.#listen();
        return;
      }
      await new Promise((resume) => setTimeout(resume, hesitation));
    } catch { /* the server is unreachable, so the socket is closed below */ }
    if (this.#socket === socket && this.seats.version === version) socket?.close();
  }

  /** Polls until a socket sends; if one was lost, after a wait of so many ms. */
  async #ask(wait = 0) {
    if (this.#asking) return;
    this.#asking = true;
    let failed = wait ? 1 : 0; // counts a lost socket as a failure, so that the first answer reconnects
    if (wait) await this.#pause(wait);
    while (!this.#over && !this.#talking) {
      const socket = this.#socket;
      try {
        const list = this.#waiting ? null : await this.api.seats(this.eventId, this.seats.version);
        if (this.#over || this.#talking) break;
        if (list && this.#socket === socket) {
          this.heard(list);
          this.light('asking');
          if (failed) { // the server is back; a socket may work again
            this.#refused = 0;
            this.#connect();
          }
          failed = 0;
        }
      } catch (error) {
        if (this.#over || this.#talking) break;
        failed++;
        this.light(error.status === 401 ? 'out' : 'away');
      }
      const pause = failed ? Math.min(8000, 400 * 2 ** failed) : document.hidden ? every.hidden : every.visible;
      await this.#pause(pause * (0.85 + Math.random() * 0.3));
    }
    this.#asking = false;
  }

  /** Waits for so many ms, or until there is a reason not to. */
  #pause(ms) {
    return new Promise((resume) => {
      this.#wake = resume;
      setTimeout(resume, ms);
    });
  }
}
