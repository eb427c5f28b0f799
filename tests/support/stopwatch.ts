import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** At least so much of the time counts, however busy the machine is. */
const COUNTED_SHARE = 0.1;
/** Of /proc/stat: hundredths of a second on every Linux that Node runs on (sysconf _SC_CLK_TCK). */
const TICK_MS = 10;

/**
 * How long something takes where there is a processor for everybody. A bound in seconds is meant for a member that is
 * not overloaded, but tests run three at once on machines whose host takes processors away: time in which a process
 * waited for a processor (pressure stall information, proc(5)) or in which the host had it (steal) does not count.
 */
export class Stopwatch {
  private readonly begin = Date.now();
  private readonly withoutProcessor = withoutProcessorMs();

  /** Milliseconds that count. */
  get ms(): number {
    const wallMs = this.wallMs;
    return Math.max(wallMs * COUNTED_SHARE, wallMs - (withoutProcessorMs() - this.withoutProcessor));
  }

  /** Milliseconds on the wall's clock. */
  get wallMs(): number {
    return Date.now() - this.begin;
  }
}

function withoutProcessorMs(): number {
  const stalled = /^some .*total=(\d+)/m.exec(contentOf('/proc/pressure/cpu'))?.[1] ?? 0;
  const stolen = contentOf('/proc/stat').split('\n', 1)[0]?.trim().split(/\s+/)[8] ?? 0;
  return Number(stalled) / 1_000 + Number(stolen) * TICK_MS / cpus().length;
}

/** Empty where the kernel has no such file. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
