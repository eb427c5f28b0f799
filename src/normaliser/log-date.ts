import { utcOfWallMs } from './time-zone';

/**
 * A date as a line gives it: a wall-clock reading, in a zone that the line names or else in the source's zone.
 * Python's `datetime`, which PyLogsParser's callbacks put into the tag `date`, is its model.
 */
export interface LogDate {
  /** The reading, as if it were UTC: ms since the epoch. */
  readonly wallMs: number;
  /** Microseconds within the second, for printing. */
  readonly micros: number;
  /** Minutes east of UTC. Undefined: the line names no zone. */
  readonly offsetMinutes: number | undefined;
  /** Printed with its offset, as Python does for an aware datetime. */
  readonly aware: boolean;
}

export interface WallClock {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour?: number | undefined;
  readonly minute?: number | undefined;
  readonly second?: number | undefined;
  readonly micros?: number | undefined;
  readonly offsetMinutes?: number | undefined;
  readonly aware?: boolean | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A little less than half of the shortest year. */
const HALF_YEAR_MS = 182 * DAY_MS;

/** Undefined when there is no such date, by the rules of Python's datetime (years 1–9999, seconds to 59). */
export function logDate(parts: WallClock): LogDate | undefined {
  const { year, month, day, hour = 0, minute = 0, second = 0, micros = 0 } = parts;
  if (!inRange(year, 1, 9999) || !inRange(month, 1, 12) || !inRange(day, 1, daysOfMonth(year, month))) return undefined;
  if (!inRange(hour, 0, 23) || !inRange(minute, 0, 59) || !inRange(second, 0, 59)) return undefined;
  if (!inRange(micros, 0, 999_999)) return undefined;
  return {
    wallMs: utcMs(year, month, day, hour, minute, second) + Math.floor(micros / 1_000),
    micros,
    offsetMinutes: parts.offsetMinutes,
    aware: parts.aware ?? false,
  };
}

/** When it was, in ms since the epoch; `timeZone` (an IANA name) is for a date without a zone. */
export function epochMsOf(date: LogDate, timeZone: string): number {
  if (date.offsetMinutes !== undefined) return date.wallMs - date.offsetMinutes * MINUTE_MS;
  return utcOfWallMs(timeZone, date.wallMs);
}

/** As Python prints a datetime, which is what examples in definitions expect. */
export function printLogDate(date: LogDate): string {
  const [day, time] = new Date(date.wallMs).toISOString().split('T');
  const fraction = date.micros === 0 ? '' : `.${String(date.micros).padStart(6, '0')}`;
  return `${day ?? ''} ${(time ?? '').slice(0, 8)}${fraction}${date.aware ? printOffset(date.offsetMinutes ?? 0) : ''}`;
}

function printOffset(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/**
 * The year that a line leaves out: the one whose date is nearest to the stored reception, so that it never changes
 * when the line is read again. 29 February is looked for in the nearest leap year.
 */
export function nearestYear(parts: Omit<WallClock, 'year'>, receivedWallMs: number): number | undefined {
  const year = yearOf(receivedWallMs);
  const { month, day, hour = 0, minute = 0, second = 0 } = parts;
  const distanceIn = (candidate: number): number => (
    day > daysOfMonth(candidate, month) ? Infinity
      : Math.abs(utcMs(candidate, month, day, hour, minute, second) - receivedWallMs));
  // Every other year is farther away then.
  if (distanceIn(year) < HALF_YEAR_MS) return year;
  let best: number | undefined;
  let bestDistance = Infinity;
  // Any other day is at most a year away.
  const reach = month === 2 && day === 29 ? 4 : 1;
  for (let candidate = year - reach; candidate <= year + reach; candidate += 1) {
    const distance = distanceIn(candidate);
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** The first moment of a day in the reception's year; undefined: for some time of that day another year is nearer. */
export function dayInNearestYear(month: number, day: number, receivedWallMs: number): number | undefined {
  const year = yearOf(receivedWallMs);
  if (!inRange(month, 1, 12) || !inRange(day, 1, daysOfMonth(year, month))) return undefined;
  const startMs = utcMs(year, month, day, 0, 0, 0);
  const isNear = (ms: number): boolean => Math.abs(ms - receivedWallMs) < HALF_YEAR_MS;
  return isNear(startMs) && isNear(startMs + DAY_MS) ? startMs : undefined;
}

let lastYear = { wallMs: NaN, year: NaN };

/** All lines of a body were received at once. */
function yearOf(wallMs: number): number {
  if (wallMs !== lastYear.wallMs) lastYear = { wallMs, year: new Date(wallMs).getUTCFullYear() };
  return lastYear.year;
}

/** Days from 1970-01-01 by the Gregorian calendar; `month` from 1. Several times as fast as Date.UTC. */
function dayNumber(year: number, month: number, day: number): number {
  // Years begin in March, so that a leap day is the last of its year.
  const marchYear = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + dayOfYear - 719_468;
}

function utcMs(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  return ((dayNumber(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1_000;
}

function daysOfMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

function inRange(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

