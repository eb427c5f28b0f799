import type { Clock } from '../clock';
import { keyOf, type Suspicion } from './finding';
import type { Looked } from './ports';

interface Suspect {
  readonly subject: string;
  readonly seenMs: number;
  readonly keys: ReadonlySet<string>;
}

/** Subjects that wait for their second look. */
const MOST_SUSPECTS = 2_000;

/** What was seen once, until it may be looked at again: what was only in flight has arrived by then. */
export class Suspects {
  private readonly waiting = new Map<string, Suspect>();

  constructor(private readonly clock: Clock, private readonly settleMs: number) {}

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  /** Those of the latest look; a subject that waits already keeps its time. */
  add(suspicions: readonly Suspicion[]): void {
    const seenMs = this.clock.monotonic();
    const keys = new Map<string, Set<string>>();
    for (const suspicion of suspicions) {
      const known = keys.get(suspicion.subject) ?? new Set<string>();
      keys.set(suspicion.subject, known.add(keyOf(suspicion)));
    }
    for (const [subject, its] of keys) {
      const before = this.waiting.get(subject);
      this.waiting.set(subject, {
        subject, seenMs: before?.seenMs ?? seenMs, keys: new Set([...before?.keys ?? [], ...its]),
      });
    }
  }

  /**
   * What is still as it was seen, of those that waited long enough; of all, after a wait, when `all` asks for it or
   * they become too many. Nothing is lost when the look fails: they wait on.
   */
  async confirmed(
    again: (subjects: readonly string[]) => Promise<Looked>, all: boolean, signal?: AbortSignal,
  ): Promise<readonly Suspicion[]> {
    const everyone = [...this.waiting.values()];
    const mustWait = all || everyone.length >= MOST_SUSPECTS;
    const lastMs = Math.max(...everyone.map(({ seenMs }) => seenMs)) + this.settleMs;
    if (everyone.length > 0 && mustWait) {
      await this.clock.sleep(Math.max(0, lastMs - this.clock.monotonic()), signal);
      if (signal?.aborted) return [];
    }
    const nowMs = this.clock.monotonic();
    const due = everyone.filter(({ seenMs }) => mustWait || nowMs - seenMs >= this.settleMs);
    if (due.length === 0) return [];
    const keys = new Set(due.flatMap((suspect) => [...suspect.keys]));
    const { suspicions } = await again(due.map(({ subject }) => subject));
    for (const { subject } of due) this.waiting.delete(subject);
    return suspicions.filter((suspicion) => keys.has(keyOf(suspicion)));
  }
}
