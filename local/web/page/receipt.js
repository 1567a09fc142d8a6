// The receipt of a paid order: the reference, also as a QR code, the seats, a calendar file,
// and a printed version.

import { calendarFile } from './calendar.js';

const byId = (id) => document.getElementById(`receipt-${id}`);

/** Shows the receipt of an order in Seatlock's own page. closed is called when the buyer closes it. */
export function showReceipt({ words, plan, reference, seats, price, closed }) {
  const receipt = document.getElementById('receipt');
  byId('event').textContent = plan.title;
  const place = plan.when && /\d/.test(plan.subtitle) ? '' : plan.subtitle; // a subtitle with a number repeats the time
  byId('when').textContent = [...new Set([place, plan.when])].filter(Boolean).join(' · ');
  // Not element(): a shared module would become a chunk of its own, which the page must load first.
  byId('seats').replaceChildren(...seats.map((seat) => Object.assign(document.createElement('li'), { textContent: seat })));
  byId('reference').textContent = reference;
  byId('price').textContent = price;
  byId('price').parentElement.hidden = !price;
  byId('code').src = new URL(`page/qr.svg?${new URLSearchParams({ text: reference })}`, document.baseURI);
  const calendar = byId('calendar');
  calendar.hidden = !plan.startsAt;
  if (plan.startsAt) {
    const text = calendarFile({
      id: `${reference}@${location.host}`, start: plan.startsAt, made: Date.now(), name: plan.title,
      text: [...seats, `${words.say('receipt.reference')}: ${reference}`].join('\n'),
    });
    URL.revokeObjectURL(calendar.href);
    calendar.href = URL.createObjectURL(new Blob([text], { type: 'text/calendar' }));
    calendar.download = `${reference}.ics`;
  }
  byId('print').onclick = () => print();
  byId('close').onclick = () => {
    receipt.hidden = true;
    const title = document.getElementById('title'); // the button that had the focus is hidden
    title.tabIndex = -1;
    title.focus();
    closed();
  };
  receipt.hidden = false;
  receipt.scrollIntoView({ block: 'nearest' });
}
