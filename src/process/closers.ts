import type { Clock } from '../clock';
import { UnavailableError } from '../errors';
import type { Log } from '../log';

type Close = (deadlineMs: number) => Promise<void> | void;

/** Share of the time left that one part may take to close: one that hangs leaves some to the others. */
const SHARE = 3 / 4;

/**
 * What a process has to close, in the reverse order of its start. A part that fails or hangs does not keep the others
 * from closing. A stop may come in the middle of the start: what is made after it is closed at once.
 */
export class Closers {
  private readonly parts: { readonly name: string; readonly close: Close }[] = [];
  private endMs: number | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: { readonly clock: Clock; readonly log: Log }) {}

  /** Notes how to close a part. UnavailableError, and the part is closed, when the process is stopping already. */
  add(name: string, close: Close): void {
    this.parts.push({ name, close });
    if (this.closing === undefined) return;
    this.closing = this.closing.then(() => this.closeAll());
    throw new UnavailableError(`stopped while ${name} was starting`);
  }

  /** Closes all parts within the deadline or a little more. Idempotent, never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.endMs ??= this.options.clock.monotonic() + deadlineMs;
    this.closing ??= this.closeAll();
    let awaited: Promise<void> | undefined;
    while (awaited !== this.closing) {
      awaited = this.closing;
      await awaited;
    }
  }

  private async closeAll(): Promise<void> {
    for (let part = this.parts.pop(); part !== undefined; part = this.parts.pop()) {
      await this.closeOne(part.name, part.close);
    }
  }

  private async closeOne(name: string, close: Close): Promise<void> {
    const { clock, log } = this.options;
    const limitMs = Math.max(0, (this.endMs ?? 0) - clock.monotonic()) * SHARE;
    const done = new AbortController();
    const late = clock.sleep(limitMs, done.signal).then(() => {
      if (!done.signal.aborted) log.warn('PartNotClosed', { part: name, limitMs: Math.round(limitMs) });
    });
    const closed = (async () => { await close(limitMs); })().catch((error: unknown) => {
      log.warn('PartNotClosed', { part: name, error });
    });
    await Promise.race([closed, late]);
    done.abort();
  }
}
