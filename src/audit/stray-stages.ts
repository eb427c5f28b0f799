import { Phase } from '../archive/states';
import type { Volume } from '../archive/volume';
import { CorruptionError, NotFoundError } from '../errors';
import { knownIds, statesOf, type AuditContext } from './context';
import type { Suspicion } from './finding';
import type { Looked, Stage } from './ports';
import { removeFileOf } from './repairs';

const INDEX_PAGE = 500;
const ARCHIVE_PAGE = 20;

/**
 * Documents of files that no volume knows. A file has its state, on a majority, before anybody indexes it; when the
 * state is dropped, a day after the file has gone, nothing can index it any more. So documents without a state are
 * nobody's: unless the index is another cluster's too, or a volume is missing among the connections. So they are only
 * removed for a person.
 */
export function strayDocumentsStage(context: AuditContext, collection: string): Stage {
  const { index, pace } = context;
  const look = async (ids: readonly string[]): Promise<Looked> => {
    const known = await knownIds(context.volumes, ids);
    const strange = ids.filter((id) => !known.has(id));
    if (strange.length === 0) return { suspicions: [] };
    // The list of ids may name files whose documents were all removed.
    await pace.query();
    const sums = await index.sums(collection, strange);
    const suspicions = strange.flatMap((id): readonly Suspicion[] => {
      const count = sums.get(id)?.count ?? 0;
      return count === 0 ? [] : [{
        damage: { kind: 'documents-without-file', fileId: id, detail: `${count} documents in ${collection}` },
        subject: id, version: '',
        ...(context.attended && { repair: () => removeFileOf(context, collection, id) }),
      }];
    });
    return { suspicions };
  };
  return {
    name: `documents ${collection}`,
    page: async (after) => {
      await pace.query();
      const ids = await index.fileIds(collection, after, INDEX_PAGE).catch((error: unknown) => {
        if (error instanceof NotFoundError) return [];
        throw error;
      });
      const last = ids.at(-1);
      return last === undefined ? undefined : { after: last, look: () => look(ids) };
    },
    again: look,
  };
}

/**
 * Files of the archive without a state, or whose state says that they are gone. Both come and go in one transaction, so
 * one without the other is damage.
 */
export function strayFilesStage(context: AuditContext, volume: Volume): Stage {
  const { pace } = context;
  const look = async (ids: readonly string[]): Promise<Looked> => {
    const claimed = new Set((await statesOf(volume, ids))
      .filter(({ phase }) => phase !== Phase.gone).map(({ id }) => id));
    const suspicions: Suspicion[] = [];
    for (const id of ids) {
      // Listed before it was removed, and its state read after that.
      if (claimed.has(id) || await isGone(volume, id)) continue;
      suspicions.push({
        damage: { kind: 'file-without-state', volume: volume.name, fileId: id, detail: 'a stored file that no state claims' },
        subject: id, version: '',
      });
    }
    return { suspicions };
  };
  return {
    name: `files ${volume.name}`,
    page: async (after) => {
      const files = await volume.files.list({ limit: ARCHIVE_PAGE, ...(after === undefined ? {} : { after }) })
        .catch((error: unknown) => {
          // A description that can't be read is found, and named, where each is read by itself.
          if (error instanceof CorruptionError) return [];
          throw error;
        });
      const last = files.at(-1);
      if (last === undefined) return undefined;
      await pace.bytes(files.reduce((sum, { blocks }) => sum + blocks.length * DESCRIBED_BLOCK_BYTES, 0));
      return { after: last.id, look: () => look(files.map(({ id }) => id)) };
    },
    again: look,
  };
}

/** About what a block takes in the description of its file. */
const DESCRIBED_BLOCK_BYTES = 150;

async function isGone(volume: Volume, id: string): Promise<boolean> {
  return await volume.files.describe(id) === undefined;
}
