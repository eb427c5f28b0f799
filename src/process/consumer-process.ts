import { Registry } from 'prom-client';
import type { MongodbVolume } from '../archive/mongodb-volume';
import { createConsumer, type Consumer } from '../consumer/consumer';
import { createConsumerMetrics } from '../consumer/metrics';
import { ConfigurationError } from '../errors';
import type { LogIndex } from '../index/ports';
import { createNormaliserMetrics, exposeDefinitions } from '../normaliser/metrics';
import { WorkerPool } from '../normaliser/worker-pool';
import { createQueueAdministration } from '../queue/queue-administration';
import { createQueueConsumer } from '../queue/queue-consumer';
import { createQueueProducer } from '../queue/queue-producer';
import { withLock } from '../registry/locks';
import type { WatchedSettings } from '../registry/settings-store';
import { createDeletionRunner } from '../retention/runner';
import { Adapters } from './adapters';
import { startAudit } from './audit';
import { Closers } from './closers';
import { formatAddress } from './configuration';
import { definitionsOf, keepDefinitions, loadDefinitions } from './definitions';
import { deletionDependencies } from './deletions';
import { exclusively } from './exclusively';
import type { Service } from './lifecycle';
import { LiveDefinitions } from './live-definitions';
import { publishOwnPresence } from './own-presence';
import type { ProcessOptions } from './producer-process';
import { RateMeter } from './rate-meter';
import { createRecovery } from './recovery';
import { startStatusServer } from './status-server';

/** Only lanes of dead producers are closed here. */
const CLOSING_BYTES = 64 * 1024 * 1024;

/** `resilog consumer`: indexes files, verifies them, carries out deletions, recovers what others left. */
export function createConsumerProcess(options: ProcessOptions): Service {
  const { configuration, clock, random, log } = options;
  const { address } = configuration;
  if (address === undefined) throw new ConfigurationError(`${configuration.file}: a consumer needs "address"`);
  const adapters = new Adapters(options);
  const stopping = new AbortController();
  const closers = new Closers({ clock, log });
  closers.add('connections', () => adapters.close());
  let unready = (): readonly string[] => adapters.startingReasons();

  const start = async (): Promise<void> => {
    const metrics = new Registry();
    const status = await startStatusServer({
      host: address, port: configuration.port ?? 0, metrics, unready: () => unready(), log,
    });
    closers.add('status', () => status.close());
    const coordination = adapters.coordination();
    const settings = await adapters.eventually('the registry', stopping.signal, () => adapters.settings());
    const volumes = await adapters.eventually('the registry', stopping.signal, () => adapters.volumes());
    const index = await adapters.eventually('the registry', stopping.signal, () => adapters.index());
    const program = await loadDefinitions(configuration.pylogsparser);
    await adapters.eventually('MongoDB', stopping.signal, async () => {
      for (const volume of volumes) await volume.prepare();
      await keepDefinitions(program, volumes);
    });
    const definitions = await adapters.eventually('the definitions in force', stopping.signal, () => (
      LiveDefinitions.open({ coordination, volumes, program, clock, log }, stopping.signal)));
    closers.add('definitions', () => definitions.close());
    exposeDefinitions(metrics, () => definitions.current.version);
    const normaliserMetrics = createNormaliserMetrics(metrics);
    const pool = new WorkerPool({
      store: definitionsOf(program, volumes), clock, log, workers: settings.current.consumer.workers,
      onOffence: normaliserMetrics.offended,
    });
    normaliserMetrics.watch(pool);
    closers.add('normaliser', () => pool.close());
    const queue = createQueueProducer({ coordination, clock, random });
    const consumerMetrics = createConsumerMetrics(metrics);
    const consumer = createConsumer({
      clock, random, log, volumes, index, normaliser: pool, settings, metrics: consumerMetrics,
      queue: createQueueConsumer({
        coordination, clock, random, log, noProgressMs: () => settings.current.consumer.noProgressMs,
      }),
      deadLetters: createQueueAdministration(coordination),
      prepareIndex: () => prepareIndex(adapters, options, settings, index),
    });
    closers.add('consumer', (deadlineMs) => consumer.close(deadlineMs));
    await adapters.eventually('the queue', stopping.signal, () => consumer.start());
    if (stopping.signal.aborted) return;
    const recovery = createRecovery({
      ...options, coordination, settings, volumes, queue, definitions, index, closingBytes: CLOSING_BYTES,
    });
    closers.add('recovery', () => recovery.close());
    recovery.start();
    const deletions = runDeletions(options, adapters, settings, volumes, index);
    closers.add('deletions', () => deletions.close());
    const audit = startAudit({ ...options, coordination, settings, volumes, index, registry: metrics });
    closers.add('audit', () => audit.close());
    unready = () => (consumer.status().state === 'running' ? [] : [`the consumer is ${consumer.status().state}`]);
    const presence = present(options, adapters, consumer, metrics, status.port, () => unready());
    closers.add('presence', () => presence.close());
  };

  return {
    start,
    close: async (deadlineMs) => {
      stopping.abort();
      await closers.close(deadlineMs);
    },
  };
}

/** One process at a time makes the collection; the others find it. */
async function prepareIndex(
  adapters: Adapters, { clock, random }: ProcessOptions, settings: WatchedSettings, index: LogIndex,
): Promise<void> {
  const { collection, shards, replicas } = settings.current.index;
  await withLock(adapters.coordination(), 'prepare-index', { clock, random }, () =>
    index.prepare(collection, { shards, replicas }));
}

function runDeletions(
  options: ProcessOptions, adapters: Adapters, settings: WatchedSettings, volumes: readonly MongodbVolume[],
  index: LogIndex,
): { close(): Promise<void> } {
  const { clock, random, log } = options;
  const stop = new AbortController();
  const runner = createDeletionRunner({
    dependencies: deletionDependencies({ coordination: adapters.coordination(), clock, settings, volumes, index }),
    clock, log,
    exclusively: (work) => exclusively(
      { coordination: adapters.coordination(), clock, random }, 'deletions', stop.signal, work),
  });
  runner.start();
  return {
    close: () => {
      stop.abort();
      return runner.close();
    },
  };
}

function present(
  options: ProcessOptions, adapters: Adapters, consumer: Consumer, metrics: Registry, port: number,
  unready: () => readonly string[],
): { close(): Promise<void> } {
  const { configuration, clock, log } = options;
  const rate = new RateMeter(clock);
  let lines = 0;
  const count = async (): Promise<void> => {
    const metric = await metrics.getSingleMetric('resilog_consumer_lines_indexed_total')?.get();
    lines = metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
  };
  return publishOwnPresence({
    coordination: adapters.coordination(), clock, log, kind: 'Consumer',
    member: configuration.member ?? `consumer-${port}`, address: formatAddress(configuration.address ?? '', port),
    unready,
    facts: () => {
      void count();
      const { ownedBuckets, filesInWork } = consumer.status();
      return { linesPerSecond: rate.read(lines), buckets: ownedBuckets, files: filesInWork };
    },
  });
}
