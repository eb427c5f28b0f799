import { CorruptionError, FencedError, messageOf } from '../errors';
import { Phase, type FileState } from '../archive/states';
import { faultPoint } from '../fault-points';
import type { Log } from '../log';
import type { QueueAdministration } from '../queue/ports';
import { isRetryable } from '../retry';
import { indexFile, type ClaimedState, type FileIndexingOptions, type FileVolume } from './file-indexing';
import { StoppedError } from './stopped-error';

/** How one take of a file ended. Only `finished` files are acknowledged. */
export type FileOutcome =
  /** Nothing is left to do for a consumer: indexed, or a phase that says so. */
  | { readonly kind: 'finished'; readonly phase: Phase }
  /** Not ours to judge: no state is found, another claim, or we were told to stop. It stays in the queue. */
  | { readonly kind: 'left'; readonly reason: 'missing' | 'fenced' | 'stopped' }
  /** The file itself failed while everything it needs was healthy. */
  | { readonly kind: 'failed'; readonly attempts: number; readonly reason: string }
  /** Archive or index are out of reach: nothing is held against the file. */
  | { readonly kind: 'unavailable'; readonly error: unknown };

export interface FileWorkOptions extends FileIndexingOptions {
  readonly volumes: readonly FileVolume[];
  readonly deadLetters: Pick<QueueAdministration, 'bury'>;
  readonly log: Log;
  /** Whether archive and index answer at this moment; never rejects. */
  readonly healthy: () => Promise<boolean>;
}

/**
 * Takes that may end without a verdict or progress before further ones are counted when the file is taken: a file
 * that ends the whole process never reports its failure.
 */
const SILENT_TAKES = 3;

/** A file's id begins with the seconds since the epoch at which it was opened. */
const ID_TIME_DIGITS = 8;
/** A day after which a gone file's state may be dropped, and one for clocks and long openings. */
const FORGOTTEN_MS = 2 * 86_400_000;
const FORGOTTEN: FileOutcome = { kind: 'finished', phase: Phase.gone };

interface Claimed extends ClaimedState {
  readonly volume: FileVolume;
  /** Attempts including one counted at this take; undefined when none was. */
  counted: number | undefined;
}

/** Does for one file id of the queue what its state asks for. Never rejects. */
export async function workOnFile(id: string, signal: AbortSignal, options: FileWorkOptions): Promise<FileOutcome> {
  let claimed: Claimed | undefined;
  try {
    claimed = await claimFile(id, options);
    if (claimed === undefined) return isForgotten(id, options) ? FORGOTTEN : { kind: 'left', reason: 'missing' };
    const { state } = claimed;
    if (state.phase !== Phase.closed) return await phaseOutcome(state, options);
    await countSilentFailure(claimed);
    if ((claimed.counted ?? state.attempts) >= options.settings.current.queue.maxAttempts) {
      return await giveUp(claimed, state.reason ?? 'taken too often without an end', options);
    }
    return await indexClaimed(claimed, signal, options);
  } catch (error) {
    return judge(error, claimed, options);
  }
}

/**
 * The state of a file that is gone is dropped after a day. Of a younger one a stale read is more likely (schedule 12);
 * of an older one it would do no harm: what is closed without progress is queued again.
 */
function isForgotten(id: string, { clock }: FileWorkOptions): boolean {
  const madeMs = Number.parseInt(id.slice(0, ID_TIME_DIGITS), 16) * 1_000;
  return madeMs + FORGOTTEN_MS < clock.now();
}

async function claimFile(id: string, options: FileWorkOptions): Promise<Claimed | undefined> {
  for (const volume of options.volumes) {
    const claimedAt = options.clock.monotonic();
    const state = await volume.states.claim(id, options.clock.now());
    faultPoint('consumer.file-claimed');
    if (state !== undefined) return { volume, state, claimedAt, counted: undefined };
  }
  return undefined;
}

