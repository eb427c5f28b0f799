import { containsLine } from '../archive/line-ranges';
import type { FileState } from '../archive/states';
import type { Hit } from '../index/ports';

/**
 * Hits without those that are deleted: between the tombstones and the index's next commit a search still finds
 * them. A file without a state is gone. To be applied to everything that is shown or exported.
 */
export async function withoutDeleted<T extends Pick<Hit, 'fileID' | 'line'>>(
  hits: readonly T[], stateOf: (fileId: string) => Promise<FileState | undefined>,
): Promise<readonly T[]> {
  const states = new Map<string, FileState | undefined>();
  for (const fileId of new Set(hits.map(({ fileID }) => fileID))) states.set(fileId, await stateOf(fileId));
  return hits.filter(({ fileID, line }) => {
    const state = states.get(fileID);
    return state !== undefined && state.phase !== 'gone' && !containsLine(state.tombstones, line);
  });
}
