/** Lets callers wait until somebody says that there may be something to do. Every waiter is woken each time. */
export class WakeUp {
  private waiters: (() => void)[] = [];

  get waiting(): number {
    return this.waiters.length;
  }

  wake(): void {
    const woken = this.waiters;
    this.waiters = [];
    for (const resolve of woken) resolve();
  }

  /** Resolves at the next `wake`, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.waiters = this.waiters.filter((waiter) => waiter !== done);
        resolve();
      };
      signal.addEventListener('abort', done);
      this.waiters.push(done);
    });
  }
}
