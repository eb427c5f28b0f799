import { Phase, type FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import { findState } from '../archive/volume-set';
import type { InventoryItem } from '../queue/queue-inventory';
import { knownIds, statesOf, type AuditContext } from './context';
import type { Suspicion } from './finding';
import type { Looked, Stage } from './ports';
import { queueAgain } from './repairs';

const STATES_PAGE = 500;
/** Files that one walk through the queue looks for. */
const CANDIDATES = 20_000;
const LETTERS = 10_000;

/** Of a candidate only what is needed: there may be many. */
type Candidate = Pick<FileState, 'id' | 'claim' | 'queuedMs' | 'progressMs'>;

/**
 * Closed files against the queue: one that nobody made progress with, for longer than the recoverer leaves alone, and
 * that no item names. An item goes only when all its files are past `closed`, and whoever makes a file `closed` again
 * notes the time first: a file that was queued, or worked on, between two looks is another version.
 */
export function unqueuedFilesStage(context: AuditContext, volume: Volume): Stage {
  const look = async (candidates: readonly Candidate[]): Promise<Looked> => {
    const waiting = new Map(candidates.map((one) => [one.id, one]));
    await crossOff(context, waiting);
    const suspicions: Suspicion[] = [];
    for (const state of await statesOf(volume, [...waiting.keys()])) {
      const before = waiting.get(state.id);
      if (state.phase !== Phase.closed || before === undefined || versionOf(before) !== versionOf(state)) continue;
      suspicions.push({
        damage: { kind: 'file-not-queued', volume: volume.name, fileId: state.id, detail: 'closed, and no item names it' },
        subject: state.id, version: versionOf(state), repair: () => queueAgain(context, volume, state),
      });
    }
    return { suspicions };
  };
  return {
    name: `unqueued ${volume.name}`,
    page: async (after) => {
      const candidates = await stuckFiles(context, volume, after);
      const last = candidates.at(-1);
      return last === undefined ? undefined : { after: last.id, look: () => look(candidates) };
    },
    again: async (ids) => look(await statesOf(volume, ids)),
  };
}

function versionOf({ claim, queuedMs, progressMs }: Candidate): string {
  return `${claim}/${queuedMs}/${progressMs}`;
}

async function stuckFiles(
  { clock, stuckAfterMs }: AuditContext, volume: Volume, from: string | undefined,
): Promise<readonly Candidate[]> {
  const nowMs = clock.now();
  const outside = [nowMs - stuckAfterMs(), nowMs + stuckAfterMs()] as const;
  const found: Candidate[] = [];
  for (let after = from; found.length < CANDIDATES;) {
    const states = await volume.states.list({
      phases: [Phase.closed], progressOutsideMs: outside, queuedOutsideMs: outside, limit: STATES_PAGE,
      ...(after === undefined ? {} : { after }),
    });
    for (const { id, claim, queuedMs, progressMs } of states) found.push({ id, claim, queuedMs, progressMs });
    after = states.at(-1)?.id;
    if (states.length < STATES_PAGE) break;
  }
  return found;
}

/** Takes out whatever an item of the queue names. */
async function crossOff({ inventory }: AuditContext, waiting: Map<string, unknown>): Promise<void> {
  const buckets = waiting.size === 0 ? 0 : await inventory.buckets();
  for (let bucket = 0; bucket < buckets && waiting.size > 0; bucket += 1) {
    for await (const items of inventory.items(bucket)) {
      for (const { fileIds } of items) for (const id of fileIds ?? []) waiting.delete(id);
    }
  }
}

/**
 * Items of the queue against the files: one that names a file without a state, which is made before its item; one that
 * can't be read. An item whose file is indexed, or gone, is no damage: its consumer takes it away when its turn comes.
 */
export function queueItemsStage(context: AuditContext): Stage {
  const { inventory, volumes } = context;
  const look = async (pages: AsyncIterable<readonly InventoryItem[]>): Promise<Looked> => {
    const suspicions: Suspicion[] = [];
    for await (const items of pages) {
      const known = await knownIds(volumes, items.flatMap(({ fileIds }) => fileIds ?? []));
      for (const item of items) suspicions.push(...judge(item, known));
    }
    return { suspicions };
  };
  async function* again(subjects: readonly string[]): AsyncGenerator<readonly InventoryItem[]> {
    for (const subject of new Set(subjects)) {
      const [bucket = '', name = ''] = subject.split('/');
      const item = await inventory.item(Number(bucket), name);
      if (item !== undefined) yield [item];
    }
  }
  return {
    name: 'items',
    page: async (after) => {
      const bucket = after === undefined ? 0 : Number(after) + 1;
      if (bucket >= await inventory.buckets()) return undefined;
      return { after: String(bucket), look: () => look(inventory.items(bucket)) };
    },
    again: (subjects) => look(again(subjects)),
  };
}

function judge({ bucket, name, fileIds }: InventoryItem, known: ReadonlySet<string>): readonly Suspicion[] {
  const subject = `${bucket}/${name}`;
  if (fileIds === undefined) {
    const detail = 'its content has not the form of an item';
    return [{ damage: { kind: 'item-unreadable', item: subject, detail }, subject, version: '' }];
  }
  return fileIds.filter((id) => !known.has(id)).map((id) => ({
    damage: { kind: 'item-without-state', item: subject, fileId: id, detail: 'no volume knows the file' },
    subject, version: id,
  }));
}

/** Dead letters against the files: one of a file that is not dead. A dead file without a letter: somebody purged it. */
export function lettersStage(context: AuditContext): Stage {
  const { letters, volumes } = context;
  const look = async (ids: readonly string[]): Promise<Looked> => {
    const suspicions: Suspicion[] = [];
    for (const fileId of ids) {
      const phase = (await findState(volumes, fileId))?.state.phase;
      if (phase === Phase.dead) continue;
      const detail = phase === undefined ? 'no volume knows the file' : `the file is ${phase}`;
      suspicions.push({ damage: { kind: 'letter-left', fileId, detail }, subject: fileId, version: phase ?? '' });
    }
    return { suspicions };
  };
  const listed = async (): Promise<readonly string[]> => (await letters.dead(LETTERS)).map(({ fileId }) => fileId);
  return {
    name: 'letters',
    page: async (after) => {
      const ids = after === undefined ? await listed() : [];
      return ids.length === 0 ? undefined : { after: 'all', look: () => look(ids) };
    },
    again: async (ids) => {
      const present = new Set(await listed());
      return look(ids.filter((id) => present.has(id)));
    },
  };
}
