// The messages of the page in one language, and its formats of numbers, money, lists and
// times. The messages are in the folder messages, one table for each language.

/** The tables. Each is loaded when its language is needed. */
const tables = {
  en: () => import('./messages/en.js'),
  de: () => import('./messages/de.js'),
  fr: () => import('./messages/fr.js'),
  ar: () => import('./messages/ar.js'),
};
/** The languages that have a table. */
export const languages = Object.keys(tables);
const rightToLeft = ['ar'];

// The digits of a currency's smallest unit by ISO 4217, unless it has two. Browsers know those
// that are in use, which is none for the rupiah or the Colombian peso.
const digits = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0,
  BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3,
  CLF: 4, UYW: 4,
};

const slack = 250; // ms by which the estimate of the server's time may be late

/**
 * Loads the Words of the first wanted language that has a table, or else of English. Wanted
 * languages are BCP 47 tags in order of preference, such as "fr-CA" and "de". Invalid tags
 * are ignored. It requests a table again while the network is down. own has the shop's own
 * messages, by key, which replace ours.
 */
export async function loadWords(wanted, own) {
  const locale = wanted.map(localeOf).find((l) => languages.includes(l?.language)) ?? new Intl.Locale('en-GB');
  const { default: messages } = await loaded(tables[locale.language]);
  return new Words(locale, messages, own);
}

async function loaded(table) {
  for (let pause = 500; ; pause *= 2) {
    try {
      return await table();
    } catch (error) {
      if (pause > 16_000) throw error;
    }
    await new Promise((resume) => setTimeout(resume, pause));
  }
}

function localeOf(tag) {
  try {
    return new Intl.Locale(tag);
  } catch {
    return undefined; // the address can contain anything
  }
}

/** Words are the messages and formats of one language. */
export class Words {
  #messages;
  #formats = new Map();

  constructor(locale, messages, own = {}) {
    this.lang = locale.baseName;
    this.dir = rightToLeft.includes(locale.language) ? 'rtl' : 'ltr';
    // Seats and tickets have Latin digits and Gregorian dates, so the page uses them too.
    const { numberingSystem = 'latn', calendar = 'gregory' } = locale;
    this.locale = new Intl.Locale(locale, { numberingSystem, calendar }).toString();
    this.#messages = { ...messages, ...usable(own, messages) };
  }

  /** Reports whether there is a message with the key. */
  has(key) {
    return Object.hasOwn(this.#messages, key);
  }

  /**
   * Returns the message with its parameters filled in. The parameter n chooses the plural
   * form. Numbers are formatted for the language, and texts are left as they are. If the
   * table, which may be of another version, lacks the key, it returns the key.
   */
  say(key, params = {}) {
    const message = this.#messages[key] ?? key;
    if (message === key) console.warn(`seatlock-map: there is no message ${key}`);
    const text = typeof message === 'object' ? message[this.#format('PluralRules').select(params.n)] ?? message.other : message;
    return text.replace(/\{(\w+)\}/g, (_, name) => this.#value(params[name]));
  }

  #value(value) {
    if (typeof value === 'number') return this.number(value);
    // A name in a script of the other direction must not reorder the text beside it.
    const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufefc]/.test(value);
    return rightToLeft === (this.dir === 'rtl') ? value : `\u2068${value}\u2069`;
  }

  /** Joins facts that belong together into one line. Empty ones are left out. */
  join(facts) {
    return this.#joined('join', facts);
  }

  /** Joins sentences. Empty ones are left out. */
  sentences(...sentences) {
    return sentences.filter(Boolean).join(' ');
  }

  /** Joins groups of facts into one line. */
  joinGroups(groups) {
    return this.#joined('join.groups', groups);
  }

  #joined(key, parts) {
    return parts.filter(Boolean).reduceRight((rest, first) => (rest ? this.say(key, { first, rest }) : first), '');
  }

  /** Returns "1, 2 and 3". */
  list(items) {
    return this.#format('ListFormat').format(items);
  }

