import { rangeLines, rangesOfLines } from '../archive/line-ranges';
import { Phase, type FileState, type LineRanges } from '../archive/states';
import type { Volume } from '../archive/volume';
import { CorruptionError, NotFoundError } from '../errors';
import { faultPoint } from '../fault-points';
import type { IndexQuery } from '../index/ports';
import {
  locate, statesThrough, type DeletionDependencies, type DeletionProgress, type PassOptions,
} from './deletion-dependencies';
import { linesInScope, metadataScope } from './deletion-scope';
import type { DeletionRequest } from './ports';

/** Ids that are kept before they are buried and removed, so that a long file is not changed once a page. */
const MOST_IDS_AT_ONCE = 20_000;

export interface PassResult extends DeletionProgress {
  /** Ids that the index still had. */
  readonly found: number;
  /** False when the signal stopped it. */
  readonly complete: boolean;
}

/**
 * One pass: tombstones first, then the index. What is killed in between is found by the next pass, since the index
 * still has it, and whoever indexes the file again obeys the tombstones. Every step can be repeated.
 */
export async function runPass(
  request: DeletionRequest, dependencies: DeletionDependencies, options: PassOptions,
): Promise<PassResult> {
  const pass = new Pass(request, dependencies, options);
  await pass.buryByMetadata();
  await pass.removeFromIndex();
  return pass.result();
}

/** The query with T: later lines are never touched. */
export function boundedQuery(request: Pick<DeletionRequest, 'query' | 'throughMs'>): IndexQuery {
  const { query, throughMs } = request;
  return { ...query, receivedThroughMs: Math.min(query.receivedThroughMs ?? throughMs, throughMs) };
}

/** Collections that are there. One that was never prepared holds nothing, and its files count as not indexed yet. */
export async function searchableCollections(dependencies: DeletionDependencies): Promise<readonly string[]> {
  const names: string[] = [];
  for (const name of await dependencies.collections()) {
    try {
      await dependencies.index.commit(name, 'soft');
      faultPoint('deletion.index-committed');
      names.push(name);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
  return names;
}

/** Splits `<file id>!<line>`. */
export function parseLineId(id: string): { readonly fileId: string; readonly line: number } {
  const at = id.lastIndexOf('!');
  const line = Number(id.slice(at + 1));
  if (at <= 0 || !Number.isSafeInteger(line) || line < 0) throw new CorruptionError(`The index has a line named "${id}".`);
  return { fileId: id.slice(0, at), line };
}

class Pass {
  private lines = 0;
  private files = 0;
  private found = 0;

  constructor(
    private readonly request: DeletionRequest,
    private readonly dependencies: DeletionDependencies,
    private readonly options: PassOptions,
  ) {}

  result(): PassResult {
    return { lines: this.lines, files: this.files, found: this.found, complete: !this.stopped };
  }

  private get stopped(): boolean {
    return this.options.signal?.aborted === true;
  }

  /** Whole files and stretches of them, whatever their phase; the index follows below. */
  async buryByMetadata(): Promise<void> {
    const { throughMs } = this.request;
    const scope = metadataScope(this.request.query);
    if (scope === undefined) return;
    for (const volume of this.dependencies.volumes) {
      for await (const state of statesThrough(volume, throughMs)) {
        if (this.stopped) return;
        if (state.phase === Phase.gone) continue;
        const ranges = await linesInScope(scope, state, throughMs, () => volume.files.describe(state.id));
        if (ranges.length > 0) await this.bury(volume, state, ranges);
      }
    }
  }

  async removeFromIndex(): Promise<void> {
    if (this.stopped) return;
    const collections = await searchableCollections(this.dependencies);
    let fileId: string | undefined;
    let lines: number[] = [];
    for await (const page of this.dependencies.index.findIds(collections, boundedQuery(this.request))) {
      this.found += page.length;
      for (const id of page) {
        const line = parseLineId(id);
        if (fileId !== undefined && (line.fileId !== fileId || lines.length >= MOST_IDS_AT_ONCE)) {
          await this.removeLines(collections, fileId, lines);
          lines = [];
        }
        ({ fileId } = line);
        lines.push(line.line);
      }
      if (this.stopped) break;
    }
    if (fileId !== undefined) await this.removeLines(collections, fileId, lines);
    if (this.found === 0) return;
    for (const collection of collections) {
      await this.dependencies.index.commit(collection, 'soft');
      faultPoint('deletion.removal-committed');
    }
  }

  private async removeLines(collections: readonly string[], fileId: string, lines: readonly number[]): Promise<void> {
    const located = await locate(this.dependencies.volumes, fileId);
    if (located !== undefined) await this.bury(located.volume, located.state, rangesOfLines(lines));
    const ids = lines.map((line) => `${fileId}!${String(line)}`);
    // The collection belongs to the file; without a state every collection may have it.
    const homes = located === undefined ? collections : [located.state.collection];
    for (const collection of homes) {
      await this.dependencies.index.removeIds(collection, ids);
      faultPoint('deletion.lines-removed');
    }
  }

  private async bury(volume: Volume, state: FileState, ranges: LineRanges): Promise<void> {
    const before = rangeLines(state.tombstones);
    const buried = await volume.states.bury(state.id, ranges);
    faultPoint('deletion.lines-buried');
    const newly = rangeLines(buried.tombstones) - before;
    if (newly > 0) {
      this.lines += newly;
      this.files += 1;
      this.options.onProgress?.({ lines: this.lines, files: this.files });
    }
    await removeIfDeleted(volume, buried, this.dependencies.clock.now());
  }
}

/**
 * The file goes when all its lines are deleted and nothing can index it any more. One that never had a line stays: it
 * tells of lines that could not be read, and nobody deleted those.
 */
export async function removeIfDeleted(volume: Volume, state: FileState, nowMs: number): Promise<void> {
  if (state.phase !== Phase.gone && state.lines > 0 && rangeLines(state.tombstones) === state.lines) {
    await volume.states.removeIfEmpty(state.id, nowMs);
    faultPoint('deletion.file-removed');
  }
}
