import type { Clock } from './clock';
import type { Random } from './random';
import { ResilogError } from './errors';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly signal?: AbortSignal;
  /** Told before each wait. */
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
}

/** True when the same call may succeed later. Defects (TypeError, RangeError …) never are. */
export function isRetryable(error: unknown): boolean {
  return error instanceof ResilogError && error.retryable;
}

/** Delay before try `attempt` + 1: exponential with full jitter in its upper half. */
export function backoffMs(attempt: number, random: Random, firstDelayMs = 100, maxDelayMs = 5_000): number {
  const ceiling = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(attempt - 1, 30));
  return ceiling / 2 + (ceiling / 2) * random.fraction();
}

/** Calls `operation` until it succeeds, fails for good, the tries are used up or the signal aborts. */
export async function retry<T>(operation: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation(attempt);
    } catch (error) {
      if (attempt >= options.attempts || !isRetryable(error) || options.signal?.aborted) throw error;
      const delayMs = backoffMs(attempt, options.random, options.firstDelayMs, options.maxDelayMs);
      options.onRetry?.(error, attempt, delayMs);
      await options.clock.sleep(delayMs, options.signal);
      if (options.signal?.aborted) throw error;
    }
  }
}
