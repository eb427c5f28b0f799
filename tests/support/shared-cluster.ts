import { startCluster, type Cluster } from './cluster';

let shared: Promise<Cluster> | undefined;

/**
 * One cluster (of one each, with two producers and two consumers) for all test files that leave it as they found it:
 * all members up, no pending work that others would notice. Started at the first call; it ends with the run.
 */
export function sharedCluster(): Promise<Cluster> {
  shared ??= startCluster({ producers: 2, consumers: 2 });
  return shared;
}

/** Called once, at the end of the run. */
export async function stopSharedCluster(): Promise<void> {
  const cluster = await shared?.catch(() => undefined);
  await cluster?.stop();
}
