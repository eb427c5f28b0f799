import { type Callback, refuse } from '../callback';
import { SEVERITIES } from './syslog';

type Severity = (typeof SEVERITIES)[number];

/** How programs name their levels, in lower case. */
const NAMES: Readonly<Record<Severity, readonly string[]>> = {
  emerg: ['emerg', 'emergency', 'panic'],
  alert: ['alert'],
  crit: ['crit', 'critical', 'fatal', 'f'],
  error: ['error', 'err', 'severe', 'e', 'eror'],
  warn: ['warn', 'warning', 'w', 'wrn'],
  notice: ['notice', 'n'],
  info: ['info', 'information', 'informational', 'i', 'inf', 'log', 'config'],
  debug: ['debug', 'd', 'dbg', 'trace', 'verbose', 'fine', 'finer', 'finest', 'v', 't', 'd1', 'd2', 'd3', 'd4', 'd5',
    'debug1', 'debug2', 'debug3', 'debug4', 'debug5'],
};
/** Levels of bunyan and pino, which JSON lines have as numbers. */
const TENS: Readonly<Record<string, Severity>> = {
  10: 'debug', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'crit',
};
const BY_NAME: ReadonlyMap<string, Severity> = new Map(
  SEVERITIES.flatMap((severity) => NAMES[severity].map((name) => [name, severity] as const)));

/** The severity that a level's name, or a number of syslog's or bunyan's, stands for. */
export function severityOf(level: string): Severity | undefined {
  if (/^[0-7]$/.test(level)) return SEVERITIES[Number(level)];
  return (Object.hasOwn(TENS, level) ? TENS[level] : undefined) ?? BY_NAME.get(level.toLowerCase());
}

/** Sets `severity` and `severity_code`, as syslog names them; refuses a level that is not known. */
export const readSeverity: Callback = (value, log) => {
  const severity = severityOf(value) ?? refuse('the level is unknown');
  log.set('severity', severity);
  log.set('severity_code', String(SEVERITIES.indexOf(severity)));
};

/** Like `readSeverity`, but leaves alone what it does not know. */
export const guessSeverity: Callback = (value, log, input) => {
  if (severityOf(value) !== undefined) readSeverity(value, log, input);
};
