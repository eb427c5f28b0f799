/**
 * Every error that the program raises on purpose. `retryable` says whether the same call may succeed later;
 * `remedy` tells the reader what to do. Errors of Node, drivers and libraries are wrapped with `cause`.
 * A TypeError, RangeError or InvariantError is a defect of ours and is never retried.
 */
export interface ErrorOptions {
  readonly cause?: unknown;
  /** What the reader can do about it, as one sentence. */
  readonly remedy?: string;
}

export abstract class ResilogError extends Error {
  /** Stable, machine-readable, in lower-case with dashes; given to clients. */
  abstract readonly code: string;
  abstract readonly retryable: boolean;
  readonly remedy: string | undefined;

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.remedy = options.remedy;
  }
}

/** The caller gave something that cannot be used: a wrong option, a bad query, a malformed document. */
export class InputError extends ResilogError {
  readonly code: string = 'bad-input';
  readonly retryable = false;
}

/** What was named does not exist. */
export class NotFoundError extends ResilogError {
  readonly code = 'not-found';
  readonly retryable = false;
}

/** What was named exists already, or was changed by somebody else meanwhile. */
export class ConflictError extends ResilogError {
  readonly code: string = 'conflict';
  readonly retryable = false;
}

/** The configuration cannot be used; the process ends with exit code 78. */
export class ConfigurationError extends ResilogError {
  readonly code = 'bad-configuration';
  readonly retryable = false;
}

/** Who asks may not do this. */
export class PermissionError extends ResilogError {
  readonly code: string = 'forbidden';
  readonly retryable = false;
}

/** Something is larger than a documented limit. */
export class LimitError extends ResilogError {
  readonly code = 'too-large';
  readonly retryable = false;
}

/** A component is down, full or shutting down. The operation certainly had no effect. */
export class UnavailableError extends ResilogError {
  readonly code: string = 'unavailable';
  readonly retryable = true;
}

/**
 * An operation was sent and no verdict came back (time-out, broken connection): it may or may not have taken
 * effect. Retrying is only allowed where the operation is idempotent.
 */
export class UnknownOutcomeError extends ResilogError {
  readonly code = 'unknown-outcome';
  readonly retryable = true;
}

/** Stored data does not match its hash or its format. */
export class CorruptionError extends ResilogError {
  readonly code = 'corrupt';
  readonly retryable = false;
}

/** The claim, fence or lane under which an effect was tried is no longer ours. */
export class FencedError extends ResilogError {
  readonly code = 'fenced';
  readonly retryable = false;
}

/** Something that can't happen did. The process should stop: its state is not to be trusted. */
export class InvariantError extends ResilogError {
  readonly code = 'invariant';
  readonly retryable = false;
}

/** Asserts what must hold; throws InvariantError. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
