import type { Clock } from './clock';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * The program's own events, one JSON object a line. `event` is named `<Noun><PastVerb>`. warn: nothing is lost
 * and we go on; error: data is at risk or a person is needed. Never one event per data line, never a secret.
 */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log with fields added to each event. */
  child(fields: LogFields): Log;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** The registry's path of a key, as errors name it: the key is the secret of its source. Enough is left to find it. */
const KEY_PATH = /(\/Authentification\/[0-9a-f]{8})[0-9a-f]{56}/g;

export interface LogOptions {
  readonly clock: Clock;
  readonly level?: LogLevel;
  readonly write: (line: string) => void;
  readonly fields?: LogFields;
}

export function createLog(options: LogOptions): Log {
  const threshold = RANK[options.level ?? 'info'];
  const emit = (level: LogLevel, event: string, fields: LogFields = {}): void => {
    if (RANK[level] < threshold) return;
    const time = new Date(options.clock.now()).toISOString();
    const line = JSON.stringify({ time, level, event, ...options.fields, ...plain(fields) });
    options.write(`${line.replace(KEY_PATH, '$1…')}\n`);
  };
  return {
    debug: (event, fields) => { emit('debug', event, fields); },
    info: (event, fields) => { emit('info', event, fields); },
    warn: (event, fields) => { emit('warn', event, fields); },
    error: (event, fields) => { emit('error', event, fields); },
    child: (fields) => createLog({ ...options, fields: { ...options.fields, ...fields } }),
  };
}

/** Errors have no enumerable properties: give their name, message and causes instead. */
function plain(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, describe(value, 0)]));
}

function describe(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (!(value instanceof Error)) return value;
  const cause = value.cause === undefined || depth >= 3 ? undefined : describe(value.cause, depth + 1);
  return { name: value.name, message: value.message, ...(cause === undefined ? {} : { cause }) };
}

/** Keeps nothing: for tests and for libraries' default. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};
