import { MemoryVolume } from '../../src/archive/memory-volume';
import { MemoryIndex } from '../../src/index/memory-index';
import type { IndexDocument } from '../../src/index/ports';
import { createQueueTree } from '../../src/queue/queue-tree';
import type { Random } from '../../src/random';
import { MemoryCoordinationServer } from '../../src/registry/memory-coordination';
import { MemorySettings } from '../../src/registry/memory-settings';
import { paths } from '../../src/registry/paths';
import type { SettingsPatch } from '../../src/registry/settings';
import { createDeletion } from '../../src/retention/deletion';
import { Choices } from './choices';
import { runClient, type SentLine } from './client';
import { Events } from './events';
import type { Network } from './gated';
import { ConsumerNode, ProducerNode, type Node, type Surroundings } from './node';
import { leftToDo, violations } from './oracle';
import { Actor, Scheduler } from './scheduler';

export interface ScheduleOptions {
  readonly seed: number;
  /** Decisions to repeat instead of those of the seed. */
  readonly given?: readonly number[];
  readonly producers?: number;
  readonly consumers?: number;
  readonly clients?: number;
  readonly requests?: number;
  /** Whether to write down what goes on. Default: it is. */
  readonly traced?: boolean;
  /** Takes out a rule that the program relies on: then something must go wrong. */
  readonly sabotage?: (volume: MemoryVolume, index: MemoryIndex) => void;
}

export interface ScheduleResult {
  /** What is wrong in the end; empty: nothing. */
  readonly violations: readonly string[];
  readonly decisions: readonly number[];
  readonly trace: readonly string[];
  readonly steps: number;
  readonly acknowledged: number;
}

const SETTINGS: SettingsPatch = {
  files: { maxLines: 6, maxAgeMs: 2_000 },
  intake: { lanes: 1, bodyTimeoutMs: 10_000 },
  // No clock differs where lines are deleted; the horizon shall be as near as it may.
  deletion: { clockSkewMs: 1_000 },
  consumer: { softCommitMs: 500, hardCommitMs: 3_000, noProgressMs: 20_000, requeueAfterMs: 30_000 },
  recovery: { scanIntervalMs: 3_000 },
};
const BUCKETS = 2;
const SESSION_TIMEOUT_MS = 8_000;
/** Decisions after which a schedule runs out without further faults. */
const CHAOS_STEPS = 1_500;
/** Within these everything must have settled once nothing fails any more. */
const CALM_STEPS = 200_000;
/** A clock that was behind delays a file by as much; see Recoverer. */
const CALM_MS = 600_000;
const CALM_AFTER_CLOCK_STEP_MS = 3 * 3_600_000;

