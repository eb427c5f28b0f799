import { buildBlock } from '../../src/archive/block-format';
import type { MemoryVolume } from '../../src/archive/memory-volume';
import type { Volume } from '../../src/archive/volume';
import { createConsumer, type Consumer } from '../../src/consumer/consumer';
import type { ConsumerMetrics } from '../../src/consumer/metrics';
import type { MemoryIndex } from '../../src/index/memory-index';
import type { LogIndex } from '../../src/index/ports';
import { silentLog } from '../../src/log';
import type { NormaliserPool } from '../../src/normaliser/ports';
import { deletionDependencies } from '../../src/process/deletions';
import { exclusively } from '../../src/process/exclusively';
import { createRecovery } from '../../src/process/recovery';
import { Lanes } from '../../src/producer/lanes';
import { createQueueAdministration } from '../../src/queue/queue-administration';
import { createQueueConsumer } from '../../src/queue/queue-consumer';
import { createQueueProducer } from '../../src/queue/queue-producer';
import type { Random } from '../../src/random';
import type { MemoryCoordination, MemoryCoordinationServer } from '../../src/registry/memory-coordination';
import type { SettingsWatcher } from '../../src/registry/settings';
import { createDeletionRunner, type DeletionRunner } from '../../src/retention/runner';
import { gated, type Network } from './gated';
import { Actor } from './scheduler';

export interface Surroundings {
  readonly network: Network;
  readonly volume: MemoryVolume;
  readonly index: MemoryIndex;
  readonly zookeeper: MemoryCoordinationServer;
  readonly settings: SettingsWatcher;
  readonly random: Random;
  readonly normaliser: NormaliserPool;
}

/** A process that is told to stop has so long. */
const STOP_MS = 10_000;

/** One start of a process, wired as in src/process, over what the simulation gives it. */
export abstract class Node {
  isStopping = false;
  readonly actor: Actor;
  readonly coordination: MemoryCoordination;
  protected readonly volume: Volume;
  protected readonly index: LogIndex;

  constructor(readonly name: string, protected readonly around: Surroundings) {
    const { network, volume, index, zookeeper } = around;
    this.actor = new Actor(name);
    this.coordination = zookeeper.connect({
      clock: network.scheduler.clockOf(this.actor),
      onOperation: (what, path, done) => (done && !network.isFaulty()
        ? undefined : network.scheduler.gate(this.actor, `zookeeper.${what} ${path}${done ? ' answer' : ''}`)),
    });
    const reach = <T extends object>(port: T, part: string): T => gated(port, part, this.actor, network);
    this.volume = {
      name: volume.name, journal: reach(volume.journal, 'journal'),
      files: reach(volume.files, 'files'), states: reach(volume.states, 'states'),
      definitions: reach(volume.definitions, 'definitions'), deletions: reach(volume.deletions, 'deletions'),
      audits: reach(volume.audits, 'audits'),
      ping: () => volume.ping(), close: () => Promise.resolve(),
    };
    this.index = reach<LogIndex>(index, 'index');
  }

  get options() {
    const { network, settings, random } = this.around;
    return { clock: network.scheduler.clockOf(this.actor), random, log: silentLog, settings };
  }

  /** Ends as by SIGTERM. */
  abstract stop(): Promise<void>;

  /** Its recovery, as every process has one. */
  protected recovery(index?: LogIndex): ReturnType<typeof createRecovery> {
    const { coordination, volume } = this;
    return createRecovery({
      ...this.options, coordination, volumes: [volume], closingBytes: 1024 * 1024,
      queue: createQueueProducer({ ...this.options, coordination }),
      definitions: { current: { version: 'v1', files: [] } }, ...(index === undefined ? {} : { index }),
    });
  }
}

export class ProducerNode extends Node {
  readonly lanes: Lanes;
  private readonly recoveryRounds: ReturnType<typeof createRecovery>;

  constructor(name: string, around: Surroundings) {
    super(name, around);
    const { coordination, volume } = this;
    const recovery = this.recovery();
    this.recoveryRounds = recovery;
    this.lanes = new Lanes({
      ...this.options, volumes: [volume], coordination, buildBlock, closeFiles: recovery.closeFiles,
      queue: createQueueProducer({ ...this.options, coordination }), description: { member: name },
      onWrite: () => undefined,
    });
    this.lanes.start();
    recovery.start();
  }

  override async stop(): Promise<void> {
    const deadline = new AbortController();
    this.options.clock.timer(STOP_MS, () => { deadline.abort(); });
    await this.lanes.close(deadline.signal);
    await this.recoveryRounds.close();
  }
}

export class ConsumerNode extends Node {
  readonly consumer: Consumer;
  private recoveryRounds: ReturnType<typeof createRecovery> | undefined;
  private deletions: DeletionRunner | undefined;

  constructor(name: string, around: Surroundings) {
    super(name, around);
    const { coordination, volume, index, options } = this;
    this.consumer = createConsumer({
      ...options, volumes: [volume], index, normaliser: around.normaliser, metrics: noMetrics,
      queue: createQueueConsumer({
        ...options, coordination, noProgressMs: () => options.settings.current.consumer.noProgressMs,
      }),
      deadLetters: createQueueAdministration(coordination),
      prepareIndex: () => index.prepare(options.settings.current.index.collection, { shards: 1, replicas: 1 }),
    });
    void this.start();
  }

  override async stop(): Promise<void> {
    await this.consumer.close(STOP_MS);
    await this.deletions?.close();
    await this.recoveryRounds?.close();
  }

  private async start(): Promise<void> {
    while (!this.isStopping) {
      try {
        await this.consumer.start();
        break;
      } catch {
        await this.options.clock.sleep(1_000);
      }
    }
    if (this.isStopping) return;
    this.recoveryRounds = this.recovery(this.index);
    this.recoveryRounds.start();
    this.deletions = this.deletionRunner();
    this.deletions.start();
  }

  private deletionRunner(): DeletionRunner {
    const { coordination, volume, index, options } = this;
    return createDeletionRunner({
      ...options,
      dependencies: deletionDependencies({ ...options, coordination, volumes: [volume], index }),
      exclusively: (work) => exclusively(
        { ...options, coordination }, 'deletions', new AbortController().signal, work),
    });
  }
}

const nothing = { inc: () => undefined, set: () => undefined, observe: () => undefined, dec: () => undefined };
const noMetrics = new Proxy({}, {
  get: (_, name) => (name === 'onCollect' || name === 'unparsed' ? () => undefined : nothing),
}) as ConsumerMetrics;
