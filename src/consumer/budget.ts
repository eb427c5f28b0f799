interface Waiter {
  readonly amount: number;
  readonly resolve: () => void;
}

/**
 * A bounded amount of something (bytes, places) that work takes before it starts and gives back afterwards; who has to
 * wait is served in order. A demand above the whole is served when everything is free, so nothing waits for ever.
 */
export class Budget {
  private used = 0;
  private waiters: Waiter[] = [];

  constructor(private readonly total: number) {}

  get inUse(): number {
    return this.used;
  }

  /** False when the signal aborted first: then nothing was taken. */
  async acquire(amount: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.waiters.length === 0 && this.fits(amount)) {
      this.used += amount;
      return true;
    }
    return new Promise((resolve) => {
      const abort = (): void => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
        resolve(false);
        this.serve();
      };
      const waiter: Waiter = {
        amount,
        resolve: () => {
          signal.removeEventListener('abort', abort);
          resolve(true);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.waiters.push(waiter);
    });
  }

  release(amount: number): void {
    this.used -= amount;
    this.serve();
  }

  private serve(): void {
    for (let waiter = this.waiters[0]; waiter !== undefined && this.fits(waiter.amount); waiter = this.waiters[0]) {
      this.waiters.shift();
      this.used += waiter.amount;
      waiter.resolve();
    }
  }

  private fits(amount: number): boolean {
    return this.used === 0 || this.used + amount <= this.total;
  }
}
