/**
 * Time as the program sees it. Everything that waits or reads a clock gets one of these, so that tests and
 * the simulator own time. Two clocks on purpose: `now` may step (NTP, an operator), `monotonic` never does;
 * durations are always measured with the latter.
 */
export interface Clock {
  /** Milliseconds since the epoch; may jump either way. */
  now(): number;
  /** Milliseconds since an arbitrary point; never goes back. */
  monotonic(): number;
  /** Resolves after `delayMs`, or at once (without an error) when the signal aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `callback` once after `delayMs`. The returned function cancels and is idempotent. */
  timer(delayMs: number, callback: () => void): () => void;
}

class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(handle);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const handle = setTimeout(done, delayMs);
      signal?.addEventListener('abort', done);
    });
  }

  timer(delayMs: number, callback: () => void): () => void {
    const handle = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(handle);
    };
  }
}

export const systemClock: Clock = new SystemClock();
