/** The entry of a thread that runs schedules of its own seeds and answers with the first that fails. */
import { parentPort, workerData } from 'node:worker_threads';
import { runSchedule, type ScheduleOptions } from './world';

export interface SeedRange {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly options?: Omit<ScheduleOptions, 'seed' | 'sabotage'>;
}

export interface RangeResult {
  readonly schedules: number;
  readonly acknowledged: number;
  readonly failedSeed: number | undefined;
  readonly violations: readonly string[];
}

async function run({ from, to, step, options }: SeedRange): Promise<RangeResult> {
  let schedules = 0;
  let acknowledged = 0;
  for (let seed = from; seed < to; seed += step) {
    const result = await runSchedule({ ...options, seed, traced: false });
    schedules += 1;
    acknowledged += result.acknowledged;
    if (result.violations.length > 0) {
      return { schedules, acknowledged, failedSeed: seed, violations: result.violations };
    }
  }
  return { schedules, acknowledged, failedSeed: undefined, violations: [] };
}

// Errors are part of every schedule, and nobody reads where they were made.
Error.stackTraceLimit = 0;
void run((workerData as { readonly range: SeedRange }).range).then((result) => { parentPort?.postMessage(result); });
