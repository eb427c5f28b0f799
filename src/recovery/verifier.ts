import { linesOfRanges } from '../archive/line-ranges';
import { Phase, type FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { faultPoint } from '../fault-points';
import type { FileSums, LogIndex } from '../index/ports';
import type { Log } from '../log';
import type { QueueProducer } from '../queue/ports';
import { expectedSums, sumsAgree } from './expected-sums';

export interface VerifierOptions {
  readonly volume: Volume;
  readonly index: LogIndex;
  readonly queue: QueueProducer;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * A batch of a former claim can arrive this late: the index's idle time-out and a session time-out together. A file
   * that was taken more than once, or has deleted lines, is verified no earlier after its last claim (schedule 20).
   */
  readonly settleMs?: number;
}

interface FailedFile {
  readonly state: FileState;
  readonly reason: string;
}

const SETTLE_MS = 20_000;
const PAGE = 200;
const REMOVAL_IDS = 1_000;
/** One after another, each with its majority writes, thousands of small sources would close files faster than this. */
const FILES_AT_ONCE = 16;
const DAY_MS = 86_400_000;
const NONE: FileSums = { count: 0, lineSum: 0n, lineSquareSum: 0n };

/**
 * Proves that what the index accepted is on its disks: after a hard commit that opened a searcher, count and sums of
 * each file agree with its state, on the leader. What does not is indexed again from the start; a follower that
 * differs is told to recover and does not count (schedule 49). Also drops states that are over.
 */
export class Verifier {
  /** Files that wait until they may be verified, as they were → since when, by the monotonic clock. */
  private waiting: ReadonlyMap<string, number> = new Map();

  constructor(private readonly options: VerifierOptions) {}

  async run(signal?: AbortSignal): Promise<void> {
    const waiting = new Map<string, number>();
    let after: string | undefined;
    while (!signal?.aborted) {
      const states = await this.options.volume.states.list({
        phases: [Phase.indexed], limit: PAGE, ...(after === undefined ? {} : { after }),
      });
      after = states[states.length - 1]?.id;
      const settled = states.filter((state) => this.isSettled(state, waiting));
      for (const collection of new Set(settled.map((state) => state.collection))) {
        await this.verify(collection, settled.filter((state) => state.collection === collection));
      }
      if (after === undefined || states.length < PAGE) break;
    }
    this.waiting = waiting;
    if (!signal?.aborted) await this.forgetGone(signal);
  }

  /** Whether a round would find anything to do; cheaper than a round under a lock. */
  async hasWork(): Promise<boolean> {
    const { volume, clock } = this.options;
    if ((await volume.states.list({ phases: [Phase.indexed], limit: 1 })).length > 0) return true;
    const over = { phases: [Phase.gone], progressOutsideMs: [clock.now() - DAY_MS, Infinity] as const, limit: 1 };
    return (await volume.states.list(over)).length > 0;
  }

  /**
   * The time since its last claim is not read off the file, where the clock of another wrote it, which may be wrong
   * either way (schedule 37), but measured from when this process first saw it so.
   */
  private isSettled({ id, claim, tombstones, tombstoneVersion }: FileState, waiting: Map<string, number>): boolean {
    if (claim <= 1 && tombstones.length === 0) return true;
    const key = `${id}/${claim}/${tombstoneVersion}`;
    const nowMs = this.options.clock.monotonic();
    const sinceMs = this.waiting.get(key) ?? nowMs;
    waiting.set(key, sinceMs);
    return nowMs - sinceMs >= (this.options.settleMs ?? SETTLE_MS);
  }

  private async verify(collection: string, files: readonly FileState[]): Promise<void> {
    const { index, volume, log } = this.options;
    // Whatever a slow writer brought back since they were deleted goes now (schedules 19, 20).
    for (const state of files) await this.removeBuried(collection, state);
    await index.commit(collection, 'hard');
    faultPoint('verifier.index-committed');
    const ids = files.map(({ id }) => id);
    const sums = await index.sums(collection, ids);
    const failed: FailedFile[] = [];
    const judge = async (state: FileState): Promise<void> => {
      const setAside = await this.setAsideLines(state);
      const found = sums.get(state.id) ?? NONE;
      const expected = expectedSums(state, setAside);
      if (sumsAgree(found, expected)) {
        await volume.states.markVerified(state.id, state.claim, state.tombstoneVersion);
        faultPoint('verifier.file-verified');
      } else {
        log.warn('FileDiffersInIndex', { file: state.id, expected: expected.count, found: found.count });
        failed.push({ state, reason: `the index has ${found.count} of ${expected.count} lines, or not the right ones` });
      }
    };
    for (let at = 0; at < files.length; at += FILES_AT_ONCE) {
      await Promise.all(files.slice(at, at + FILES_AT_ONCE).map(judge));
    }
    await this.indexAgain(failed);
    const followers = await index.recoverDifferingFollowers(collection, ids);
    if (followers.length > 0) log.warn('ReplicasRecovering', { collection, followers });
  }

  /**
   * It counts as a failed attempt: a file that never agrees becomes a dead letter. The state may have changed since it
   * was read: then nothing happens, and the next round looks again.
   */
  private async indexAgain(failed: readonly FailedFile[]): Promise<void> {
    const { volume, queue, clock } = this.options;
    const restarted: string[] = [];
    for (const { state, reason } of failed) {
      const now = await volume.states.get(state.id);
      if (now === undefined || now.tombstoneVersion !== state.tombstoneVersion || now.phase !== Phase.indexed) continue;
      if (await volume.states.restart(state.id, state.claim, clock.now(), reason)) restarted.push(state.id);
      faultPoint('verifier.file-restarted');
    }
    if (restarted.length === 0) return;
    await queue.put(restarted);
    faultPoint('verifier.files-queued');
  }

  private async removeBuried(collection: string, state: FileState): Promise<void> {
    let ids: string[] = [];
    for (const line of linesOfRanges(state.tombstones)) {
      ids.push(`${state.id}!${line}`);
      if (ids.length < REMOVAL_IDS) continue;
      await this.options.index.removeIds(collection, ids);
      ids = [];
    }
    if (ids.length === 0) return;
    await this.options.index.removeIds(collection, ids);
    faultPoint('verifier.buried-removed');
  }

  private async setAsideLines(state: FileState): Promise<readonly number[]> {
    if (state.setAside === 0) return [];
    const lines = await this.options.volume.states.setAsideLines({ fileId: state.id, limit: state.lines });
    return lines.map(({ line }) => line);
  }

  /** A state is needed as long as a queue item, or a block of its lane, may name the file (schedules 12, 21). */
  private async forgetGone(signal?: AbortSignal): Promise<void> {
    const { volume, clock } = this.options;
    const over = { phases: [Phase.gone], progressOutsideMs: [clock.now() - DAY_MS, Infinity] as const, limit: PAGE };
    let unfinished: ReadonlySet<string> | undefined;
    let after: string | undefined;
    do {
      const gone = await volume.states.list({ ...over, ...(after === undefined ? {} : { after }) });
      after = gone.length < PAGE ? undefined : gone.at(-1)?.id;
      if (gone.length === 0) return;
      unfinished ??= new Set((await volume.journal.unfinishedLanes()).map(({ id }) => id));
      for (const state of gone) {
        if (unfinished.has(state.lane)) continue;
        await volume.states.forget(state.id);
        faultPoint('verifier.state-forgotten');
      }
    } while (after !== undefined && !signal?.aborted);
  }
}
