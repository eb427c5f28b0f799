import { Phase, type FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import { faultPoint } from '../fault-points';
import { reopenDeletions } from '../retention/deletion';
import { knownIds, type AuditContext } from './context';

/** With so many closed files waiting, others are indexed again in a later round: their sources have to go on. */
const BACKLOG_FILES = 1_000;
const REMOVED_AT_ONCE = 1_000;

/**
 * Takes documents out that can't be anybody's: nothing that lives adds an id that is buried, or no line of its file.
 */
export async function removeDocuments(
  { index }: Pick<AuditContext, 'index'>, collection: string, ids: readonly string[],
): Promise<boolean> {
  for (let at = 0; at < ids.length; at += REMOVED_AT_ONCE) {
    await index.removeIds(collection, ids.slice(at, at + REMOVED_AT_ONCE));
    faultPoint('audit.documents-removed');
  }
  await index.commit(collection, 'hard');
  faultPoint('audit.removal-committed');
  return true;
}

/**
 * Has a file indexed again from its first line, as `resilog set-aside replay` does: under a new claim, if it is still
 * under the one that was looked at. Documents with an id that others have, too, are taken out only when it is sure that
 * their lines come back, and before anybody is told to bring them.
 */
export async function indexAgain(
  context: Pick<AuditContext, 'deletions' | 'queue' | 'clock' | 'index'>, { states }: Volume, state: FileState,
  doubled: readonly string[] = [],
): Promise<boolean> {
  const { deletions, queue, clock } = context;
  if (state.phase !== Phase.verified || await states.countClosed(BACKLOG_FILES) >= BACKLOG_FILES) return false;
  // A deletion could not see lines that the index had lost: it has to meet them when they are back.
  await reopenDeletions(deletions, state.firstReceivedMs);
  const restarted = await states.restart(state.id, state.claim, clock.now());
  faultPoint('audit.file-restarted');
  if (!restarted) return false;
  if (doubled.length > 0) await removeDocuments(context, state.collection, doubled);
  // Without this the recoverer does it, some minutes later.
  await queue.put([state.id]);
  faultPoint('audit.file-queued');
  return true;
}

/** Queues a closed file that nobody works on; the compare-and-set lets one of several do it (schedule 18). */
export async function queueAgain(
  { queue, clock }: Pick<AuditContext, 'queue' | 'clock'>, { states }: Volume, state: FileState,
): Promise<boolean> {
  const won = await states.markQueued([{ id: state.id, queuedMs: state.queuedMs }], clock.now());
  faultPoint('audit.file-marked');
  if (won.length === 0) return false;
  await queue.put(won);
  faultPoint('audit.stuck-file-queued');
  return true;
}

/** Removes what the index has of a file that no volume knows, a part at a time. */
export async function removeFileOf(
  context: Pick<AuditContext, 'index' | 'volumes' | 'pace'>, collection: string, fileId: string,
): Promise<boolean> {
  const { index, volumes, pace } = context;
  for await (const ids of index.findIds([collection], { text: '*', fileId })) {
    if ((await knownIds(volumes, [fileId])).has(fileId)) return false;
    await index.removeIds(collection, ids);
    faultPoint('audit.stray-documents-removed');
    await pace.query();
  }
  await index.commit(collection, 'hard');
  faultPoint('audit.stray-removal-committed');
  return true;
}

/** Removes blocks of a lane that is over once more, as far as they were released. */
export async function releaseAgain({ journal }: Volume, lane: string, releasedThrough: number): Promise<boolean> {
  await journal.release(lane, releasedThrough);
  faultPoint('audit.blocks-released');
  return true;
}
