import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RangeResult, SeedRange } from './schedules-worker';

export interface SchedulesResult {
  readonly schedules: number;
  readonly acknowledged: number;
  readonly failedSeeds: readonly number[];
  readonly seconds: number;
}

/** Runs the schedules of consecutive seeds on all processors; each thread stops at its first failure. */
export async function runSchedules(firstSeed: number, count: number): Promise<SchedulesResult> {
  const threads = Math.max(1, availableParallelism());
  const startedMs = performance.now();
  const results = await Promise.all(Array.from({ length: threads }, (_, thread) => (
    runRange({ from: firstSeed + thread, to: firstSeed + count, step: threads }))));
  return {
    schedules: results.reduce((sum, { schedules }) => sum + schedules, 0),
    acknowledged: results.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    failedSeeds: results.flatMap(({ failedSeed }) => (failedSeed === undefined ? [] : [failedSeed])),
    seconds: (performance.now() - startedMs) / 1_000,
  };
}

async function runRange(range: SeedRange): Promise<RangeResult> {
  const entry = JSON.stringify(join(__dirname, 'schedules-worker.ts'));
  const bootstrap = `require('ts-node').register({ transpileOnly: true }); require(${entry});`;
  const worker = new Worker(bootstrap, { eval: true, workerData: range });
  const [result] = await once(worker, 'message') as [RangeResult];
  await worker.terminate();
  return result;
}
