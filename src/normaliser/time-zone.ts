import { InputError } from '../errors';

/**
 * Offsets of IANA time zones, from the ICU data of Node. All zones change at multiples of a quarter of an hour, so
 * one answer of Intl serves a whole quarter; recent ones are kept.
 */
const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;
const KEPT_QUARTERS = 8_192;
const KEPT_DAYS = 1_024;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  readonly offsets: Map<number, number>;
  /** Day of wall-clock readings → offset, for days round which the clock does not change. */
  readonly steadyDays: Map<number, number>;
}

const zones = new Map<string, Zone>();
/** Asked for last: nearly all lines in a row have the same. */
let lastZone: { readonly name: string; readonly zone: Zone } | undefined;

/** True for a name that dates can be read in. */
export function isTimeZone(name: string): boolean {
  try {
    zoneOf(name);
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds east of UTC at that instant. InputError for an unknown zone. */
export function offsetMsAt(timeZone: string, utcMs: number): number {
  if (timeZone === 'UTC') return 0;
  const zone = zoneOf(timeZone);
  const quarter = Math.floor(utcMs / QUARTER_MS);
  const known = zone.offsets.get(quarter);
  if (known !== undefined) return known;
  const offset = computeOffsetMs(zone.format, quarter * QUARTER_MS);
  remember(zone.offsets, quarter, offset, KEPT_QUARTERS);
  return offset;
}

function remember(offsets: Map<number, number>, when: number, offset: number, most: number): void {
  if (offsets.size >= most) offsets.clear();
  offsets.set(when, offset);
}

/**
 * The instant of a wall-clock reading. Of the two instants of a repeated hour the first; a reading that a change of
 * the clock skipped is taken with the offset before the change.
 */
export function utcOfWallMs(timeZone: string, wallMs: number): number {
  if (timeZone === 'UTC') return wallMs;
  const { steadyDays } = zoneOf(timeZone);
  const day = Math.floor(wallMs / DAY_MS);
  const known = steadyDays.get(day);
  if (known !== undefined) return wallMs - known;
  const steady = steadyOffset(timeZone, day);
  if (steady !== undefined) {
    remember(steadyDays, day, steady, KEPT_DAYS);
    return wallMs - steady;
  }
  const before = offsetMsAt(timeZone, wallMs - DAY_MS);
  const after = offsetMsAt(timeZone, wallMs + DAY_MS);
  const early = wallMs - before;
  if (before === after || offsetMsAt(timeZone, early) === before) return early;
  const late = wallMs - after;
  return offsetMsAt(timeZone, late) === after ? late : early;
}

/** The offset all through the day, the one before it and the one after it; undefined: it may change. */
function steadyOffset(timeZone: string, day: number): number | undefined {
  const offset = offsetMsAt(timeZone, (day - 1) * DAY_MS);
  const isSteady = [0, 1, 2].every((days) => offsetMsAt(timeZone, (day + days) * DAY_MS) === offset);
  return isSteady ? offset : undefined;
}

function zoneOf(name: string): Zone {
  if (lastZone?.name === name) return lastZone.zone;
  const zone = zones.get(name) ?? newZone(name);
  lastZone = { name, zone };
  return zone;
}

function newZone(name: string): Zone {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name, hourCycle: 'h23', era: 'short',
      year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
    const zone = { format, offsets: new Map<number, number>(), steadyDays: new Map<number, number>() };
    zones.set(name, zone);
    return zone;
  } catch (error) {
    throw new InputError(`"${name}" is no time zone`, { cause: error, remedy: 'Use an IANA name such as Europe/Paris or UTC.' });
  }
}

function computeOffsetMs(format: Intl.DateTimeFormat, utcMs: number): number {
  const parts = new Map(format.formatToParts(utcMs).map((part) => [part.type, part.value]));
  const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const year = parts.get('era') === 'BC' ? 1 - number('year') : number('year');
  const wall = new Date(0);
  wall.setUTCFullYear(year, number('month') - 1, number('day'));
  wall.setUTCHours(number('hour'), number('minute'), number('second'));
  return wall.getTime() - utcMs;
}
