import { hostname } from 'node:os';
import type { Clock } from '../clock';
import type { Log } from '../log';
import type { Coordination } from '../registry/coordination';
import type { ComponentKind } from '../registry/paths';
import { PresencePublisher } from '../registry/presence';
import type { Presence } from '../registry/ports';
import { programVersion } from './version';

export interface OwnPresenceOptions {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly log: Log;
  readonly kind: ComponentKind;
  readonly member: string;
  readonly address: string;
  /** Why the process can't do its work; it is present only while there is no reason. */
  readonly unready: () => readonly string[];
  /** Facts that change, read every few seconds. */
  readonly facts: () => NonNullable<Presence['facts']>;
}

const HEALTH_MS = 1_000;
const FACTS_MS = 5_000;

/** Keeps the presence node of one of our own processes. Returns how to withdraw it. */
export function publishOwnPresence(options: OwnPresenceOptions): { close(): Promise<void> } {
  const { coordination, clock, log, kind, member, address } = options;
  const publisher = new PresencePublisher({
    coordination, clock, log,
    presence: {
      kind, member, address, host: hostname(), pid: process.pid, version: programVersion(),
      startedAt: new Date(clock.now()).toISOString(), facts: options.facts(),
    },
  });
  const stop = new AbortController();
  const follow = async (): Promise<void> => {
    let factsMs = clock.monotonic();
    let written = '';
    while (!stop.signal.aborted) {
      publisher.setHealthy(options.unready().length === 0);
      if (clock.monotonic() - factsMs >= FACTS_MS) {
        factsMs = clock.monotonic();
        const facts = options.facts();
        // An idle process changes nothing and costs the registry nothing.
        if (JSON.stringify(facts) !== written) publisher.update({ facts });
        written = JSON.stringify(facts);
      }
      await clock.sleep(HEALTH_MS, stop.signal);
    }
  };
  const following = follow();
  return {
    close: async () => {
      stop.abort();
      await following;
      await publisher.close();
    },
  };
}
