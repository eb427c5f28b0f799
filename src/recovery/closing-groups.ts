import type { ClosingFile, States } from '../archive/states';
import type { Clock } from '../clock';
import { UnavailableError, UnknownOutcomeError } from '../errors';
import { faultPoint } from '../fault-points';
import { limits } from '../limits';
import type { Log } from '../log';
import type { Random } from '../random';
import { backoffMs } from '../retry';
import type { Mutex } from './mutex';

/** Most files of one closing transaction. */
const GROUP_FILES = 500;
/** Tries in a row without any progress. */
const ATTEMPTS = 8;

export interface GroupOptions {
  readonly states: States;
  /** One closing transaction in flight per volume: more of them delay the journal's writes by seconds (schedule 50). */
  readonly mutex: Mutex;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Groups of at most `limits.closeGroupBytes` stored bytes, or of one file. */
export function groupsOf(files: readonly ClosingFile[]): ClosingFile[][] {
  const groups: ClosingFile[][] = [];
  let bytes = 0;
  for (const file of files) {
    const last = groups[groups.length - 1];
    const fits = last !== undefined && last.length < GROUP_FILES
      && bytes + file.content.length <= limits.closeGroupBytes;
    if (fits) {
      last.push(file);
      bytes += file.content.length;
    } else {
      groups.push([file]);
      bytes = file.content.length;
    }
  }
  return groups;
}

/**
 * Closes files in transactions. Those that somebody else closed first are dropped; on a conflict the group is halved
 * after a random wait; after an unknown outcome the states tell what happened. Returns the ids of the files that
 * this call closed, or may have closed.
 */
export async function closeInGroups(files: readonly ClosingFile[], options: GroupOptions): Promise<readonly string[]> {
  const closed: string[] = [];
  const waiting = groupsOf(files).reverse();
  let failures = 0;
  for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
    const verdict = await tryGroup(group, options);
    if (verdict.error === undefined) {
      closed.push(...group.map(({ state }) => state.id));
      failures = 0;
      continue;
    }
    failures = verdict.existing.size > 0 ? 1 : failures + 1;
    if (failures > ATTEMPTS) throw verdict.error;
    if (verdict.mayBeOurs) closed.push(...verdict.existing);
    const left = group.filter(({ state }) => !verdict.existing.has(state.id));
    const half = Math.ceil(left.length / 2);
    if (half < left.length) waiting.push(left.slice(half));
    if (half > 0) waiting.push(left.slice(0, half));
    await options.clock.sleep(backoffMs(failures, options.random, 50, 2_000));
  }
  return closed;
}

interface GroupVerdict {
  readonly existing: ReadonlySet<string>;
  /** The files that exist may have been closed by this very try. */
  readonly mayBeOurs: boolean;
  readonly error?: Error;
}

async function tryGroup(group: readonly ClosingFile[], options: GroupOptions): Promise<GroupVerdict> {
  const { states, mutex, log } = options;
  const ids = group.map(({ state }) => state.id);
  try {
    const result = await mutex.run(() => states.close(group));
    faultPoint('closer.group-closed');
    if (result.outcome === 'closed') return { existing: new Set(), mayBeOurs: true };
    const error = new UnavailableError('another process closes the same files');
    return { existing: new Set(result.existing), mayBeOurs: false, error };
  } catch (error) {
    if (error instanceof UnknownOutcomeError) {
      log.warn('ClosingOutcomeUnknown', { files: ids.length, error });
      return { existing: await states.existing(ids), mayBeOurs: true, error };
    }
    if (error instanceof UnavailableError) return { existing: new Set(), mayBeOurs: false, error };
    throw error;
  }
}
