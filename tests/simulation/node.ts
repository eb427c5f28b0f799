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
import { createDeletionRunner } from '../../src/retention/runner';
import { gated, type Network } from './gated';
import { Actor } from './scheduler';

export interface Surroundings {
  readonly network: Network;
  readonly volume: MemoryVolume;
  readonly index: MemoryIndex;
  readonly zookeeper: MemoryCoordinationServer;
  readonly settings: SettingsWatcher;
  readonly random: Random;
}

/** One start of a process, wired as in src/process, over what the simulation gives it. */
export abstract class Node {
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
      ping: () => volume.ping(), close: () => Promise.resolve(),
    };
    this.index = reach<LogIndex>(index, 'index');
  }

  get options() {
    const { network, settings, random } = this.around;
    return { clock: network.scheduler.clockOf(this.actor), random, log: silentLog, settings };
  }

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

  constructor(name: string, around: Surroundings) {
    super(name, around);
    const { coordination, volume } = this;
    const recovery = this.recovery();
    this.lanes = new Lanes({
      ...this.options, volumes: [volume], coordination, buildBlock, closeFiles: recovery.closeFiles,
      queue: createQueueProducer({ ...this.options, coordination }), description: { member: name },
      onWrite: () => undefined,
    });
    this.lanes.start();
    recovery.start();
  }
}

export class ConsumerNode extends Node {
  readonly consumer: Consumer;

  constructor(name: string, around: Surroundings) {
    super(name, around);
    const { coordination, volume, index, options } = this;
    this.consumer = createConsumer({
      ...options, volumes: [volume], index, normaliser, metrics: noMetrics,
      queue: createQueueConsumer({
        ...options, coordination, noProgressMs: () => options.settings.current.consumer.noProgressMs,
      }),
      deadLetters: createQueueAdministration(coordination),
      prepareIndex: () => index.prepare(options.settings.current.index.collection, { shards: 1, replicas: 1 }),
    });
    void this.start();
  }

  private async start(): Promise<void> {
    for (;;) {
      try {
        await this.consumer.start();
        break;
      } catch {
        await this.options.clock.sleep(1_000);
      }
    }
    this.recovery(this.index).start();
    this.startDeletions();
  }

  private startDeletions(): void {
    const { coordination, volume, index, options } = this;
    createDeletionRunner({
      ...options,
      dependencies: deletionDependencies({ ...options, coordination, volumes: [volume], index }),
      exclusively: (work) => exclusively(
        { ...options, coordination }, 'deletions', new AbortController().signal, work),
    }).start();
  }
}

/** Finds nothing in any line: what lines mean does not matter here. */
const normaliser: NormaliserPool = {
  normalise: (_, inputs) => Promise.resolve(inputs.map(() => (
    { tags: {}, dateMs: undefined, matched: [], body: undefined }))),
  close: () => Promise.resolve(),
};

const nothing = { inc: () => undefined, set: () => undefined, observe: () => undefined, dec: () => undefined };
const noMetrics = new Proxy({}, {
  get: (_, name) => (name === 'onCollect' || name === 'unparsed' ? () => undefined : nothing),
}) as ConsumerMetrics;
