import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { BOOTSTRAP, compiled } from './compiled';
import type { RangeResult, SeedRange } from './schedules-worker';

export interface SchedulesResult {
  readonly schedules: number;
  readonly acknowledged: number;
  readonly failedSeeds: readonly number[];
  readonly seconds: number;
  /** Of all threads. */
  readonly processorSeconds: number;
}

/** Runs the schedules of consecutive seeds on all processors; each thread stops at its first failure. */
export async function runSchedules(firstSeed: number, count: number): Promise<SchedulesResult> {
  const threads = Math.max(1, availableParallelism());
  const files = compiled();
  const startedMs = performance.now();
  const startedAt = process.cpuUsage();
  const results = await Promise.all(Array.from({ length: threads }, (_, thread) => (
    runRange({ from: firstSeed + thread, to: firstSeed + count, step: threads }, files))));
  const used = process.cpuUsage(startedAt);
  return {
    schedules: results.reduce((sum, { schedules }) => sum + schedules, 0),
    acknowledged: results.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    failedSeeds: results.flatMap(({ failedSeed }) => (failedSeed === undefined ? [] : [failedSeed])),
    seconds: (performance.now() - startedMs) / 1_000,
    processorSeconds: (used.user + used.system) / 1_000_000,
  };
}

/** Runs schedules in a thread of its own, over these files instead of those on the disk, until one fails. */
export async function runRange(range: SeedRange, files: ReadonlyMap<string, string>): Promise<RangeResult> {
  const worker = new Worker(BOOTSTRAP, { eval: true, workerData: { range, files } });
  const [result] = await once(worker, 'message') as [RangeResult];
  await worker.terminate();
  return result;
}
