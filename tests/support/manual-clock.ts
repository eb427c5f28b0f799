import type { Clock } from '../../src/clock';

/** A clock that a test moves. Both times advance together; `step` moves only the one that may jump. */
export class ManualClock implements Clock {
  private elapsedMs = 0;
  private offsetMs = Date.parse('2026-01-01T00:00:00Z');
  private timers: { atMs: number; callback: () => void }[] = [];

  now(): number {
    return this.offsetMs + this.elapsedMs;
  }

  monotonic(): number {
    return this.elapsedMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const cancel = this.timer(delayMs, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }

  timer(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.elapsedMs + delayMs, callback };
    this.timers.push(timer);
    return () => { this.timers = this.timers.filter((candidate) => candidate !== timer); };
  }

  /** As when an operator or NTP sets the time. */
  step(byMs: number): void {
    this.offsetMs += byMs;
  }

  /** Lets time pass: timers fire in their order, and what they set going runs until it waits for time again. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.elapsedMs + byMs;
    await settle();
    for (;;) {
      const due = this.timers.filter((timer) => timer.atMs <= endMs).sort((one, other) => one.atMs - other.atMs)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.elapsedMs = Math.max(this.elapsedMs, due.atMs);
      due.callback();
      await settle();
    }
    this.elapsedMs = endMs;
    await settle();
  }
}

/** Lets everything run that does not wait for time. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
}
