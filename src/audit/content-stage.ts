import { createHash } from 'node:crypto';
import type { FileDescription } from '../archive/files';
import { Phase, type FileState } from '../archive/states';
import type { Volume } from '../archive/volume';
import { CorruptionError, NotFoundError, messageOf } from '../errors';
import { isInScope, statesOf, type AuditContext } from './context';
import type { Damage, Suspicion } from './finding';
import type { Pace } from './pace';
import type { Looked, Stage } from './ports';

const PAGE = 20;

/**
 * Stored files against their states and their own hashes: each block is read, and a damaged one does not keep the
 * others from being read. A stored file never changes from its close to its removal, so there is nothing in flight but
 * that.
 */
export function contentStage(context: AuditContext, volume: Volume): Stage {
  const look = async (states: readonly FileState[]): Promise<Looked> => {
    const suspicions: Suspicion[] = [];
    let bytes = 0;
    for (const state of states) {
      const file = await inspect(volume, state, context.pace);
      bytes += file.bytes;
      if (file.damages.length === 0 || await isGone(volume, state.id)) continue;
      suspicions.push(...file.damages.map((damage) => ({ damage, subject: state.id, version: damage.detail })));
    }
    return { suspicions, bytes };
  };
  const present = (states: readonly FileState[]): readonly FileState[] => (
    states.filter((state) => state.phase !== Phase.gone && isInScope(state, context.scope)));
  return {
    name: `contents ${volume.name}`,
    page: async (after) => {
      const states = await volume.states.list({ limit: PAGE, ...(after === undefined ? {} : { after }) });
      const last = states.at(-1);
      return last === undefined ? undefined : { after: last.id, look: () => look(present(states)) };
    },
    again: async (ids) => look(present(await statesOf(volume, ids))),
  };
}

async function isGone(volume: Volume, id: string): Promise<boolean> {
  const state = await volume.states.get(id);
  return state === undefined || state.phase === Phase.gone;
}

interface Inspected {
  readonly damages: readonly Damage[];
  readonly bytes: number;
}

async function inspect(volume: Volume, state: FileState, pace: Pace): Promise<Inspected> {
  const { id } = state;
  const damages: Damage[] = [];
  const tell = (kind: Damage['kind'], detail: string): void => {
    damages.push({ kind, volume: volume.name, fileId: id, detail });
  };
  try {
    const file = await volume.files.describe(id);
    if (file === undefined) {
      tell('file-missing', `its state says ${state.phase}, ${state.lines} lines`);
      return { damages, bytes: 0 };
    }
    const difference = differenceOf(state, file);
    if (difference !== undefined) tell('file-differs', difference);
    if (file.gapLines > 0) tell('lines-lost', `${file.gapLines} lines of unreadable blocks were lost before it was closed`);
    await readContent(volume, file, pace, tell);
    return { damages, bytes: file.storedBytes };
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    tell('file-differs', messageOf(error));
    return { damages, bytes: 0 };
  }
}

/** How a file's own description contradicts its state or itself. */
function differenceOf(state: FileState, file: FileDescription): string | undefined {
  if (file.Lines !== state.lines) return `it says ${file.Lines} lines, its state ${state.lines}`;
  if (file.sourceId !== state.sourceId) return `it is of source ${file.sourceId}, its state of ${state.sourceId}`;
  if (file.lane !== state.lane) return `it is of lane ${file.lane}, its state of ${state.lane}`;
  let line = 0;
  let offset = 0;
  for (const block of file.blocks) {
    if (block.firstLine !== line || block.offset !== offset) return `its block at byte ${offset} is not where it should be`;
    line += block.lines;
    offset += block.length;
  }
  return line === file.Lines ? undefined : `its blocks have ${line} lines, not ${file.Lines}`;
}

async function readContent(
  volume: Volume, file: FileDescription, pace: Pace, tell: (kind: Damage['kind'], detail: string) => void,
): Promise<void> {
  const hash = createHash('sha256');
  let damaged = 0;
  let first: string | undefined;
  for (let at = 0; at < file.blocks.length;) {
    try {
      for await (const block of volume.files.readBlocks(file, file.blocks[at]?.firstLine ?? 0)) {
        await pace.bytes(block.length);
        hash.update(block.raw);
        at += 1;
      }
      break;
    } catch (error) {
      if (error instanceof NotFoundError) return;
      if (!(error instanceof CorruptionError)) throw error;
      // The others go on behind it.
      first ??= messageOf(error);
      damaged += 1;
      at += 1;
    }
  }
  if (damaged > 0) tell('block-damaged', `${damaged} of ${file.blocks.length} blocks can't be read: ${first ?? ''}`);
  else if (hash.digest('hex') !== file.sha256) tell('file-differs', 'its lines do not match its sha256');
}
