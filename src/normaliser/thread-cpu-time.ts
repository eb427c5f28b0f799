import { readFileSync, readlinkSync } from 'node:fs';

/** Length of the kernel's clock tick (USER_HZ, fixed at 100 for what it shows in /proc). */
const TICK_MS = 10;

/** The operating system's number of the calling thread; 0 where there is no /proc. */
export function ownThreadId(): number {
  try {
    return Number(/\d+$/.exec(readlinkSync('/proc/thread-self'))?.[0] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Milliseconds that a thread of this process has computed: unlike the clock on the wall it stands still while the
 * thread waits for a processor. Undefined where the kernel does not tell. Reads /proc, which is memory: it never waits.
 */
export function threadCpuMs(threadId: number): number | undefined {
  if (threadId <= 0) return undefined;
  try {
    const [running = 0] = readFileSync(`/proc/self/task/${threadId}/schedstat`, 'latin1').split(' ').map(Number);
    if (running > 0) return running / 1e6;
  } catch {
    // A kernel without scheduler statistics: the ticks will do.
  }
  try {
    const stat = readFileSync(`/proc/self/task/${threadId}/stat`, 'latin1');
    // The name, in parentheses, may hold anything; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    return ((fields[11] ?? 0) + (fields[12] ?? 0)) * TICK_MS;
  } catch {
    return undefined;
  }
}