async function phaseOutcome(state: FileState, options: FileWorkOptions): Promise<FileOutcome> {
  // The letter may be missing: a crash lay between giving up and writing it.
  if (state.phase === Phase.dead) await bury(state.id, state.reason ?? 'given up', options);
  return { kind: 'finished', phase: state.phase };
}

async function indexClaimed(
  claimed: Claimed, signal: AbortSignal, options: FileWorkOptions,
): Promise<FileOutcome> {
  const { metrics, clock } = options;
  const { volume, state } = claimed;
  // Lines refused by an earlier pass are judged anew (after a schema was mended, say).
  if (state.position === 0 && state.setAside > 0) {
    await volume.states.clearSetAside(state.id);
    faultPoint('consumer.set-aside-cleared');
  }
  const file = await volume.files.describe(state.id);
  if (file === undefined) throw new CorruptionError(`file ${state.id} is ${state.phase} but not in the archive`);
  metrics.filesInWork.inc();
  try {
    await indexFile(volume, file, claimed, signal, options);
    faultPoint('consumer.file-sent');
    await volume.states.markIndexed(state.id, state.claim, clock.now());
    faultPoint('consumer.file-marked-indexed');
    return { kind: 'finished', phase: Phase.indexed };
  } finally {
    metrics.filesInWork.dec();
  }
}

/** Attempts count while dependencies are healthy and under the claim only (schedule 29). */
async function judge(error: unknown, claimed: Claimed | undefined, options: FileWorkOptions): Promise<FileOutcome> {
  if (error instanceof FencedError) return { kind: 'left', reason: 'fenced' };
  const stopped = error instanceof StoppedError;
  if (stopped || isRetryable(error) || claimed === undefined || !await options.healthy()) {
    await forgiveTake(claimed, options);
    return stopped ? { kind: 'left', reason: 'stopped' } : { kind: 'unavailable', error };
  }
  const reason = messageOf(error);
  try {
    const { states } = claimed.volume;
    const attempts = claimed.counted ?? await states.countAttempt(claimed.state.id, claimed.state.claim, reason);
    faultPoint('consumer.failure-counted');
    options.log.warn('FileFailed', { file: claimed.state.id, attempts, error });
    if (attempts >= options.settings.current.queue.maxAttempts) return await giveUp(claimed, reason, options);
    return { kind: 'failed', attempts, reason };
  } catch (second) {
    if (second instanceof FencedError) return { kind: 'left', reason: 'fenced' };
    return { kind: 'unavailable', error: second };
  }
}

async function countSilentFailure(claimed: Claimed): Promise<void> {
  const { state, volume } = claimed;
  const silent = (state.takes ?? 0) - state.attempts - 1;
  if (silent < SILENT_TAKES) return;
  const reason = `taken ${state.takes ?? 0} times without an end`;
  claimed.counted = await volume.states.countAttempt(state.id, state.claim, reason);
  faultPoint('consumer.silent-failure-counted');
}

/** Tells that the take ended for reasons that are not the file's. */
async function forgiveTake(claimed: Claimed | undefined, options: FileWorkOptions): Promise<void> {
  if (claimed === undefined) return;
  const { volume, state } = claimed;
  try {
    await volume.states.advance(state.id, state.claim, state.position, options.clock.now());
    faultPoint('consumer.take-forgiven');
  } catch (error) {
    options.log.debug('TakeNotForgiven', { file: state.id, error: messageOf(error) });
  }
}

async function giveUp({ volume, state }: Claimed, reason: string, options: FileWorkOptions): Promise<FileOutcome> {
  await volume.states.giveUp(state.id, state.claim, reason);
  faultPoint('consumer.file-given-up');
  await bury(state.id, reason, options);
  options.log.error('FileGivenUp', { file: state.id, reason });
  return { kind: 'finished', phase: Phase.dead };
}

async function bury(fileId: string, reason: string, options: FileWorkOptions): Promise<void> {
  await options.deadLetters.bury({ fileId, reason, atMs: options.clock.now() });
  faultPoint('consumer.letter-written');
}
