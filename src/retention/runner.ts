import type { Clock } from '../clock';
import type { Log } from '../log';
import { runDeletion } from './deletion';
import type { DeletionDependencies } from './deletion-dependencies';

export interface DeletionRunnerOptions {
  readonly dependencies: DeletionDependencies;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Runs the work while nobody else does; skips it when somebody else is at it. Two at once are harmless: the lock
   * only saves work. The signal aborts when the lock may be lost.
   */
  readonly exclusively: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>;
  /** Between two rounds, default 5,000 ms. */
  readonly intervalMs?: number;
}

export interface DeletionRunner {
  /** Runs rounds until `close`. Never rejects. */
  start(): void;
  /** One round over the pending requests, oldest first. */
  round(): Promise<void>;
  /** Stops between two files and waits for the round to end. Idempotent. */
  close(): Promise<void>;
}

/** More than anybody has pending at once; each costs a round a query. */
const REQUESTS_OF_A_ROUND = 10_000;

/** Runs stored deletions again until nothing of what they concern can appear any more. */
export function createDeletionRunner(options: DeletionRunnerOptions): DeletionRunner {
  const { dependencies, clock, log } = options;
  const stop = new AbortController();
  let running: Promise<void> | undefined;

  const runPending = async (signal: AbortSignal): Promise<void> => {
    const pending = await dependencies.deletions.list({ state: 'pending', limit: REQUESTS_OF_A_ROUND });
    for (const request of pending) {
      if (signal.aborted) return;
      try {
        const result = await runDeletion(request, dependencies, { signal });
        const newly = result.lines - request.lines;
        if (newly > 0 || result.state === 'done') {
          log.info('DeletionPassed', { deletion: request.id, lines: newly, state: result.state });
        }
      } catch (error) {
        // The others may be able to go on; this one is tried again in the next round.
        log.warn('DeletionFailed', { deletion: request.id, error });
      }
    }
  };

  const round = async (): Promise<void> => {
    try {
      // The lock is asked for only when there is work: it costs the registry a few packets each time.
      if ((await dependencies.deletions.list({ state: 'pending', limit: 1 })).length === 0) return;
      await options.exclusively((lost) => runPending(AbortSignal.any([lost, stop.signal])));
    } catch (error) {
      log.warn('DeletionsPostponed', { error });
    }
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await round();
      await clock.sleep(options.intervalMs ?? 5_000, stop.signal);
    }
  };

  return {
    start: () => {
      running ??= run();
    },
    round,
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
