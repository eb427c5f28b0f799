import type { Clock } from '../clock';

/** Turns a growing counter into a rate: the mean since the former reading. */
export class RateMeter {
  private lastCount = 0;
  private lastMs: number;

  constructor(private readonly clock: Clock) {
    this.lastMs = clock.monotonic();
  }

  /** Events a second since the last call, as a whole number. */
  read(count: number): number {
    const nowMs = this.clock.monotonic();
    const elapsedMs = nowMs - this.lastMs;
    const rate = elapsedMs <= 0 ? 0 : ((count - this.lastCount) * 1000) / elapsedMs;
    this.lastCount = count;
    this.lastMs = nowMs;
    return Math.round(rate);
  }
}
