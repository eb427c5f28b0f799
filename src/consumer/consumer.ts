import type { Clock } from '../clock';
import type { FileVolume } from './file-indexing';
import type { LogIndex } from '../index/ports';
import type { Log } from '../log';
import type { NormaliserPool } from '../normaliser/ports';
import type { QueueAdministration, QueueConsumer } from '../queue/ports';
import type { Random } from '../random';
import type { SettingsWatcher } from '../registry/settings';
import { Budget } from './budget';
import { CommitPolicy } from './commit-policy';
import { workOnFile, type FileWorkOptions } from './file-work';
import { Indexer } from './indexer';
import type { ConsumerMetrics } from './metrics';
import { Runner, type RunnerState } from './runner';

/** Raw bytes of lines between archive and index; documents made of them take several times as much. */
const BYTES_IN_WORK = 24 * 1024 * 1024;

export interface ConsumerDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly queue: QueueConsumer;
  readonly deadLetters: Pick<QueueAdministration, 'bury'>;
  /** Where a file id is looked for, in this order. */
  readonly volumes: readonly FileVolume[];
  readonly index: LogIndex;
  readonly normaliser: NormaliserPool;
  readonly settings: SettingsWatcher;
  readonly metrics: ConsumerMetrics;
  /** Makes the configset and the collection if they are missing; called before work begins and after each pause. */
  readonly prepareIndex: () => Promise<void>;
}

export interface ConsumerStatus {
  readonly state: RunnerState;
  readonly filesInWork: number;
  readonly ownedBuckets: number;
  readonly bytesInWork: number;
}

export interface Consumer {
  /** Joins the queue's consumers. Archive and index need not be reachable yet. */
  start(): Promise<void>;
  /**
   * Stops taking, finishes files in work or puts them back, gives up its buckets. Idempotent, ends by the deadline.
   * Does not close its dependencies.
   */
  close(deadlineMs: number): Promise<void>;
  status(): ConsumerStatus;
}

export function createConsumer(dependencies: ConsumerDependencies): Consumer {
  const { queue, metrics, settings, index, volumes } = dependencies;
  const commits = new CommitPolicy(dependencies);
  const indexer = new Indexer({ ...dependencies, commits });
  const budget = new Budget(BYTES_IN_WORK);
  const ping = async (): Promise<void> => {
    await Promise.all([index.ping(), ...volumes.map((volume) => volume.ping())]);
  };
  const work: FileWorkOptions = {
    ...dependencies,
    indexer,
    budget,
    onProgress: () => { queue.progress(); },
    healthy: () => ping().then(() => true, () => false),
  };
  const runner = new Runner({
    ...dependencies,
    workOnFile: (id, signal) => workOnFile(id, signal, work),
    prepare: async () => {
      await ping();
      await dependencies.prepareIndex();
    },
  });
  const sample = (): void => {
    metrics.ownedBuckets.set(queue.owned);
    metrics.settingsVersion.set(settings.version);
  };
  const stop = async (deadlineMs: number): Promise<void> => {
    await runner.close(deadlineMs);
    commits.close();
  };
  let started = false;
  let closing: Promise<void> | undefined;
  return {
    async start() {
      started = true;
      metrics.onCollect(sample);
      await runner.start();
    },
    close(deadlineMs) {
      closing ??= started ? stop(deadlineMs) : Promise.resolve();
      return closing;
    },
    status: () => ({
      state: runner.state, filesInWork: runner.filesInWork, ownedBuckets: queue.owned, bytesInWork: budget.inUse,
    }),
  };
}
