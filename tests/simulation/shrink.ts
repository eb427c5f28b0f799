import { runSchedule, type ScheduleOptions, type ScheduleResult } from './world';

/** Runs that finding a shorter schedule may take. */
const RUNS = 200;

/**
 * The same failure by fewer decisions that are not the harmless one: the shortest beginning that still fails, and then,
 * in ever smaller parts, whatever of it can be made harmless.
 */
export async function shrink(options: ScheduleOptions, failed: ScheduleResult): Promise<ScheduleResult> {
  let best = failed;
  let runs = 0;
  const fails = async (given: readonly number[]): Promise<boolean> => {
    runs += 1;
    const result = await runSchedule({ ...options, given });
    if (result.violations.length === 0) return false;
    best = { ...result, decisions: given };
    return true;
  };
  let least = 0;
  let most = best.decisions.length;
  while (least < most && runs < RUNS) {
    const middle = (least + most) >> 1;
    if (await fails(failed.decisions.slice(0, middle))) most = middle;
    else least = middle + 1;
  }
  for (let size = best.decisions.length >> 1; size >= 1 && runs < RUNS; size >>= 1) {
    for (let from = 0; from < best.decisions.length && runs < RUNS; from += size) {
      const calmed = best.decisions.map((decision, place) => (place >= from && place < from + size ? 0 : decision));
      if (calmed.some((decision, place) => decision !== best.decisions[place])) await fails(calmed);
    }
  }
  return best;
}

const UNTELLING = / (?:zookeeper|deletions|definitions)\.| answer$|\.(?:list|ping|unfinishedLanes|countClosed)$/;

/** What happened, without what is only asked and answered. */
export function report({ violations, trace, decisions }: ScheduleResult): string {
  const told = trace.filter((line) => !UNTELLING.test(line));
  const telling = decisions.filter((decision) => decision !== 0).length;
  return [...violations, `after ${telling} decisions:`, ...told.slice(-120)].join('\n  ');
}
