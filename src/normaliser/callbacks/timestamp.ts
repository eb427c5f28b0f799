import { type Callback, refuse, type WorkingLog } from '../callback';
import { monthNumber, setDate } from './common-dates';
import { decodeSyslogDate, microsOf, offsetMinutesOf } from './syslog';

const ISO = /^(\d{4})[-/](\d{2})[-/](\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))? ?(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/;
const HTTP = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?: ([+-]\d{4}))?$/;
const EPOCH = /^(\d{9,10})(?:\.(\d{1,9})|(\d{3}|\d{6}|\d{9}))?$/;

/**
 * Reads what machines write as a time: ISO 8601 with `T` or a space (zone optional), `22/Nov/2026:03:10:56 +0000`,
 * seconds since 1970 with a fraction, whole milli-, micro- or nanoseconds, and the forms of syslog. Sets `date`.
 */
export const readTimestamp: Callback = (value, log, input) => {
  const text = value.trim();
  const iso = ISO.exec(text);
  if (iso !== null) {
    const zone = iso[8] === 'UTC' || iso[8] === 'GMT' ? 'Z' : iso[8];
    setWall(log, [iso[1], iso[2], iso[3], iso[4], iso[5], iso[6]], iso[7], zone);
    return;
  }
  const http = HTTP.exec(text);
  if (http !== null) {
    setWall(log, [http[3], String(monthNumber(http[2] ?? '')), http[1], http[4], http[5], http[6]], http[7], http[8]);
    return;
  }
  const epoch = EPOCH.exec(text);
  if (epoch === null) decodeSyslogDate(text, log, input);
  else setEpoch(log, Number(epoch[1]), microsOf(epoch[2] ?? epoch[3]));
};

function setWall(
  log: WorkingLog, numbers: readonly (string | undefined)[], fraction: string | undefined, zone: string | undefined,
): void {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers.map(Number);
  setDate(log, {
    year, month, day, hour, minute, second, micros: microsOf(fraction),
    offsetMinutes: offsetMinutesOf(zone), aware: zone !== undefined,
  });
}

function setEpoch(log: WorkingLog, seconds: number, micros: number): void {
  const date = new Date(seconds * 1_000);
  if (Number.isNaN(date.getTime())) refuse('the time is out of range');
  setDate(log, {
    year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(),
    hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds(), micros,
    offsetMinutes: 0, aware: true,
  });
}
