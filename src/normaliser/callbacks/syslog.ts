import { type Callback, refuse, type WorkingLog } from '../callback';
import { pythonInt } from '../python-values';
import { monthNumber, setDate, setDateWithoutYear, setPlainBsdDate } from './common-dates';

const FACILITIES = [
  'kernel', 'user', 'mail', 'daemon', 'auth', 'syslog', 'print', 'news', 'uucp', 'ntp', 'secure', 'ftp', 'ntp',
  'audit', 'alert', 'ntp', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7',
] as const;
export const SEVERITIES = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'] as const;

/** PRI = 8 × facility + severity (RFC 5424, 6.2.1), named in PyLogsParser's vocabulary. */
export const decodePriority: Callback = (value, log) => {
  const priority = pythonInt(value);
  const facility = FACILITIES[Math.floor(priority / 8)] ?? refuse('the facility is out of range');
  log.set('facility', facility);
  log.set('severity', SEVERITIES[priority % 8] ?? refuse('the severity is out of range'));
  log.set('facility_code', String(Math.floor(priority / 8)));
  log.set('severity_code', String(priority % 8));
};

const BSD = /^([A-Z][a-z]{2}) +(\d{1,2}) (?:(\d{4}) )?(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(?: (\d{4}))?/;
const ISO = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * Every timestamp that syslog daemons write: `Nov  6 17:32:47` (RFC 3164), the same with a year or a fraction as
 * routers write it, RFC 3339 with any fraction, and ISO 8601 without a zone or without its colon.
 */
export const decodeSyslogDate: Callback = (value, log, input) => {
  if (setPlainBsdDate(value, log, input)) return;
  const bsd = BSD.exec(value);
  if (bsd === null) {
    decodeIsoDate(value, log);
    return;
  }
  const parts = {
    month: monthNumber(bsd[1] ?? ''), day: Number(bsd[2]),
    hour: Number(bsd[4]), minute: Number(bsd[5]), second: Number(bsd[6]), micros: microsOf(bsd[7]),
  };
  const year = bsd[3] ?? bsd[8];
  if (year === undefined) setDateWithoutYear(log, parts, input);
  else setDate(log, { ...parts, year: Number(year) });
};

function decodeIsoDate(value: string, log: WorkingLog): void {
  const iso = ISO.exec(value) ?? refuse('the timestamp has another form');
  setDate(log, {
    year: Number(iso[1]), month: Number(iso[2]), day: Number(iso[3]),
    hour: Number(iso[4]), minute: Number(iso[5]), second: Number(iso[6]), micros: microsOf(iso[7]),
    offsetMinutes: offsetMinutesOf(iso[8]), aware: iso[8] !== undefined,
  });
}

/** Microseconds of a decimal fraction; what is finer is cut off. */
export function microsOf(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Number(fraction.slice(0, 6).padEnd(6, '0'));
}

/** Minutes east of UTC of `Z`, `+01:00` or `+0100`; undefined for no zone. */
export function offsetMinutesOf(zone: string | undefined): number | undefined {
  if (zone === undefined) return undefined;
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  if (minutes >= 24 * 60) refuse('the offset from UTC is out of range');
  return zone.startsWith('-') ? -minutes : minutes;
}

/** Parameters of one line that become tags; what a sender adds beyond stays in the text. */
const PARAMETERS_OF_LINE = 64;
const ELEMENT = /\[([^ =\]"]{1,64})((?: [^ =\]"]{1,64}="(?:[^"\\]|\\.)*")*) *\]/gs;
const PARAMETER = / ([^ =\]"]{1,64})="((?:[^"\\]|\\.)*)"/gs;

/**
 * Structured data (RFC 5424, 6.3): each parameter becomes the tag `sd_<element>_<parameter>`, every character other
 * than an ASCII letter or digit turned into `_`; a repeated parameter's values are joined by `,`; an element without
 * parameters becomes `sd_<element>` = `true`.
 */
export const decodeStructuredData: Callback = (value, log) => {
  let left = PARAMETERS_OF_LINE;
  const seen = new Set<string>();
  for (const element of value.matchAll(ELEMENT)) {
    const prefix = `sd_${tagNameOf(element[1] ?? '')}`;
    if (element[2] === '') log.set(prefix, 'true');
    for (const parameter of (element[2] ?? '').matchAll(PARAMETER)) {
      if (left === 0) return;
      left -= 1;
      const name = `${prefix}_${tagNameOf(parameter[1] ?? '')}`;
      const text = (parameter[2] ?? '').replace(/\\(["\\\]])/g, '$1');
      const former = log.get(name);
      log.set(name, seen.has(name) && typeof former === 'string' ? `${former},${text}` : text);
      seen.add(name);
    }
  }
};

function tagNameOf(name: string): string {
  return name.replace(/[^0-9A-Za-z]/g, '_');
}
