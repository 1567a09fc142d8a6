// Where a map is shown: the root that has its elements, and what it needs of the page
// around it.

import { Announcer } from './announce.js';

/**
 * A Host is a document or a shadow root with the elements of one map. What the map needs
 * of the page around it goes through these methods: a page that shows the map
 * overrides those that differ.
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

  /** Shows the name of the event, and when or where it is. */
  entitle(title, subtitle) {
    this.find('title').textContent = title;
    this.find('subtitle').textContent = subtitle;
    document.title = this.words.say('page.title', { event: title });
  }

  /** Returns the address of a section of an event, or of the whole event. */
  hrefOf(eventId, section) {
    const hash = new URLSearchParams({ event: eventId });
    if (section !== undefined) hash.set('section', section);
    return `#${hash}`;
  }

  /** Goes to a section of an event, or to the whole event. */
  goTo(eventId, section) {
    location.hash = this.hrefOf(eventId, section);
  }

  /** Corrects the address, which named a section that is not there. */
  correct(eventId, section) {
    history.replaceState(null, '', this.hrefOf(eventId, section));
  }

  /** Returns where a buyer comes back to from the payment. */
  returnUrl(eventId) {
    return `${location.origin}${location.pathname}${this.hrefOf(eventId)}`;
  }

  /** Leaves the page for another, such as the payment. */
  leave(url) {
    location.assign(url);
  }

  /** Moves the focus to where one signs in. */
  focusSignIn() {
    this.find('signin').focus();
  }
}