  /** Returns "1,250". */
  number(n) {
    return this.#format('NumberFormat').format(n);
  }

  /** Returns "45%" for 0.45. */
  percent(share) {
    return this.#format('NumberFormat', { style: 'percent' }).format(share);
  }

  /** Returns "€42.00" for an amount in the currency's smallest unit. */
  money(amount, currency) {
    const places = digits[currency] ?? 2;
    const format = this.#format('NumberFormat', { style: 'currency', currency, minimumFractionDigits: places, maximumFractionDigits: places });
    return format.format(amount / 10 ** places);
  }

  /** Returns "42 seconds" or "3 minutes". */
  duration(ms) {
    const [n, unit] = rounded(ms);
    return this.#format('NumberFormat', { style: 'unit', unit, unitDisplay: 'long' }).format(n);
  }

  /** Returns "in 42 seconds" or "in 3 minutes". */
  soon(ms) {
    return this.#format('RelativeTimeFormat').format(...rounded(ms));
  }

  /** Returns "1:42", for a countdown. */
  countdown(ms) {
    const seconds = secondsOf(ms);
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const two = (n) => this.#format('NumberFormat', { minimumIntegerDigits: 2 }).format(n);
    return h ? `${this.number(h)}:${two(m)}:${two(s)}` : `${this.number(m)}:${two(s)}`;
  }

  /** Returns a day and a time in the time zone; without one, in the buyer's, with its name. */
  date(time, timeZone) {
    return this.#format('DateTimeFormat', {
      weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZone, timeZoneName: timeZone ? undefined : 'short',
    }).format(time);
  }

  /**
   * Fills in the messages of the elements below root: the attribute data-say has the key of
   * the text, data-label that of the accessible name, data-alt that of a picture.
   */
  fill(root) {
    for (const el of root.querySelectorAll('[data-say]')) el.textContent = this.say(el.dataset.say);
    for (const el of root.querySelectorAll('[data-label]')) el.ariaLabel = this.say(el.dataset.label);
    for (const el of root.querySelectorAll('[data-alt]')) el.alt = this.say(el.dataset.alt);
  }

  /** Returns a format from a cache, since making one takes longer than using it. */
  #format(kind, options = {}) {
    const key = kind + JSON.stringify(options);
    if (!this.#formats.has(key)) this.#formats.set(key, new Intl[kind](this.locale, options));
    return this.#formats.get(key);
  }
}

/** The whole seconds left. A lock of 60 seconds must not show 61, although the clock is an estimate. */
const secondsOf = (ms) => Math.max(0, Math.ceil((ms - slack) / 1000));

function rounded(ms) {
  const seconds = secondsOf(ms);
  if (seconds < 120) return [seconds, 'second'];
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? [minutes, 'minute'] : [Math.round(minutes / 60), 'hour'];
}

/** Returns the shop's messages that can replace ours. It warns of the others on the console, where buyers do not see it. */
function usable(own, messages) {
  return Object.fromEntries(Object.entries(own).filter(([key, message]) => {
    try {
      check(key, message, messages[key]);
      return true;
    } catch ({ message: problem }) {
      console.warn(problem);
      return false;
    }
  }));
}

function check(key, message, ours) {
  const error = (problem) => new TypeError(`seatlock-map: the message ${key} is not used: ${problem}`);
  if (ours === undefined) throw error('there is no such key');
  if (typeof message !== 'string' && typeof message?.other !== 'string') throw error('it must be a text, or an object of plural forms with the form "other"');
  const known = parametersOf(ours);
  const wrong = [...parametersOf(message)].find((name) => !known.has(name));
  if (wrong) throw error(`it has {${wrong}}, but can have only these: ${[...known].join(', ') || 'none'}`);
}

/** The parameters of a message, in all of its plural forms. */
export function parametersOf(message) {
  const forms = typeof message === 'object' ? Object.values(message) : [message];
  return new Set([...(typeof message === 'object' ? ['n'] : []), ...forms.flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))]);
}
