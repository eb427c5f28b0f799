import type { LaneStatus } from '../archive/journal';
import { Phase, type FileState, type StateQuery } from '../archive/states';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { faultPoint } from '../fault-points';
import type { Log } from '../log';
import type { QueueProducer } from '../queue/ports';
import type { Closer } from './closer';
import type { AliveIncarnations } from './ports';

export interface RecovererOptions {
  readonly volume: Volume;
  readonly closer: Closer;
  readonly queue: QueueProducer;
  readonly aliveIncarnations: AliveIncarnations;
  readonly clock: Clock;
  readonly log: Log;
  /** A file without progress for this long is put into the queue again. */
  readonly requeueAfterMs: () => number;
}

/** States looked at in one query. */
const PAGE = 500;

/**
 * Repairs what the death of others left: lanes without a living owner are sealed and their files closed, files that
 * nobody works on are enqueued again. Every step may be repeated, interrupted, or done by two at once.
 */
export class Recoverer {
  constructor(private readonly options: RecovererOptions) {}

  /** One round; stops between steps when the signal aborts. Errors of one lane do not hold the others back. */
  async run(signal?: AbortSignal): Promise<void> {
    await this.recoverLanes(signal);
    if (!signal?.aborted) await this.requeue(signal);
  }

  /** Whether a round would find anything to repair; cheaper than a round under a lock. */
  async hasWork(): Promise<boolean> {
    const { volume, aliveIncarnations, clock, requeueAfterMs } = this.options;
    const lanes = await volume.journal.unfinishedLanes();
    if (lanes.length > 0) {
      const alive = await aliveIncarnations();
      if (lanes.some(({ incarnation }) => !alive.has(incarnation))) return true;
    }
    return (await volume.states.list({ ...stuck(clock.now(), requeueAfterMs()), limit: 1 })).length > 0;
  }

  private async recoverLanes(signal?: AbortSignal): Promise<void> {
    const { volume, aliveIncarnations, log } = this.options;
    // In this order: an incarnation announces itself before it opens a lane, so whoever has a lane in this list
    // and is not in the later list of the living is dead.
    const lanes = await volume.journal.unfinishedLanes();
    const alive = await aliveIncarnations();
    for (const lane of lanes) {
      if (signal?.aborted) return;
      if (alive.has(lane.incarnation)) continue;
      try {
        await this.recoverLane(lane);
      } catch (error) {
        log.warn('LaneRecoveryFailed', { lane: lane.id, error });
      }
    }
  }

  private async recoverLane(lane: LaneStatus): Promise<void> {
    const { volume, closer, queue, log } = this.options;
    const seal = await volume.journal.seal(lane.id);
    faultPoint('recoverer.lane-sealed');
    const closed = await closer.close(
      { lane: lane.id, fromN: lane.releasedThrough + 1, throughN: seal - 1, files: 'all' });
    faultPoint('recoverer.lane-closed');
    // A lane without blocks has nothing to release; this notes that it is over.
    await volume.journal.release(lane.id, seal - 1);
    faultPoint('recoverer.lane-released');
    const ids = closed.filter(({ indexed }) => indexed).map(({ id }) => id);
    log.info('LaneRecovered', { lane: lane.id, incarnation: lane.incarnation, files: closed.length, seal });
    if (ids.length === 0) return;
    await queue.put(ids);
    faultPoint('recoverer.lane-queued');
  }

  /** Decided from the states alone; the compare-and-set lets one of several recoverers enqueue a file (schedule 18). */
  private async requeue(signal?: AbortSignal): Promise<void> {
    const { volume, queue, clock, log, requeueAfterMs } = this.options;
    const nowMs = clock.now();
    let after: string | undefined;
    while (!signal?.aborted) {
      const states = await volume.states.list({
        ...stuck(nowMs, requeueAfterMs()), limit: PAGE, ...(after === undefined ? {} : { after }),
      });
      after = states[states.length - 1]?.id;
      if (after === undefined) return;
      const due = states.filter((state) => isDue(state, nowMs));
      const won = await volume.states.markQueued(due.map(({ id, queuedMs }) => ({ id, queuedMs })), nowMs);
      faultPoint('recoverer.files-marked');
      if (won.length > 0) {
        await queue.put(won);
        faultPoint('recoverer.files-queued');
        log.info('FilesRequeued', { files: won.length });
      }
      if (states.length < PAGE) return;
    }
  }
}

/**
 * Files without progress for so long. A time that lies as far ahead was written by a clock that was ahead, and says
 * nothing (schedule 37): whoever wrote it may be dead since.
 */
function stuck(nowMs: number, requeueAfterMs: number): Omit<StateQuery, 'limit'> {
  const outside = [nowMs - requeueAfterMs, nowMs + requeueAfterMs] as const;
  return { phases: [Phase.closed], progressOutsideMs: outside, queuedOutsideMs: outside };
}

/**
 * A file that was enqueued again in vain waits twice as long for the next time: while the index is down for hours its
 * backlog must not come into the queue every few minutes. (One whose last progress is of a clock that was behind waits
 * as long as that was wrong.)
 */
function isDue({ queuedMs, progressMs }: FileState, nowMs: number): boolean {
  return queuedMs > nowMs || nowMs - queuedMs >= queuedMs - progressMs;
}
