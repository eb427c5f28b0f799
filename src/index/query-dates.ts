/** The time that a date in a query stands for: [fromMs, toMs). A day is a whole day, a minute a whole minute. */
export interface DateSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

const DATE = new RegExp(
  '^(\\d{4})(?:-(\\d{2})(?:-(\\d{2})(?:[T ](\\d{2}):(\\d{2})(?::(\\d{2})(?:\\.(\\d{1,3}))?)?(Z|[+-]\\d{2}:\\d{2})?)?)?)?$',
);

/**
 * Reads ISO 8601 dates of any precision from a year to a millisecond; without a zone they are in UTC. Undefined when
 * the text is not such a date or the date does not exist.
 */
export function parseDateSpan(text: string): DateSpan | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const milliseconds = fraction === undefined ? undefined : Number(fraction.padEnd(3, '0'));
  const parts = [
    Number(year), Number(month ?? 1) - 1, Number(day ?? 1),
    Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0), milliseconds ?? 0,
  ] as const;
  const from = Date.UTC(...parts);
  const made = new Date(from);
  if (made.getUTCMonth() !== parts[1] || made.getUTCDate() !== parts[2] || parts[3] > 23 || parts[4] > 59 ||
    parts[5] > 59) {
    return undefined;
  }
  const [y, mo, d, h, mi, s, ms] = parts;
  let to: number;
  if (month === undefined) to = Date.UTC(y + 1, 0, 1);
  else if (day === undefined) to = Date.UTC(y, mo + 1, 1);
  else if (hour === undefined) to = Date.UTC(y, mo, d + 1);
  else if (second === undefined) to = Date.UTC(y, mo, d, h, mi + 1);
  else if (fraction === undefined) to = Date.UTC(y, mo, d, h, mi, s + 1);
  else to = Date.UTC(y, mo, d, h, mi, s, ms + 10 ** (3 - fraction.length));
  const offset = zoneOffsetMs(zone);
  return { fromMs: from - offset, toMs: to - offset };
}

function zoneOffsetMs(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}
