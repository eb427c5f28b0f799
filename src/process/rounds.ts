import type { Clock } from '../clock';
import type { Log } from '../log';

export interface RoundsOptions {
  /** What the rounds are for, in the log. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Pause between two rounds, read before each. */
  readonly intervalMs: () => number;
  /** One round; stops between its steps when the signal aborts. */
  readonly round: (signal: AbortSignal) => Promise<void>;
}

export interface Rounds {
  /** Stops, and waits for the round in work. Idempotent. */
  close(): Promise<void>;
}

/** Runs rounds one after another until closed. A round that fails is told of and tried again in the next one. */
export function startRounds(options: RoundsOptions): Rounds {
  const { clock, log, name, intervalMs, round } = options;
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await round(stop.signal);
      } catch (error) {
        if (!stop.signal.aborted) log.warn('RoundFailed', { round: name, error });
      }
      await clock.sleep(intervalMs(), stop.signal);
    }
  };
  const running = run();
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
