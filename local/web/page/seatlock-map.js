// The element <seatlock-map>: the seats of one event in any page. README.md describes how a
// shop uses it, and v1.d.ts has its types.

import { Api } from './api.js';
import { Controller } from './controller.js';
import { askEarly } from './early.js';
import styles from './element.css';
import { Host } from './host.js';
import inside from './inside.html';
import { Session } from './session.js';
import { loadWords } from './words.js';

/** Where the server is, by default: above the folder of this module. */
const server = new URL('..', import.meta.url).href;

const policy = globalThis.trustedTypes?.createPolicy('seatlock', { createHTML: (text) => text });
const sheet = new CSSStyleSheet();
sheet.replaceSync(styles);
const template = document.createElement('template');
template.innerHTML = policy ? policy.createHTML(inside) : inside;

/** The Host of the element: it sends events and does not use the page's address. */
export class ElementHost extends Host {
  constructor(element, root, words) {
    const frame = root.querySelector('.frame');
    super(root, frame, words);
    this.element = element;
    Object.assign(frame, { lang: words.lang, dir: words.dir });
    words.fill(root);
  }

  emit(type, detail, cancelable = false) {
    return this.element.dispatchEvent(new CustomEvent(type, { detail, cancelable }));
  }

  goTo(eventId, section) {
    if (this.emit('section', { eventId, section: section ?? null }, true)) this.correct(eventId, section);
  }

  correct(eventId, section) {
    if (section === undefined) this.element.removeAttribute('section');
    else this.element.setAttribute('section', section);
  }
}

/** SeatlockMap is the class of the element. */
export class SeatlockMap extends HTMLElement {
  static observedAttributes = ['event', 'lang', 'max', 'section', 'src', 'theme'];

  #controller;
  #messages;
  #user;
  #token;
  #begun;
  #starting = false;
  #following = false;

  constructor() {
    super();
    this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
    for (const name of ['messages', 'user', 'token']) { // set before the element was defined
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  connectedCallback() {
    this.#restart();
  }

  disconnectedCallback() {
    this.#controller?.close();
    this.#controller = undefined;
  }

  attributeChangedCallback(name, before, value) {
    if (before === value || !this.isConnected) return;
    if (['lang', 'max', 'src'].includes(name)) this.#restart();
    else if (name === 'theme') this.#controller?.page?.drawn.filter();
    else this.#follow();
  }

  /** Shows the event and section of the attributes, once if both change together. */
  #follow() {
    if (this.#following) return;
    this.#following = true;
    queueMicrotask(() => {
      this.#following = false;
      this.#controller?.show(this.getAttribute('event') ?? this.#controller?.page?.plan.eventId, this.getAttribute('section'));
    });
  }

  /** Restarts, once for all changes at the same time. */
  #restart() {
    if (this.#starting) return;
    this.#starting = true;
    queueMicrotask(() => {
      this.#starting = false;
      this.#controller?.close();
      this.#controller?.host.mark('ready', false);
      this.#controller = undefined;
      if (this.isConnected) this.#start();
    });
  }

  async #start() {
    const begun = this.#begun = {};
    const api = new Api(new URL(this.getAttribute('src') ?? server, document.baseURI), this.prefetched);
    api.token = this.#token;
    const load = () => Session.load(api, this.buyer);
    const first = load(); // at the same time as the words
    first.catch(() => {}); // the Controller repeats the call
    const { sells, name } = this.buyer;
    const known = sells || name || this.#token; // otherwise the shop may set the user later, and the map restarts
    const early = known ? askEarly(api, this.getAttribute('event'), (events) => this.firstOf(events)) : {};
    const wanted = [this.lang || this.parentElement?.closest('[lang]')?.lang, ...navigator.languages].filter(Boolean);
    const words = await loadWords(wanted, this.#messages);
    if (this.#begun !== begun || !this.isConnected) return;
    this.shadowRoot.replaceChildren(template.content.cloneNode(true));
    const controller = this.#controller = new Controller(this.host(words), api);
    controller.max = Number(this.getAttribute('max')) || 0;
    if (this.hasAttribute('event')) controller.show(this.getAttribute('event'), this.getAttribute('section'));
    controller.start((again) => (again ? load() : first), early);
  }

  /** Options of the session: sells, whether buyers can book or pay here, and the name to use. */
  get buyer() {
    return { sells: false, name: this.#user };
  }

  /** What was requested before there was an element, for an Api. Seatlock's own page requests early. */
  get prefetched() {
    return undefined;
  }

  /** Returns the id of the event to begin with. Seatlock's own page has one in its address. */
  firstOf(events) {
    return events[0]?.eventId;
  }

  /** Returns the Host of the element. Seatlock's own page has another. */
  host(words) {
    return new ElementHost(this, this.shadowRoot, words);
  }

  /** The Controller of the element, for Seatlock's own page. */
  get controller() {
    return this.#controller;
  }

  get messages() {
    return this.#messages;
  }

  set messages(messages) {
    this.#messages = messages;
    if (this.isConnected) this.#restart();
  }

  get user() {
    return this.#user;
  }

  set user(name) {
    if (this.#user === name) return;
    this.#user = name;
    if (this.isConnected) this.#restart();
  }

  get token() {
    return this.#token;
  }

  set token(token) {
    const before = this.#token;
    if (before === token) return;
    this.#token = token;
    const { page } = this.#controller ?? {};
    if (page && typeof before === 'function' && typeof token === 'function') {
      page.api.token = token;
      page.session.renew().catch(() => {}); // the buyer's next call reports what is wrong
    } else if (this.isConnected) this.#restart();
  }

  /** What the user has: see Basket in v1.d.ts. */
  get basket() {
    return this.#controller?.page?.basket ?? { picked: [], locked: [], booked: [] };
  }

  /** Locks the picked seats. */
  async lock() {
    return Boolean(await this.#controller?.page?.picking.lock());
  }

  /** Releases the locked seats. */
  async release() {
    return Boolean(await this.#controller?.page?.picking.release());
  }

  /** Clears the picks. Locked seats stay locked. */
  clear() {
    this.#controller?.page?.picking.clear();
  }

  /** Locks the n best seats side by side. */
  async bestAvailable(n, { apart = false } = {}) {
    return Boolean(await this.#controller?.page?.picking.best(apart, n));
  }

  /** Asks the server what the user has, for example after the shop has booked it. */
  async refresh() {
    await this.#controller?.page?.calls.refresh();
  }

  focus() {
    this.#controller?.page?.drawn.focus();
  }
}
