/**
 * The types of /embed/v1.js, the module that defines <seatlock-map>. Times are in the form
 * of RFC 3339. Prices are integers of the currency's smallest unit.
 */

/** A seat, or a place of an area that the user has. */
export interface Ticket {
  seatId: string;
  /** The section, or the area of a place. */
  section?: string;
  row?: string;
  number?: string;
  category?: string;
  /** The price level. */
  level?: string;
  /** The price in the event file. Ask the server before you take money. */
  price?: number;
}

/** Places of an area that the user wants but does not have yet. */
export interface Places {
  section: string;
  count: number;
  level?: string;
  price?: number;
}

/** What the user has in the event that is shown. */
export interface Basket {
  eventId?: string;
  picked: Ticket[];
  places?: Places[];
  locked: Ticket[];
  booked: Ticket[];
  /** When the first lock ends. */
  expiresAt?: string;
  /** The currency of the prices (ISO 4217). */
  currency?: string;
}

export interface Seats {
  seatIds: string[];
}

/** The events of <seatlock-map>, by name, with their details. None of them bubbles. */
export interface SeatlockEvents {
  /** The seats of an event are shown: at first, and when the event or its seat map changes. */
  ready: { eventId: string; name: string };
  /** The user has picked or unpicked seats or places, or has chosen another price for a picked
   * or locked seat; or another window of the browser has changed what the user has. */
  pick: Basket;
  /** Seats are locked. The basket has everything that the user has locked. */
  lock: Basket;
  /** The user has given back seats, or the shop has cancelled bookings. */
  release: Seats;
  /** Seats are taken or their locks are over: a call failed, or the shop ended the locks. The
   * code is the API's. */
  conflict: Seats & { code: string };
  /** Locks end soon. */
  expiring: Seats & { expiresAt: string; seconds: number };
  /** The time of locks ran out. The seats are still picked if nobody else has them. */
  expired: Seats;
  /** Seats are booked for the user. */
  booked: Seats;
  /** The user goes to a section of a large venue. preventDefault() keeps the map where it is. If
   * the user has moved the map into the section, the event is not cancelable. */
  section: { eventId: string; section: string | null };
  /** A call failed. The code is the API's, or "unreachable". "unauthenticated" asks for a token. */
  error: { code: string; message: string };
}

export type SeatlockEvent<K extends keyof SeatlockEvents> = CustomEvent<SeatlockEvents[K]>;

/** The element <seatlock-map event section lang theme max src>. */
export class SeatlockMap extends HTMLElement {
  /** The user's name, where the server believes it (open mode). */
  user: string | undefined;
  /** A shop's own words, by the keys of the tables in local/web/page/messages. */
  messages: Record<string, string | Record<string, string>> | undefined;
  /** A bearer token of the user, or a function that returns one. It is called again whenever the server refuses the token. */
  token: string | (() => string | Promise<string>) | undefined;
  /** What the user has. */
  readonly basket: Basket;
  /** Locks the picks. Resolves to whether that succeeded; messages and events say why not. */
  lock(): Promise<boolean>;
  /** Gives back everything that is locked. */
  release(): Promise<boolean>;
  /** Clears the picks. Locked seats stay locked. */
  clear(): void;
  /** Locks the n best seats side by side, or anywhere if they may be apart. */
  bestAvailable(n: number, options?: { apart?: boolean }): Promise<boolean>;
  /** Asks the server what the user has. Call it once your back end has booked places of areas. */
  refresh(): Promise<void>;

  addEventListener<K extends keyof SeatlockEvents>(type: K, listener: (this: SeatlockMap, event: SeatlockEvent<K>) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof SeatlockEvents>(type: K, listener: (this: SeatlockMap, event: SeatlockEvent<K>) => void, options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'seatlock-map': SeatlockMap;
  }
}
