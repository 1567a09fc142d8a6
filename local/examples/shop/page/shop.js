// The page of the example shop: it gives the element the buyer's token, and has the shop's
// back end take the money for the locked seats.

const map = document.querySelector('seatlock-map');
const pay = document.getElementById('pay');
let total = 0; // what the button shows, in the currency's smallest unit

/** The buyer's token. The element asks for it again if the server refuses it. */
map.token = async () => {
  const response = await fetch('token');
  if (!response.ok) throw new Error(`The shop answered with status ${response.status}.`);
  return (await response.json()).token;
};

function say(text) {
  document.getElementById('order').hidden = false;
  document.getElementById('said').textContent = text;
}

function showTotal() {
  const { locked, currency } = map.basket;
  total = locked.reduce((sum, { price = 0 }) => sum + price, 0);
  pay.textContent = currency ? `Pay ${money(total, currency)}` : 'Pay';
}

/**
 * Formats an amount in cents. A shop that sells in a currency whose smallest unit is not a
 * hundredth needs the digits of ISO 4217, which Intl does not know: it has those in use.
 */
function money(amount, currency) {
  return new Intl.NumberFormat('en-GB', { style: 'currency', currency, minimumFractionDigits: 2 }).format(amount / 100);
}

/** Sends a basket until the shop reports the outcome. A basket is paid for only once. */
async function order(basket) {
  for (;;) {
    try {
      const response = await fetch('pay', { method: 'POST', body: JSON.stringify(basket) });
      const answer = await response.json();
      if (response.status !== 202) return { ok: response.ok, ...answer };
      say(answer.message);
    } catch {
      say('The shop does not answer. We are asking again. You pay only once.');
    }
    await new Promise((resume) => setTimeout(resume, 2000));
  }
}

for (const type of ['ready', 'pick', 'lock', 'release', 'expired', 'booked']) map.addEventListener(type, showTotal);

pay.addEventListener('click', async () => {
  const { eventId, locked } = map.basket;
  pay.disabled = true;
  const { ok, message, reference, total: paid, currency } = await order({ eventId, seats: locked.map(({ seatId, level }) => ({ seatId, level })), total });
  const price = currency ? ` You have paid ${money(paid, currency)}.` : '';
  say(ok ? `Thank you.${price} Your reference is ${reference}.` : message);
  pay.disabled = false;
  showTotal();
  await map.refresh().catch(() => {}); // the element reports an unreachable server
});