/** Runs one schedule from its beginning to the verdict. The same options give the same result. */
export async function runSchedule(options: ScheduleOptions): Promise<ScheduleResult> {
  const choices = new Choices(options.seed, options.given);
  const scheduler = new Scheduler(choices, options.traced ?? true);
  const server = new Actor('server');
  const settings = new MemorySettings(SETTINGS);
  const { collection } = settings.current.index;
  const volume = new MemoryVolume();
  const indexedTexts = new Map<string, string>();
  const index = new RecordingIndex(indexedTexts);
  const zookeeper = new MemoryCoordinationServer({
    clock: scheduler.clockOf(server), sessionTimeoutMs: SESSION_TIMEOUT_MS,
  });
  await prepareTree(zookeeper);
  options.sabotage?.(volume, index);
  const state = { isCalm: false };
  const network: Network = { scheduler, choices, server, isFaulty: () => !state.isCalm };
  const around: Surroundings = { network, volume, index, zookeeper, settings, random: seededRandom(options.seed) };
  const nodes = new Map<string, Node>();
  const start = (name: string): void => {
    nodes.set(name, name.startsWith('producer') ? new ProducerNode(name, around) : new ConsumerNode(name, around));
  };
  for (let number = 1; number <= (options.producers ?? 2); number += 1) start(`producer-${number}`);
  for (let number = 1; number <= (options.consumers ?? 2); number += 1) start(`consumer-${number}`);
  const deleter = new Deleter(around);
  const events = new Events({
    scheduler, choices, server, nodes, start, index, sessionTimeoutMs: SESSION_TIMEOUT_MS,
    mayStepClocks: () => deleter.deleted === undefined,
  });
  const sent: SentLine[] = [];
  let clientsLeft = options.clients ?? 2;
  for (let number = 1; number <= (options.clients ?? 2); number += 1) {
    void runClient({
      name: `client-${number}`, actor: new Actor(`client-${number}`), requests: options.requests ?? 3,
      scheduler, choices, sent,
      producers: () => [...nodes.values()].filter((node): node is ProducerNode => (
        node instanceof ProducerNode && !node.actor.isDead)),
    }).then(() => { clientsLeft -= 1; });
  }
  while (scheduler.steps < CHAOS_STEPS && clientsLeft > 0) {
    events.mayHappen();
    // When a producer with a wrong clock received a line can't be said.
    if (!events.clocksStepped) deleter.mayDelete();
    await scheduler.step();
  }
  state.isCalm = true;
  events.heal();
  const from = { steps: scheduler.steps, ms: scheduler.nowMs };
  const calmMs = events.clocksStepped ? CALM_AFTER_CLOCK_STEP_MS : CALM_MS;
  let left: string | undefined = 'not begun';
  let calmSteps = 0;
  while (left !== undefined && scheduler.steps - from.steps < CALM_STEPS && scheduler.nowMs - from.ms < calmMs) {
    await scheduler.stepCalmly();
    calmSteps += 1;
    if (calmSteps % 8 === 0) left = clientsLeft > 0 ? 'clients are sending' : await leftToDo(volume);
  }
  const wrong = left === undefined
    ? await violations({
      volume, index, collection, indexedTexts, sent, deletion: deleter.deleted,
    }) : [`it does not settle: ${left}`];
  return {
    violations: wrong, decisions: choices.made, trace: scheduler.trace, steps: scheduler.steps,
    acknowledged: sent.filter(({ isAcknowledged }) => isAcknowledged).length,
  };
}

/** Deletes the lines of a source once, in some schedules. */
class Deleter {
  deleted: { readonly source: string; readonly throughMs: number } | undefined;
  private readonly actor = new Actor('deleter');

  constructor(private readonly around: Surroundings) {}

  mayDelete(): void {
    const { network: { choices, scheduler }, volume, random } = this.around;
    if (this.deleted !== undefined || choices.weighted([800, 1]) === 0) return;
    const clock = scheduler.clockOf(this.actor);
    this.deleted = { source: 'a', throughMs: clock.now() };
    scheduler.note(`all of a is deleted`);
    void createDeletion({ text: '*', source: 'a' }, 'simulation', { clock, random, deletions: volume.deletions });
  }
}

/** Notes what text was indexed last under an id. */
class RecordingIndex extends MemoryIndex {
  constructor(private readonly texts: Map<string, string>) {
    super();
  }

  override add(
    collection: string, documents: readonly IndexDocument[], searchableWithinMs?: number,
  ): ReturnType<MemoryIndex['add']> {
    for (const { id, text } of documents) this.texts.set(id, text);
    return super.add(collection, documents, searchableWithinMs);
  }
}

async function prepareTree(zookeeper: MemoryCoordinationServer): Promise<void> {
  const coordination = zookeeper.connect();
  for (const path of [paths.lanes, paths.locks, paths.elections]) await coordination.ensure(path);
  await createQueueTree(coordination, BUCKETS);
  await coordination.close();
}

function seededRandom(seed: number): Random {
  const choices = new Choices(seed ^ 0x5bd1_e995);
  return {
    bytes: (length) => {
      const bytes = Buffer.allocUnsafe(length);
      for (let at = 0; at < length; at += 1) bytes[at] = Math.floor(choices.draw() * 256);
      return bytes;
    },
    fraction: () => choices.draw(),
  };
}
