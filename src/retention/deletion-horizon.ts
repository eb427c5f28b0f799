import { Phase } from '../archive/states';
import { statesThrough, type DeletionDependencies } from './deletion-dependencies';
import type { DeletionRequest } from './ports';

/**
 * Brings a request's knowledge of what may still appear up to date: `lanes` once no body received up to T can be
 * written any more, `settledMs` once all that was written is closed and verified. The order of the questions matters:
 * a drained lane's lines have files, and only then are the files asked for.
 */
export async function observeHorizon(
  request: DeletionRequest, dependencies: DeletionDependencies,
): Promise<DeletionRequest> {
  const withLanes = await observeLanes(request, dependencies);
  const settled = withLanes.lanesMs !== undefined &&
    await areDrained(withLanes, dependencies) && await areFilesSettled(withLanes, dependencies);
  const { settledMs, ...rest } = withLanes;
  return settled ? { ...rest, settledMs: settledMs ?? dependencies.clock.now() } : rest;
}

/** True when also a batch that was on its way when the last file settled has arrived or never will. */
export function isBeyondHorizon(request: DeletionRequest, nowMs: number, settleMs: number): boolean {
  return request.settledMs !== undefined && nowMs >= request.settledMs + settleMs;
}

/**
 * A body received up to T can be written as long as its deadline runs, or, by a producer that was paused, as long as
 * its lane is not sealed. A living session bounds the pause; a lane whose session ended is waited for until it is
 * sealed.
 */
async function observeLanes(request: DeletionRequest, dependencies: DeletionDependencies): Promise<DeletionRequest> {
  const nowMs = dependencies.clock.now();
  if (request.lanesMs !== undefined || nowMs < request.throughMs + dependencies.horizonMs) return request;
  const lanes: { lane: string; throughN: number }[] = [];
  for (const volume of dependencies.volumes) {
    for (const lane of await volume.journal.unfinishedLanes()) {
      if (lane.sealedAt === undefined && !(await dependencies.incarnationLives(lane.incarnation))) return request;
      lanes.push({ lane: lane.id, throughN: lane.highestBlock });
    }
  }
  return { ...request, lanes, lanesMs: nowMs };
}

async function areDrained(request: DeletionRequest, dependencies: DeletionDependencies): Promise<boolean> {
  const waited = new Map(request.lanes.map(({ lane, throughN }) => [lane, throughN]));
  for (const volume of dependencies.volumes) {
    for (const lane of await volume.journal.unfinishedLanes()) {
      if (lane.releasedThrough < (waited.get(lane.id) ?? -1)) return false;
    }
  }
  return true;
}

async function areFilesSettled(request: DeletionRequest, dependencies: DeletionDependencies): Promise<boolean> {
  for (const volume of dependencies.volumes) {
    for await (const _ of statesThrough(volume, request.throughMs, [Phase.closed, Phase.indexed])) return false;
  }
  return true;
}
