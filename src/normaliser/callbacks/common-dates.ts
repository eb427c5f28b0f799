import { type Callback, refuse, type WorkingLog } from '../callback';
import { dayInNearestYear, logDate, nearestYear, type WallClock } from '../log-date';
import type { NormaliserInput } from '../ports';
import { pythonFloat, pythonInt, slice } from '../python-values';
import { offsetMsAt } from '../time-zone';

export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
/** By `letters`, which is found faster than text. */
const MONTH_NUMBERS: ReadonlyMap<number, number> = new Map(MONTHS.map((name, index) => [letters(name), index + 1]));

let lastReception = { receivedMs: NaN, timeZone: '', wallMs: NaN };

/** 1–12 for `Jan`–`Dec`, spelled exactly so; refuses others. */
export function monthNumber(name: string): number {
  return MONTH_NUMBERS.get(letters(name)) ?? refuse(`"${name}" is no month`);
}

/** Three ASCII characters as one number, which no other three have; all other texts as -1. */
function letters(name: string): number {
  const [first, second, third] = [name.charCodeAt(0), name.charCodeAt(1), name.charCodeAt(2)];
  return name.length === 3 && (first | second | third) < 128 ? (first << 14) | (second << 7) | third : -1;
}

/** The value of an ASCII digit; NaN for any other character. */
function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 48;
  return value >= 0 && value <= 9 ? value : NaN;
}

function twoDigits(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1);
}

/** Puts the date into the tag `date`; refuses one that the calendar does not have. */
export function setDate(log: WorkingLog, parts: WallClock): void {
  log.set('date', logDate(parts) ?? refuse('there is no such date'));
}

/** Like `setDate`, with the year nearest to the stored reception. */
export function setDateWithoutYear(log: WorkingLog, parts: Omit<WallClock, 'year'>, input: NormaliserInput): void {
  if (parts.month < 1 || parts.month > 12) refuse('there is no such month');
  const year = nearestYear(parts, wallOf(input)) ?? refuse('there is no such date');
  const { month, day, hour, minute, second, micros, offsetMinutes } = parts;
  setDate(log, { year, month, day, hour, minute, second, micros, offsetMinutes, aware: parts.aware });
}

/** Reception as the clock of the source's zone showed it. All lines of a body share it. */
function wallOf({ receivedMs, timeZone }: NormaliserInput): number {
  if (receivedMs !== lastReception.receivedMs || timeZone !== lastReception.timeZone) {
    lastReception = { receivedMs, timeZone, wallMs: receivedMs + offsetMsAt(timeZone, receivedMs) };
  }
  return lastReception.wallMs;
}

/** By 32 × month + day, the first moment of days whose year is sure; of one reception. */
const sureDays = new Map<number, number | undefined>();
let sureDaysWallMs = NaN;

function sureDay(month: number, day: number, input: NormaliserInput): number | undefined {
  const wallMs = wallOf(input);
  if (wallMs !== sureDaysWallMs) sureDays.clear();
  sureDaysWallMs = wallMs;
  const key = 32 * month + day;
  const known = sureDays.get(key);
  if (known !== undefined) return known;
  const startMs = dayInNearestYear(month, day, wallMs);
  sureDays.set(key, startMs);
  return startMs;
}

/** What a number of a date says. */
export type Place = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second';

/** A callback for a form of numbers: the groups of `form` in the order of `places`. */
export function numericDate(
  form: RegExp, places: readonly Place[], adjust: Partial<Record<Place, number>> = {},
): Callback {
  const reader = (place: Place, read: (text: string) => number): (match: RegExpExecArray) => number => {
    const group = places.indexOf(place) + 1;
    const added = adjust[place] ?? 0;
    return (match) => (group === 0 ? 0 : read(match[group] ?? '') + added);
  };
  const year = reader('year', pythonInt);
  const month = reader('month', (text) => (/^[A-Za-z]/.test(text) ? monthNumber(text) : pythonInt(text)));
  const day = reader('day', pythonInt);
  const hour = reader('hour', pythonInt);
  const minute = reader('minute', pythonInt);
  const second = reader('second', pythonInt);
  return (value, log) => {
    const match = form.exec(value) ?? refuse('the date has another form');
    setDate(log, {
      year: year(match), month: month(match), day: day(match),
      hour: hour(match), minute: minute(match), second: second(match),
    });
  };
}

const SPACE = 32;
const COLON = 58;

