import {
  MongoBulkWriteError, MongoNetworkError, MongoServerError, MongoServerSelectionError, MongoWriteConcernError,
} from 'mongodb';
import {
  ConflictError, InputError, LimitError, messageOf, ResilogError, UnavailableError, UnknownOutcomeError,
} from '../errors';

/**
 * What an error of the driver says about the operation. definite: certainly not done, may be tried again. unknown:
 * may be done. duplicate: a unique key exists. conflict: another transaction is at the same documents; not done.
 */
export type Verdict = 'definite' | 'unknown' | 'duplicate' | 'conflict' | 'too-large' | 'bad-input' | 'defect';

const CODES: ReadonlyMap<number, Verdict> = new Map<number, Verdict>([
  [11000, 'duplicate'],
  [112, 'conflict'], // WriteConflict
  [24, 'conflict'], // LockTimeout: another transaction holds what we need
  [10107, 'definite'], // NotWritablePrimary: refused before anything was done
  [13435, 'definite'], // NotPrimaryNoSecondaryOk
  [13436, 'definite'], // NotPrimaryOrSecondary
  [18, 'definite'], // AuthenticationFailed: by a connection that nothing was sent on yet
  [13, 'definite'], // Unauthorized
  [10334, 'too-large'], // BSONObjectTooLarge
  [17419, 'too-large'], // the resulting document is too large
  [2, 'bad-input'], // BadValue
  [14, 'bad-input'], // TypeMismatch
]);

/** Raised by the driver before it has a connection to send on. */
const NOTHING_SENT: readonly string[] = ['MongoPoolClearedError', 'MongoWaitQueueTimeoutError', 'MongoNotConnectedError'];

/** In order; the first that applies decides. Whatever is not listed may have been done. */
const RULES: readonly (readonly [applies: (error: unknown) => boolean, verdict: (error: unknown) => Verdict])[] = [
  // Acknowledged by the primary, but not (yet) on a majority. It may come together with write errors or without.
  [hasWriteConcernError, () => 'unknown'],
  [(error) => error instanceof MongoServerSelectionError, () => 'definite'],
  [(error) => error instanceof Error && NOTHING_SENT.includes(error.name), () => 'definite'],
  [(error) => error instanceof MongoNetworkError, () => 'unknown'],
  [(error) => error instanceof MongoServerError, (error) => CODES.get(Number((error as MongoServerError).code)) ?? 'unknown'],
  [(error) => (error as { code?: unknown }).code === 'ERR_OUT_OF_RANGE', () => 'too-large'],
  [(error) => error instanceof Error && error.name === 'BSONError', () => 'bad-input'],
  [(error) => error instanceof TypeError || error instanceof RangeError, () => 'defect'],
];

function hasWriteConcernError(error: unknown): boolean {
  if (error instanceof MongoWriteConcernError) return true;
  return error instanceof MongoBulkWriteError && error.result.getWriteConcernError() !== undefined;
}

export function verdictOf(error: unknown): Verdict {
  if (typeof error !== 'object' || error === null) return 'unknown';
  return RULES.find(([applies]) => applies(error))?.[1](error) ?? 'unknown';
}

/**
 * The error to give to the caller. `effect` tells whether the failed operation can have had one: a read, and a
 * transaction whose commit was not sent, can not, so that nothing about them is unknown.
 */
export function translate(error: unknown, what: string, effect: 'possible' | 'none'): unknown {
  if (error instanceof ResilogError) return error;
  const verdict = verdictOf(error);
  const message = `${what}: ${messageOf(error)}`;
  const options = { cause: error };
  switch (verdict) {
    case 'defect': return error;
    case 'too-large': return new LimitError(message, options);
    case 'bad-input': return new InputError(message, options);
    case 'duplicate': return new ConflictError(message, options);
    case 'definite':
    case 'conflict': return new UnavailableError(message, options);
    case 'unknown':
      return effect === 'none' ? new UnavailableError(message, options) : new UnknownOutcomeError(message, options);
  }
}
