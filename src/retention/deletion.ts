import { rangeLines } from '../archive/line-ranges';
import { Phase, type FileState } from '../archive/states';
import { faultPoint } from '../fault-points';
import { randomHex, type Random } from '../random';
import type { IndexQuery } from '../index/ports';
import { parseQuery } from '../index/query-language';
import { statesThrough, type DeletionDependencies, type DeletionProgress, type PassOptions } from './deletion-dependencies';
import { isBeyondHorizon, observeHorizon } from './deletion-horizon';
import { boundedQuery, parseLineId, removeIfDeleted, runPass, searchableCollections } from './deletion-pass';
import { linesInScope, metadataScope } from './deletion-scope';
import type { DeletionRequest, Deletions } from './ports';

/**
 * Stores the request to delete what matches the query and was received until now. It deletes nothing by itself:
 * `runDeletion` does, now and again, until nothing can appear any more. InputError when the query can't be read.
 */
export async function createDeletion(
  query: IndexQuery, requestedBy: string,
  dependencies: Pick<DeletionDependencies, 'clock' | 'deletions'> & { readonly random: Random },
): Promise<DeletionRequest> {
  parseQuery(query.text);
  const request: DeletionRequest = {
    id: randomHex(dependencies.random, 12), query, throughMs: dependencies.clock.now(), requestedBy,
    state: 'pending', lanes: [], lines: 0, files: 0, lastPassMs: 0, revision: 0,
  };
  await dependencies.deletions.create(request);
  faultPoint('deletion.requested');
  return request;
}

/**
 * Runs one pass of a request and stores what came of it. It becomes `done` by a pass that found nothing and began when
 * nothing received up to T could appear any more. Safe to kill anywhere, to repeat, and to run twice at once.
 */
export async function runDeletion(
  request: DeletionRequest, dependencies: DeletionDependencies, options: PassOptions = {},
): Promise<DeletionRequest> {
  const nowMs = dependencies.clock.now();
  // Before the search: what appears after this question was not beyond the horizon.
  const observed = await observeHorizon(request, dependencies);
  const mayEnd = isBeyondHorizon(observed, nowMs, dependencies.settleMs);
  const pass = await runPass(observed, dependencies, options);
  const done = mayEnd && pass.complete && pass.found === 0;
  faultPoint('deletion.pass-made');
  if (done) await removeDeletedFiles(observed.throughMs, dependencies);
  return record({ ...observed, state: done ? 'done' : 'pending' }, pass, nowMs, dependencies.deletions);
}

/**
 * Stores what came of a pass. Whoever changed the request meanwhile may have made it run again, for lines that this
 * pass could not see: then its end does not count, only what it deleted.
 */
async function record(
  result: DeletionRequest, pass: DeletionProgress, nowMs: number, deletions: Deletions,
): Promise<DeletionRequest> {
  let before = result;
  for (;;) {
    const { lines, files, revision } = before;
    const change = { ...before, lines: lines + pass.lines, files: files + pass.files, lastPassMs: nowMs };
    const recorded = await deletions.update(change);
    faultPoint('deletion.pass-recorded');
    if (recorded) return { ...change, revision: revision + 1 };
    const stored = await deletions.get(result.id);
    // Requests are never removed; a read that does not find it is not worth more than the pass.
    if (stored === undefined) return change;
    before = stored;
  }
}

/** What a deletion would delete now, without changing anything. */
export async function previewDeletion(
  query: IndexQuery, dependencies: DeletionDependencies, options: PassOptions = {},
): Promise<DeletionProgress> {
  const throughMs = dependencies.clock.now();
  const scope = metadataScope(query);
  if (scope === undefined) return previewByIndex(query, throughMs, dependencies, options);
  let lines = 0;
  let files = 0;
  for (const volume of dependencies.volumes) {
    for await (const state of statesThrough(volume, throughMs)) {
      if (options.signal?.aborted) return { lines, files };
      if (state.phase === Phase.gone) continue;
      const ranges = await linesInScope(scope, state, throughMs, () => volume.files.describe(state.id));
      const newly = newLines(state, ranges);
      if (newly === 0) continue;
      lines += newly;
      files += 1;
      options.onProgress?.({ lines, files });
    }
  }
  return { lines, files };
}

/** Lines of the ranges that no tombstone covers yet. */
function newLines(state: FileState, ranges: FileState['tombstones']): number {
  let overlap = 0;
  for (const [first, last] of ranges) {
    for (const [buriedFirst, buriedLast] of state.tombstones) {
      overlap += Math.max(0, Math.min(last, buriedLast) - Math.max(first, buriedFirst) + 1);
    }
  }
  return rangeLines(ranges) - overlap;
}

async function previewByIndex(
  query: IndexQuery, throughMs: number, dependencies: DeletionDependencies, options: PassOptions,
): Promise<DeletionProgress> {
  const collections = await searchableCollections(dependencies);
  let lines = 0;
  let files = 0;
  let current: string | undefined;
  for await (const page of dependencies.index.findIds(collections, boundedQuery({ query, throughMs }))) {
    for (const id of page) {
      const { fileId } = parseLineId(id);
      if (fileId !== current) files += 1;
      current = fileId;
    }
    lines += page.length;
    options.onProgress?.({ lines, files });
    if (options.signal?.aborted) break;
  }
  return { lines, files };
}

/** Files whose lines were all deleted while they were not yet verified. */
async function removeDeletedFiles(throughMs: number, dependencies: DeletionDependencies): Promise<void> {
  const phases = [Phase.verified, Phase.dead, Phase.archived];
  for (const volume of dependencies.volumes) {
    for await (const state of statesThrough(volume, throughMs, phases)) {
      await removeIfDeleted(volume, state, dependencies.clock.now());
    }
  }
}

/** Requests that are read at once when lines come back. */
const REOPENED_AT_ONCE = 1_000;

/**
 * To be called before lines that the index does not have are to be indexed after all: a dead file revived, a set-aside
 * line replayed, a source indexed from now on. Deletions that may concern lines received from `fromMs` on run again
 * when they are finished, since only the index can tell whether their queries match; one that is just about to end does
 * not. Returns how many were finished.
 */
export async function reopenDeletions(deletions: Deletions, fromMs: number): Promise<number> {
  let finished = 0;
  // No id is empty, so this begins with the first request of that time.
  let after: Pick<DeletionRequest, 'throughMs' | 'id'> | undefined = { throughMs: fromMs, id: '' };
  while (after !== undefined) {
    const page: readonly DeletionRequest[] = await deletions.list({ after, limit: REOPENED_AT_ONCE });
    for (const request of page) await reopen(request, deletions);
    finished += page.filter(({ state }) => state === 'done').length;
    after = page.at(-1);
  }
  return finished;
}

async function reopen(request: DeletionRequest, deletions: Deletions): Promise<void> {
  for (let current: DeletionRequest | undefined = request; current !== undefined;) {
    const { settledMs, ...rest } = current;
    void settledMs;
    const reopened = await deletions.update({ ...rest, state: 'pending' });
    faultPoint('deletion.reopened');
    if (reopened) return;
    current = await deletions.get(request.id);
  }
}
