import { messageOf } from '../errors';
import type { QueueConsumer, TakenItem } from '../queue/ports';
import { backoffMs } from '../retry';
import type { Random } from '../random';
import type { Clock } from '../clock';
import { faultPoint } from '../fault-points';
import type { Log } from '../log';
import type { FileOutcome } from './file-work';

/** From this attempt on, a file that fails is parted from the others of its item. */
const SPLIT_AT_ATTEMPT = 2;
/** Pause before a file without a state, or one that another works on, is looked at again. */
const LEFT_DELAY_MS = 2_000;
const FIRST_FAILURE_DELAY_MS = 500;
const MAX_FAILURE_DELAY_MS = 30_000;

export interface ItemWorkOptions {
  readonly queue: QueueConsumer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly workOnFile: (id: string, signal: AbortSignal) => Promise<FileOutcome>;
  /** Archive or index are out of reach. */
  readonly onUnavailable: (error: unknown) => void;
  /** Aborts waiting before an item is put back. */
  readonly stopping: AbortSignal;
}

interface Judged {
  readonly id: string;
  readonly outcome: FileOutcome;
}

/**
 * Works on the files of an item. When the work is over it resolves to the last step: acknowledging the item, late, or
 * leaving in the queue what is not finished, after a pause that takes no place from other work.
 */
export async function workOnItem(
  item: TakenItem, signal: AbortSignal, options: ItemWorkOptions,
): Promise<() => Promise<void>> {
  const judged = await Promise.all(item.fileIds.map(async (id): Promise<Judged> =>
    ({ id, outcome: await options.workOnFile(id, signal) })));
  const unavailable = judged.find(({ outcome }) => outcome.kind === 'unavailable')?.outcome;
  if (unavailable?.kind === 'unavailable') options.onUnavailable(unavailable.error);
  return () => settle(item, judged, signal, options);
}

/** Tells the queue. A failure of it is harmless: the item comes again, and its files' states say what is done. */
async function settle(
  item: TakenItem, judged: readonly Judged[], signal: AbortSignal, options: ItemWorkOptions,
): Promise<void> {
  const { queue, clock, stopping } = options;
  const open = judged.filter(({ outcome }) => outcome.kind !== 'finished');
  if (signal.aborted) return;
  try {
    if (open.length === 0) {
      await queue.acknowledge([item]);
      faultPoint('consumer.item-acknowledged');
      return;
    }
    await clock.sleep(delayOf(open, options.random), AbortSignal.any([stopping, signal]));
    if (signal.aborted) return;
    const groups = groupsOf(open);
    if (groups.length === 1 && open.length === item.fileIds.length) queue.putBack([item]);
    else {
      await queue.split(item, groups);
      faultPoint('consumer.item-split');
    }
  } catch (error) {
    options.log.debug('QueueItemKept', { item: item.name, bucket: item.bucket, error: messageOf(error) });
    queue.putBack([item]);
  }
}

/** Files that failed repeatedly go alone; the others stay together. */
function groupsOf(open: readonly Judged[]): readonly (readonly string[])[] {
  const bad = open.filter(({ outcome }) => outcome.kind === 'failed' && outcome.attempts >= SPLIT_AT_ATTEMPT);
  const rest = open.filter((judged) => !bad.includes(judged)).map(({ id }) => id);
  const groups = bad.map(({ id }) => [id]);
  return rest.length === 0 ? groups : [rest, ...groups];
}

function delayOf(open: readonly Judged[], random: Random): number {
  const attempts = Math.max(0, ...open.map(({ outcome }) => (outcome.kind === 'failed' ? outcome.attempts : 0)));
  if (attempts > 0) return backoffMs(attempts, random, FIRST_FAILURE_DELAY_MS, MAX_FAILURE_DELAY_MS);
  return open.some(({ outcome }) => outcome.kind === 'left') ? LEFT_DELAY_MS : 0;
}
