import type { LogDate } from './log-date';
import type { NormaliserInput } from './ports';

export type LogValue = string | number | LogDate;

/**
 * The tags of one line while normalizers work on it: PyLogsParser's `log` dictionary. Always holds `raw`.
 */
export interface WorkingLog extends Iterable<[string, LogValue]> {
  get(tag: string): LogValue | undefined;
  has(tag: string): boolean;
  set(tag: string, value: LogValue): unknown;
  delete(tag: string): unknown;
  forEach(take: (value: LogValue, tag: string) => void): void;
}

/**
 * What a definition calls a callback: turns a matched value into tags. Pure but for `log`. It throws (a
 * CallbackRefusal, as a rule) where PyLogsParser's raises: all tags of that normalizer are then dropped.
 */
export type Callback = (value: string, log: WorkingLog, input: NormaliserInput) => void;

/** A value that a callback cannot make sense of, such as a date in the 13th month. */
export class CallbackRefusal extends Error {
  override readonly name: string = 'CallbackRefusal';
}

export function refuse(reason: string): never {
  throw new CallbackRefusal(reason);
}

/** A value that is not of the form that a callback reads: the normalizer then does not match, and the chain goes on. */
export class CallbackMismatch extends CallbackRefusal {}

export function mismatch(reason: string): never {
  throw new CallbackMismatch(reason);
}
