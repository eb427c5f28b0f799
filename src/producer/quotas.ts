import type { Clock } from '../clock';
import type { Source } from '../registry/ports';
import { IntakeError } from './intake-error';

/** A source may save up so many seconds of its quota for a burst. */
const BURST_SECONDS = 10;
/** Sources remembered at most; those least recently seen are forgotten, which only forgives them a little. */
const MAX_SOURCES = 100_000;

interface Usage {
  requests: number;
  bytes: number;
  atMs: number;
}

/** Quotas of sources in this producer: buckets that fill with the rate; bytes are charged when they are known. */
export class Quotas {
  private readonly usages = new Map<string, Usage>();

  constructor(private readonly clock: Clock) {}

  /** Counts a request. IntakeError 429 when the source has used up its requests or bytes. */
  admit(source: Source): void {
    const { requestsPerSecond, bytesPerSecond } = source.quotas;
    if (requestsPerSecond === undefined && bytesPerSecond === undefined) return;
    const usage = this.refilled(source);
    if (requestsPerSecond !== undefined && usage.requests < 1) {
      throw exceeded('requests', (1 - usage.requests) / requestsPerSecond);
    }
    if (bytesPerSecond !== undefined && usage.bytes <= 0) throw exceeded('bytes', (1 - usage.bytes) / bytesPerSecond);
    usage.requests -= 1;
  }

  /** Charges bytes of a body; a large one may overdraw, and the next request waits for longer. */
  charge(source: Source, bytes: number): void {
    if (source.quotas.bytesPerSecond !== undefined) this.refilled(source).bytes -= bytes;
  }

  private refilled(source: Source): Usage {
    const { requestsPerSecond = 0, bytesPerSecond = 0 } = source.quotas;
    const nowMs = this.clock.monotonic();
    const most = { requests: Math.max(1, requestsPerSecond * BURST_SECONDS), bytes: bytesPerSecond * BURST_SECONDS };
    const former = this.usages.get(source.id) ?? { ...most, atMs: nowMs };
    const seconds = (nowMs - former.atMs) / 1000;
    const usage: Usage = {
      requests: Math.min(most.requests, former.requests + seconds * requestsPerSecond),
      bytes: Math.min(most.bytes, former.bytes + seconds * bytesPerSecond),
      atMs: nowMs,
    };
    this.usages.delete(source.id);
    this.usages.set(source.id, usage);
    if (this.usages.size > MAX_SOURCES) for (const oldest of this.usages.keys()) { this.usages.delete(oldest); break; }
    return usage;
  }
}

function exceeded(what: string, seconds: number): IntakeError {
  return new IntakeError(`the quota of ${what} of this source is used up`, {
    status: 429, code: 'quota-exceeded', retryAfterSeconds: Math.max(1, Math.ceil(seconds)),
    remedy: 'send less, or raise the quota of the source',
  });
}
