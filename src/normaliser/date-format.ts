import { type Callback, refuse } from './callback';
import { monthNumber, setDate, setDateWithoutYear } from './callbacks/common-dates';
import { microsOf, offsetMinutesOf } from './callbacks/syslog';

/** Each token, longest first where one begins another, and the regular expression of its value. */
const TOKENS: readonly (readonly [token: string, regexp: string])[] = [
  ['YYYY', '(\\d{4})'], ['YY', '(\\d{2})'], ['MMM', '([A-Z][a-z]{2})'], ['MM', '(\\d{1,2})'],
  ['DDD', '(?:[A-Z][a-z]{2})'], ['dd', ' ?(\\d{1,2})'], ['hh', ' ?(\\d{1,2})'], ['mm', '(\\d{2})'], ['ss', '(\\d{2})'],
  ['SSS', '(\\d{1,9})'], ['ZZZ', '(Z|[+-]\\d{2}:?\\d{2}|UTC|GMT)'],
];

/**
 * A callback that reads dates of one form into the tag `date`: YYYY, YY (2000–2099), MMM (Jan), MM, DDD (Mon), dd,
 * hh, mm, ss, SSS (a fraction of any length), ZZZ (Z, +01:00, +0100, UTC, GMT); other characters stand for
 * themselves. Without a year the nearest to the reception is taken, without a zone the source's.
 * Throws an Error whose message completes "the declaration …".
 */
export function compileDateFormat(format: string): Callback {
  const order: string[] = [];
  let source = '';
  for (let at = 0; at < format.length;) {
    const token = TOKENS.find(([name]) => format.startsWith(name, at));
    if (token === undefined) {
      source += format.charAt(at).replace(/[\^$\\.*+?()[\]{}|/]/, '\\$&');
      at += 1;
      continue;
    }
    const [name, regexp] = token;
    if (order.includes(name)) throw new Error(`has ${name} twice in its date`);
    if (name !== 'DDD') order.push(name);
    source += regexp;
    at += name.length;
  }
  if (!(order.includes('MMM') || order.includes('MM')) || !order.includes('dd')) {
    throw new Error('needs at least a month (MMM or MM) and a day (dd) in its date');
  }
  return reader(new RegExp(source), order);
}

function reader(form: RegExp, order: readonly string[]): Callback {
  return (value, log, input) => {
    const match = form.exec(value) ?? refuse('the date has another form');
    const text = (token: string): string | undefined => {
      const index = order.indexOf(token);
      return index < 0 ? undefined : match[index + 1];
    };
    const number = (token: string): number => Number(text(token) ?? 0);
    const monthName = text('MMM');
    const zone = text('ZZZ');
    const parts = {
      month: monthName === undefined ? number('MM') : monthNumber(monthName),
      day: number('dd'), hour: number('hh'), minute: number('mm'), second: number('ss'), micros: microsOf(text('SSS')),
      offsetMinutes: zone === 'UTC' || zone === 'GMT' ? 0 : offsetMinutesOf(zone),
    };
    if (order.includes('YYYY')) setDate(log, { ...parts, year: number('YYYY') });
    else if (order.includes('YY')) setDate(log, { ...parts, year: 2000 + number('YY') });
    else setDateWithoutYear(log, parts, input);
  };
}
