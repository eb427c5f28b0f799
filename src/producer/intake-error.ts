import { ResilogError, type ErrorOptions } from '../errors';

interface IntakeErrorOptions extends ErrorOptions {
  readonly status: number;
  readonly code: string;
  /** Sent as `Retry-After`; every 503 and 429 has one. */
  readonly retryAfterSeconds?: number;
}

/** A request that is answered with something else than 200. Agents retry 503 and drop most others, so choose well. */
export class IntakeError extends ResilogError {
  readonly code: string;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly retryable: boolean;

  constructor(message: string, options: IntakeErrorOptions) {
    super(message, options);
    this.status = options.status;
    this.code = options.code;
    this.retryAfterSeconds = options.retryAfterSeconds ?? (options.status === 503 ? 2 : undefined);
    this.retryable = options.status === 503 || options.status === 429;
  }
}

/** 503: nothing is wrong with the request; the same one may succeed later. */
export function unavailable(code: string, message: string, retryAfterSeconds = 2, cause?: unknown): IntakeError {
  return new IntakeError(message, {
    status: 503, code, retryAfterSeconds, cause, remedy: 'send the same request again after the given time',
  });
}

export function memoryExhausted(): IntakeError {
  return unavailable('memory-exhausted', 'the memory for bodies in work is used up', 1);
}

export function bodyTooLarge(maxBytes: number): IntakeError {
  return new IntakeError(`the body is larger than ${maxBytes} bytes after decompression`, {
    status: 413, code: 'body-too-large', remedy: 'send the lines in several requests',
  });
}

/** 413 and not 503, for the same body would be refused whenever it comes. */
export function bodyBeyondMemory(budgetBytes: number): IntakeError {
  return new IntakeError(`the body alone takes more than the ${budgetBytes} bytes of memory that all bodies may have`, {
    status: 413, code: 'body-too-large',
    remedy: 'send the lines in several requests, or let the operator raise intake.memoryBudgetBytes',
  });
}

export function lineTooLong(maxBytes: number): IntakeError {
  return new IntakeError(`a line is longer than ${maxBytes} bytes`, {
    status: 413, code: 'line-too-long', remedy: 'end each line with a line feed, or cut the line before it is sent',
  });
}

export function unreadableBody(message: string, cause?: unknown): IntakeError {
  return new IntakeError(message, {
    status: 400, code: 'unreadable-body', cause, remedy: 'check the Content-Encoding header and the compressed data',
  });
}
