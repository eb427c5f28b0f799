import type { Clock } from '../clock';
import { UnavailableError } from '../errors';
import type { Random } from '../random';
import type { Coordination } from '../registry/coordination';
import { acquireLock, type Lock } from '../registry/locks';

/** A lock that nobody holds is had at once; one that is not had by then is held by somebody who is at the work. */
const WAIT_MS = 1_000;

/**
 * Runs the work while this process holds the lock; does nothing when another process holds it. The lock only saves
 * work: what is done under it is harmless when two do it.
 */
export async function exclusively(
  { coordination, clock, random }: { coordination: Coordination; clock: Clock; random: Random },
  name: string, signal: AbortSignal, work: (lost: AbortSignal) => Promise<void>,
): Promise<void> {
  let lock: Lock;
  try {
    lock = await acquireLock(coordination, name, { clock, random, waitMs: WAIT_MS, signal });
  } catch (error) {
    if (error instanceof UnavailableError) return;
    throw error;
  }
  try {
    await work(AbortSignal.any([lock.lost, signal]));
  } finally {
    await lock.release();
  }
}
