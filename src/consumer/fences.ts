const ENDED_KEPT = 1_000;

/** Signals that end when the fence does, under which work is done. */
export class Fences {
  private readonly controllers = new Map<string, AbortController>();
  /** The latest that ended: an item may arrive a moment after its fence was lost. */
  private readonly ended = new Set<string>();

  signalOf(fence: string): AbortSignal {
    if (this.ended.has(fence)) return AbortSignal.abort();
    let controller = this.controllers.get(fence);
    if (controller === undefined) {
      controller = new AbortController();
      this.controllers.set(fence, controller);
    }
    return controller.signal;
  }

  lost(fence: string): void {
    this.controllers.get(fence)?.abort();
    this.controllers.delete(fence);
    this.ended.add(fence);
    const [oldest] = this.ended;
    if (this.ended.size > ENDED_KEPT && oldest !== undefined) this.ended.delete(oldest);
  }

  abortAll(): void {
    for (const fence of [...this.controllers.keys()]) this.lost(fence);
  }
}
