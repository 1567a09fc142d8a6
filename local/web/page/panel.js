// The panel beside the map: what is picked, locked (and for how long) and booked,
// with its buttons.

import { element } from './element.js';
import { countdown, many, seatName, seatNames } from './words.js';

const urgent = 20_000; // ms before the end from which the countdown warns

const byId = (id) => document.getElementById(id);

/**
 * A Panel shows what the user has. It calls drop(position) to give up a pick or a
 * lock, and lock, confirm and release when their buttons are pressed.
 */
export class Panel {
  constructor({ drop, lock, confirm, release }) {
    this.drop = drop;
    byId('lock').addEventListener('click', lock);
    byId('confirm').addEventListener('click', confirm);
    byId('release').addEventListener('click', release);
    byId('dismiss').addEventListener('click', () => {
      this.say('news', '');
      this.#nextFocus().focus({ preventScroll: true });
    });
  }

  show(plan, mine) {
    // This runs whenever any seat changes, and most changes are other buyers'.
    const shown = [plan.eventId, mine.asked?.call, ...[mine.picked, mine.locked.keys(), mine.bought].map((all) => [...all])].join('/');
    if (shown === this.shown) return;
    this.shown = shown;
    this.plan = plan;
    this.mine = mine;
    const busy = Boolean(mine.asked);
    const focused = document.activeElement?.closest('.ticket') && document.activeElement;
    this.#list('picked', mine.picked, (p) => `Leave out ${seatName(plan, p)}`);
    this.#list('locked', mine.locked.keys(), (p) => `Release ${seatName(plan, p)}`);
    this.#list('bought', mine.bought);
    const n = mine.picked.size;
    byId('lock').textContent = mine.asked?.call === 'lock' ? 'Locking…' : n > 1 ? `Lock ${n} seats` : 'Lock this seat';
    byId('confirm').textContent = mine.asked?.call === 'confirm' ? 'Confirming…' : 'Confirm';
    for (const id of ['lock', 'confirm', 'release']) byId(id).ariaDisabled = String(busy);
    byId('nothing').hidden = n + mine.locked.size + mine.bought.size > 0;
    byId('how-many').textContent = plan.seatLimit
      ? `Up to ${many(plan.seatLimit, 'seat')} each; ${many(Math.max(0, plan.seatLimit - mine.locked.size - mine.bought.size - n), 'more seat')} to pick.`
      : '';
    document.body.classList.toggle('has-lock', mine.locked.size > 0);
    document.body.classList.toggle('has-pick', n > 0);
    if (focused && !focused.checkVisibility()) this.#nextFocus().focus({ preventScroll: true });
  }

  /** Returns the next focus when the button that was pressed is gone. */
  #nextFocus() {
    for (const id of ['confirm', 'lock']) if (byId(id).checkVisibility()) return byId(id);
    return document.querySelector('#map [tabindex="0"]');
  }

  #list(id, positions, label) {
    const all = [...positions].sort((a, b) => a - b);
    byId(`${id}-box`).hidden = all.length === 0;
    const shown = all.join(' ');
    const list = byId(id);
    if (list.dataset.shown === shown && list.dataset.event === this.plan.eventId) return;
    list.dataset.shown = shown;
    list.dataset.event = this.plan.eventId;
    list.replaceChildren(...all.map((p) => {
      const { part, row, place } = this.plan.find(p);
      const where = [part.name, row.numbers && row.name && `row ${row.name}`].filter(Boolean).join(', ');
      const item = element('li', {},
        element('span', { class: 'where' }, where),
        element('span', { class: 'number' }, row.numbers ? row.numbers[place] : this.plan.ids[p]));
      if (label) {
        const button = element('button', { type: 'button', class: 'drop', 'aria-label': label(p) }, '×');
        button.addEventListener('click', () => this.drop(p));
        item.append(button);
      }
      return item;
    }));
  }

  /** Shows the time left. */
  tick(left, whole) {
    const clock = byId('countdown');
    clock.textContent = countdown(left);
    clock.dateTime = `PT${Math.max(0, Math.ceil(left / 1000))}S`;
    byId('sand').style.setProperty('--left', Math.max(0, Math.min(1, left / whole)).toFixed(4));
    byId('locked-box').classList.toggle('ending', left <= urgent);
    byId('ending').hidden = left > urgent;
  }

  /** Shows a message of the kind good, news or bad, until the next one or until it is closed. */
  say(kind, text) {
    const notice = byId('notice');
    notice.hidden = !text;
    notice.dataset.kind = kind;
    notice.firstElementChild.textContent = text;
    document.body.classList.toggle('has-news', Boolean(text));
  }

  names(positions) {
    return seatNames(this.plan, positions);
  }
}

export { urgent };
