// The place where a map is shown: the root of its elements, and what it needs from the page
// around it.

import { Announcer } from './announce.js';

/**
 * A Host is a document or a shadow root with the elements of one map. The methods after
 * emit are what the map needs from the page around it: Seatlock's own page overrides
 * those.
 */
export class Host {
  /** frame is the element whose classes describe the state, such as "has-lock". words has the language. */
  constructor(root, frame, words) {
    this.root = root;
    this.frame = frame;
    this.words = words;
    this.announcer = new Announcer(this.find('polite'), this.find('urgent'));
  }

  /** Returns the element with the id. */
  find(id) {
    return this.root.getElementById(id);
  }

  /** Returns the elements that match the selector. */
  findAll(selector) {
    return this.root.querySelectorAll(selector);
  }

  /** The element that has the focus, if it matches the selector or is inside an element that does. */
  focusedIn(selector) {
    const { activeElement } = this.root;
    return activeElement?.closest(selector) ? activeElement : null;
  }

  /** Sets or removes a class of the frame. */
  mark(name, is) {
    this.frame.classList.toggle(name, is);
  }

  /** Shows how the seats are kept up to date. Returns the previous state if that was different. */
  light(state) {
    const light = this.find('light');
    const { state: before } = light.dataset;
    if (before === state) return undefined;
    light.dataset.state = state;
    light.textContent = this.words.say(`light.${state}`);
    this.mark('away', state === 'away');
    return before;
  }

  /** Sends an event to the page around the map, and returns whether the map may go on. */
  emit() {
    return true;
  }

  /** Whether choose must be called even if an event was requested. */
  get choosesEvent() {
    return false;
  }

  /** Returns the event and the section to show first. */
  choose(events, { section }) {
    return { eventId: events[0]?.eventId, section };
  }

  /** Shows the name of the event, and when or where it is. */
  entitle() {}

  /** Shows who the user is. */
  introduce() {}

  /** Shows the receipt of a paid order. */
  receipt() {}

  /** Goes to a section of an event, or to the whole event. */
  goTo() {}

  /** Corrects the address, which named a section that does not exist. */
  correct() {}

  /** Returns where a buyer comes back to from the payment. */
  returnUrl() {
    return location.href;
  }

  /** Leaves the page for another, such as the payment. */
  leave(url) {
    location.assign(url);
  }

  /** Lets the user sign in, if the page around the map can. */
  focusSignIn() {}
}
