// Where a map is shown: the root that has its elements, and what it needs of the page
// around it.

import { Announcer } from './announce.js';

/**
 * A Host is a document or a shadow root with the elements of one map. What the map needs
 * of the page around it goes through the methods after emit: Seatlock's own page
 * overrides those.
 */
export class Host {
  /** frame is the element whose classes say what is shown, such as "has-lock". Everything is in the language of the words. */
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

  /** The element that has the focus, if it matches the selector or is inside of one that does. */
  focusedIn(selector) {
    const { activeElement } = this.root;
    return activeElement?.closest(selector) ? activeElement : null;
  }

  /** Says by a class of the frame that something is so, or that it is not. */
  mark(name, is) {
    this.frame.classList.toggle(name, is);
  }

  /** Shows how the seats are kept up to date. Returns the state before, if that was another. */
  light(state) {
    const light = this.find('light');
    const { state: before } = light.dataset;
    if (before === state) return undefined;
    light.dataset.state = state;
    light.textContent = this.words.say(`light.${state}`);
    this.mark('away', state === 'away');
    return before;
  }

  /** Tells the page around the map what has happened, and returns whether the map goes on. */
  emit() {
    return true;
  }

  /** Whether choose is to be called even if an event was asked for. */
  get choosesEvent() {
    return false;
  }

  /** Returns the event and the section to begin with. */
  choose(events, { section }) {
    return { eventId: events[0]?.eventId, section };
  }

  /** Shows the name of the event, and when or where it is. */
  entitle() {}

  /** Shows who the user is. */
  introduce() {}

  /** Shows what somebody who has paid for seats takes along. */
  receipt() {}

  /** Goes to a section of an event, or to the whole event. */
  goTo() {}

  /** Corrects the address, which named a section that is not there. */
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