/** Sets `date` if the value is `Nov 06 17:32:47` or `Nov  6 17:32:47` to the letter, as nearly all are; else false. */
export function setPlainBsdDate(value: string, log: WorkingLog, input: NormaliserInput): boolean {
  if (value.length !== 15 || value.charCodeAt(3) !== SPACE || value.charCodeAt(6) !== SPACE) return false;
  if (value.charCodeAt(9) !== COLON || value.charCodeAt(12) !== COLON) return false;
  const [hour, minute, second] = [twoDigits(value, 7), twoDigits(value, 10), twoDigits(value, 13)];
  const day = value.charCodeAt(4) === SPACE ? digit(value, 5) : twoDigits(value, 4);
  const month = monthNumber(value.slice(0, 3));
  // What is not a number fails as what is out of range.
  if (!(day >= 1 && day <= 31 && hour <= 23 && minute <= 59 && second <= 59)) return false;
  const startMs = sureDay(month, day, input);
  if (startMs === undefined) return false;
  const wallMs = startMs + ((hour * 60 + minute) * 60 + second) * 1_000;
  log.set('date', { wallMs, micros: 0, offsetMinutes: undefined, aware: false });
  return true;
}

const bsdDate: Callback = (value, log, input) => {
  if (setPlainBsdDate(value, log, input)) return;
  setDateWithoutYear(log, {
    month: monthNumber(slice(value, 0, 3)),
    day: pythonInt(slice(value, 4, 6)),
    hour: pythonInt(slice(value, 7, 9)),
    minute: pythonInt(slice(value, 10, 12)),
    second: pythonInt(slice(value, 13, 15)),
  }, input);
};

const bsdDateWithYear: Callback = (value, log) => {
  setDate(log, {
    year: pythonInt(slice(value, 7, 11)),
    month: monthNumber(slice(value, 0, 3)),
    day: pythonInt(slice(value, 4, 6)),
    hour: pythonInt(slice(value, 12, 14)),
    minute: pythonInt(slice(value, 15, 17)),
    second: pythonInt(slice(value, 18, 20)),
  });
};

/** Zulu time only, seconds and milliseconds optional, as PyLogsParser's callback of this name. */
const iso8601: Callback = (value, log) => {
  const match = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(?:(\d{2})(?:\.(\d{3}))?)?Z/.exec(value) ?? refuse('no Zulu time');
  const at = (index: number): number => Number(match[index] ?? 0);
  setDate(log, { year: at(1), month: at(2), day: at(3), hour: at(4), minute: at(5), second: at(6),
    micros: at(7) * 1_000, offsetMinutes: 0 });
};

const epoch: Callback = (value, log) => {
  const seconds = pythonFloat(value);
  const whole = Math.floor(seconds);
  const micros = Math.min(Math.round((seconds - whole) * 1e6), 999_999);
  const date = new Date(whole * 1_000);
  if (Number.isNaN(date.getTime())) refuse('the time is out of range');
  setDate(log, { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(),
    hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds(), micros, offsetMinutes: 0 });
};

/** BIND's form; PyLogsParser takes the fraction as milliseconds whatever its length. */
const dashedWithMonthName: Callback = (value, log) => {
  const match = /^(\d+)-(\w+)-(\d{4}) (\d+):(\d+):(\d+)(?:\.(\d+))?/.exec(value) ?? refuse('the date has another form');
  const at = (index: number): number => Number(match[index] ?? 0);
  setDate(log, { year: at(3), month: monthNumber(match[2] ?? ''), day: at(1), hour: at(4), minute: at(5), second: at(6),
    micros: at(7) * 1_000 });
};

/** The callbacks of PyLogsParser's common file, all of which set `date`. */
export const commonDateCallbacks: ReadonlyMap<string, Callback> = new Map<string, Callback>([
  ['MM/dd/YYYY hh:mm:ss', numericDate(/(\d{2})\/(\d{2})\/(\d{4}) (\d{2}):(\d{2}):(\d{2})/,
    ['month', 'day', 'year', 'hour', 'minute', 'second'])],
  ['dd/MMM/YYYY:hh:mm:ss', numericDate(/(\d+)\/([a-zA-Z]+)\/(\d+):(\d+):(\d+):(\d+)/,
    ['day', 'month', 'year', 'hour', 'minute', 'second'])],
  ['MMM dd hh:mm:ss', bsdDate],
  ['MMM dd YYYY hh:mm:ss', bsdDateWithYear],
  ['DDD MMM dd hh:mm:ss YYYY', numericDate(/([A-Z][a-z]{2}) (\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})/,
    ['month', 'day', 'hour', 'minute', 'second', 'year'])],
  ['YYYY-MM-DD hh:mm:ss', numericDate(/(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})/,
    ['year', 'month', 'day', 'hour', 'minute', 'second'])],
  ['MM/DD/YY, hh:mm:ss', numericDate(/(\d{2})\/(\d{2})\/(\d{2}), (\d{1,2}):(\d{2}):(\d{2})/,
    ['month', 'day', 'year', 'hour', 'minute', 'second'], { year: 2000 })],
  ['YYMMDD hh:mm:ss', numericDate(/(\d{2})(\d{2})(\d{2}) (\d{2}| \d):(\d{2}):(\d{2})/,
    ['year', 'month', 'day', 'hour', 'minute', 'second'], { year: 2000 })],
  ['ISO8601', iso8601],
  ['EPOCH', epoch],
  ['dd-MMM-YYYY hh:mm:ss', dashedWithMonthName],
]);
