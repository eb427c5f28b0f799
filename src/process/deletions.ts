import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { ConfigurationError } from '../errors';
import type { LogIndex } from '../index/ports';
import { limits } from '../limits';
import type { Coordination } from '../registry/coordination';
import { paths } from '../registry/paths';
import type { SettingsWatcher } from '../registry/settings';
import type { DeletionDependencies } from '../retention/deletion-dependencies';

/** Longest session time-out that our processes ask for. */
const SESSION_TIMEOUT_MS = 8_000;
/** Solr drops a half-sent request after so long without a byte. */
const SOLR_IDLE_TIMEOUT_MS = 10_000;
/** After its reception a body waits for its lane, and then for the write before its own, and for that. */
const STORING_MS = limits.laneWaitMs + 2 * limits.archiveWriteMs;

export interface DeletionWiring {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly settings: SettingsWatcher;
  readonly volumes: readonly Volume[];
  readonly index: LogIndex;
}

/** What deletions reach; requests are kept in the first volume. */
export function deletionDependencies(wiring: DeletionWiring): DeletionDependencies {
  const { coordination, clock, settings, volumes, index } = wiring;
  const [first] = volumes;
  if (first === undefined) throw new ConfigurationError('the cluster has no volume');
  return {
    clock, volumes, index,
    deletions: first.deletions,
    collections: () => Promise.resolve([settings.current.index.collection]),
    incarnationLives: async (incarnation) => (await coordination.exists(`${paths.lanes}/${incarnation}`)) !== undefined,
    // Asked for at each pass: the settings may have been changed since the process began.
    get horizonMs() {
      const { intake, deletion } = settings.current;
      return Math.max(intake.bodyTimeoutMs, STORING_MS) + SESSION_TIMEOUT_MS + deletion.clockSkewMs;
    },
    settleMs: SOLR_IDLE_TIMEOUT_MS + SESSION_TIMEOUT_MS,
  };
}
