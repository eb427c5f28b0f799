import { MemoryVolume } from '../../src/archive/memory-volume';
import { Phase } from '../../src/archive/states';
import { MemoryIndex } from '../../src/index/memory-index';
import type { IndexDocument } from '../../src/index/ports';
import type { NormaliserPool } from '../../src/normaliser/ports';
import { createQueueTree } from '../../src/queue/queue-tree';
import type { Random } from '../../src/random';
import { MemoryCoordinationServer } from '../../src/registry/memory-coordination';
import { MemorySettings } from '../../src/registry/memory-settings';
import { paths } from '../../src/registry/paths';
import type { SettingsPatch } from '../../src/registry/settings';
import { AuditFindings, AuditorNode, plantDamage } from './auditor';
import { Choices } from './choices';
import { Crashes, type Crash } from './crashes';
import { RED, runClient, type SentLine } from './client';
import { Events } from './events';
import type { Network } from './gated';
import { Invariants } from './invariants';
import { ConsumerNode, ProducerNode, type Node, type Surroundings } from './node';
import { OperatorNode } from './operator';
import { leftToDo, violations, type Deleted } from './oracle';
import { Actor, Scheduler } from './scheduler';
import { Trouble } from './trouble';

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
  /** Whether index or normaliser fail on some lines, and some blocks can't be read. Default: in every eighth. */
  readonly hostile?: boolean;
  /** Time that normalising takes, in ms: whoever waits so long asks for its claim again. Default 0. */
  readonly normalisingMs?: number;
  /** Whether the audit goes round meanwhile; `damaged`: in the end it has to find and mend what is planted. */
  readonly audited?: 'throughout' | 'damaged';
  /** Ends processes at fault points. */
  readonly crashes?: readonly Crash[];
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
  /** With `crashes`: how often each fault point was reached, and which of the crashes came about. */
  readonly reached: ReadonlyMap<string, number>;
  readonly crashed: readonly Crash[];
}

const SETTINGS: SettingsPatch = {
  files: { maxLines: 6, maxAgeMs: 2_000 },
  intake: { lanes: 1, bodyTimeoutMs: 10_000 },
  // No clock differs where lines are deleted; the horizon shall be as near as it may.
  deletion: { clockSkewMs: 1_000 },
  // Few lines a batch, so that a file takes several.
  consumer: { batchDocuments: 2, softCommitMs: 500, hardCommitMs: 3_000, noProgressMs: 20_000, requeueAfterMs: 30_000 },
  recovery: { scanIntervalMs: 3_000 },
};
/** What fails for good shall be given up soon. */
const FEW_ATTEMPTS: SettingsPatch = { queue: { maxAttempts: 2 } };
const BUCKETS = 2;
const SESSION_TIMEOUT_MS = 8_000;
/** Decisions after which a schedule runs out without further faults. */
const CHAOS_STEPS = 1_500;
/** Within these everything must have settled once nothing fails any more. */
const CALM_STEPS = 200_000;
/** A clock that was behind delays a file by as much; see Recoverer. */
const CALM_MS = 600_000;
const CALM_AFTER_CLOCK_STEP_MS = 3 * 3_600_000;
/** The person who has what was set aside or given up indexed again. */
const REPLAYER = 'replayer';
const AUDITOR = 'auditor';
/** How long a process is away after it died at a fault point. */
const RESTART_MS = 3_000;
/** After so long nobody remembers a file that is gone; and it takes so long to forget it. */
const DAYS_MS = 3 * 86_400_000;
const FORGETTING_MS = 10_000;
const SETTLED: ReadonlySet<Phase> = new Set([Phase.verified, Phase.archived, Phase.gone]);
/** Until what fails is mended. */
const TROUBLED: ReadonlySet<Phase> = new Set([...SETTLED, Phase.dead]);

/** Runs one schedule from its beginning to the verdict. The same options give the same result. */
export async function runSchedule(options: ScheduleOptions): Promise<ScheduleResult> {
  const world = new World(options);
  try {
    return await world.run();
  } finally {
    world.close();
  }
}

class World {
  private readonly choices: Choices;
  private readonly scheduler: Scheduler;
  private readonly server = new Actor('server');
  private readonly volume = new MemoryVolume();
  private readonly indexedTexts = new Map<string, string>();
  private readonly trouble = new Trouble();
  private readonly invariants = new Invariants();
  private readonly index = new RecordingIndex(this.indexedTexts, this.trouble, this.invariants);
  private readonly settings: MemorySettings;
  private readonly nodes = new Map<string, Node>();
  private readonly around: Surroundings;
  private readonly events: Events;
  private readonly crashes: Crashes | undefined;
  private readonly deleter: Deleter;
  private readonly audit: AuditFindings;
  private readonly sent: SentLine[] = [];
  private readonly hostile: boolean;
  private clientsLeft: number;
  private replaysLeft = 0;
  private isCalm = false;

  constructor(private readonly options: ScheduleOptions) {
    const { seed, given, crashes } = options;
    this.hostile = options.hostile ?? seed % 8 === 0;
    this.settings = new MemorySettings(this.hostile ? { ...SETTINGS, ...FEW_ATTEMPTS } : SETTINGS);
    const choices = this.choices = new Choices(seed, given);
    const scheduler = this.scheduler = new Scheduler(choices, options.traced ?? true, crashes !== undefined);
    const { server, nodes, volume, index } = this;
    const zookeeper = new MemoryCoordinationServer({
      clock: scheduler.clockOf(server), sessionTimeoutMs: SESSION_TIMEOUT_MS,
    });
    const network: Network = { scheduler, choices, server, isFaulty: () => !this.isCalm };
    this.around = {
      network, volume, index, zookeeper, settings: this.settings, random: seededRandom(seed),
      normaliser: this.normaliser(options.normalisingMs ?? 0),
    };
    this.audit = new AuditFindings(volume, zookeeper.tree, this.hostile);
    index.onSent = (fileId, line) => { this.audit.sent(fileId, line); };
    this.deleter = new Deleter(choices, () => this.start('deleter') as OperatorNode);
    this.events = new Events({
      scheduler, choices, server, nodes, start: (name) => { this.start(name); }, index,
      sessionTimeoutMs: SESSION_TIMEOUT_MS, mayStepClocks: () => this.deleter.deleted === undefined,
      trouble: this.hostile ? {
        'block damaged': () => { this.trouble.damage(volume, choices); },
        replayed: () => { if (!nodes.has(REPLAYER)) this.start(REPLAYER); },
      } : undefined,
    });
    this.crashes = crashes === undefined ? undefined : new Crashes({
      scheduler, nodes, crashes, die: (node) => { this.events.die(node, SESSION_TIMEOUT_MS / 2, RESTART_MS); },
    });
    this.clientsLeft = options.clients ?? 2;
  }

  close(): void {
    this.crashes?.close();
  }

  async run(): Promise<ScheduleResult> {
    const { options, choices, scheduler } = this;
    await prepareTree(this.around.zookeeper);
    options.sabotage?.(this.volume, this.index);
    this.invariants.watch(this.volume, this.around.zookeeper.tree);
    for (let number = 1; number <= (options.producers ?? 2); number += 1) this.start(`producer-${number}`);
    for (let number = 1; number <= (options.consumers ?? 2); number += 1) this.start(`consumer-${number}`);
    for (let number = 1; number <= (options.clients ?? 2); number += 1) this.startClient(`client-${number}`);
    if (options.audited !== undefined) this.start(AUDITOR);
    await this.failing();
    this.isCalm = true;
    this.events.heal();
    const left = await this.settle(this.hostile ? TROUBLED : SETTLED) ?? await this.mend() ?? await this.auditAtRest();
    return {
      violations: this.invariants.violations.length > 0 ? this.invariants.violations
        : left === undefined ? [...this.audit.wrong, ...await this.verdict()] : [`it does not settle: ${left}`],
      decisions: choices.made, trace: scheduler.trace, steps: scheduler.steps,
      acknowledged: this.sent.filter(({ isAcknowledged }) => isAcknowledged).length,
      reached: this.crashes?.reached ?? new Map(), crashed: this.crashes?.done ?? [],
    };
  }

  private normaliser(delayMs: number): NormaliserPool {
    const { normaliser } = this.trouble;
    const clock = this.scheduler.clockOf(this.server);
    if (delayMs === 0) return normaliser;
    return {
      ...normaliser,
      normalise: async (...inputs) => {
        await clock.sleep(delayMs);
        return normaliser.normalise(...inputs);
      },
    };
  }

  private start(name: string): Node {
    const kind = name.slice(0, name.indexOf('-'));
    const node = kind === 'producer' ? new ProducerNode(name, this.around)
      : name === AUDITOR ? new AuditorNode(name, this.around, this.audit)
      : kind === 'consumer' ? new ConsumerNode(name, this.around) : new OperatorNode(name, this.around);
    this.nodes.set(name, node);
    if (name === REPLAYER && node instanceof OperatorNode) {
      void node.replay().then(() => { if (this.nodes.get(name) === node && !node.actor.isDead) this.replaysLeft = 0; });
    }
    return node;
  }

  private startClient(name: string): void {
    const { scheduler, choices, sent, nodes, hostile } = this;
    void runClient({
      name, actor: new Actor(name), requests: this.options.requests ?? 3, scheduler, choices, sent, hostile,
      producers: () => [...nodes.values()].filter((node): node is ProducerNode => (
        node instanceof ProducerNode && !node.actor.isDead)),
    }).then(() => { this.clientsLeft -= 1; });
  }

  private async failing(): Promise<void> {
    const { scheduler, events, deleter } = this;
    while (scheduler.steps < CHAOS_STEPS && this.clientsLeft > 0 && this.invariants.violations.length === 0) {
      events.mayHappen();
      // When a producer with a wrong clock received a line can't be said.
      if (!events.clocksStepped) deleter.mayDelete();
      await scheduler.step();
    }
  }

  /** Nothing fails any more; all have to come to an end in bounded time. Undefined: they did. */
  private async settle(phases: ReadonlySet<Phase>): Promise<string | undefined> {
    const { scheduler, events, volume } = this;
    const from = { steps: scheduler.steps, ms: scheduler.nowMs };
    const calmMs = events.clocksStepped ? CALM_AFTER_CLOCK_STEP_MS : CALM_MS;
    let left: string | undefined = 'not begun';
    for (let round = 1; left !== undefined && this.invariants.violations.length === 0; round += 1) {
      if (scheduler.steps - from.steps >= CALM_STEPS || scheduler.nowMs - from.ms >= calmMs) return left;
      await scheduler.stepCalmly();
      if (round % 8 > 0) continue;
      left = this.clientsLeft > 0 ? 'clients are sending' : this.replaysLeft > 0 ? 'a person replays what was set aside'
        : await leftToDo(volume, phases) ?? this.unwrittenLetter();
    }
    return undefined;
  }

  /** Whoever replays what was given up finds it by its letter. */
  private unwrittenLetter(): string | undefined {
    const letters = new Set(this.around.zookeeper.tree.children(paths.queueDead) ?? []);
    const states = [...this.volume.store.states.values()];
    const dead = states.find(({ id, phase }) => phase === Phase.dead && !letters.has(id));
    return dead === undefined ? undefined : `file ${dead.id} is dead without a letter`;
  }

  /** The schema and the definitions are mended; a person has indexed what had failed; then days go by. */
  private async mend(): Promise<string | undefined> {
    if (!this.hostile) return undefined;
    this.trouble.isMended = true;
    this.replaysLeft = 1;
    this.start(REPLAYER);
    const left = await this.settle(SETTLED);
    if (left !== undefined || this.deleter.deleted === undefined) return left;
    const days = new Set([...this.nodes.values()].map(({ actor }) => actor));
    for (const actor of days) actor.clockOffsetMs += DAYS_MS;
    const untilMs = this.scheduler.nowMs + FORGETTING_MS;
    while (this.scheduler.nowMs < untilMs) await this.scheduler.stepCalmly();
    return this.settle(SETTLED);
  }

  /** At rest there is nothing to find but what hostile lines and broken blocks left; what is damaged now is mended. */
  private async auditAtRest(): Promise<string | undefined> {
    if (this.options.audited === undefined) return undefined;
    const unfinished = await this.auditRounds();
    if (unfinished !== undefined || this.options.audited !== 'damaged') return unfinished;
    this.audit.isDamaged = true;
    this.audit.right.length = 0;
    const { volume, index, nodes, settings } = this;
    const now = nodes.get(AUDITOR)?.options.clock.now() ?? 0;
    const { collection } = settings.current.index;
    const planted = await plantDamage(volume, index, collection, now, !this.events.clocksStepped);
    if (planted === undefined) return undefined;
    const left = await this.auditRounds() ?? await this.settle(SETTLED) ?? await this.auditRounds();
    const mended = this.audit.right.length;
    const again = left ?? await this.auditRounds();
    if (again === undefined && !this.hostile && this.audit.right.length > mended) {
      return `the audit found ${this.audit.right.at(-1)?.kind ?? ''} again after mending all`;
    }
    // Who dies right behind a repair has not told of it; that it is mended shows all the same.
    if (this.crashes !== undefined) return again;
    const missed = [...planted].filter((kind) => !this.audit.right.some((found) => found.kind === kind && found.repair === 'done'));
    return again ?? (missed.length > 0 ? `the audit did not repair ${missed.join(', ')}` : undefined);
  }

  /** Two whole rounds, since one that ends now may have begun long ago. */
  private async auditRounds(): Promise<string | undefined> {
    const { scheduler } = this;
    const untilMs = scheduler.nowMs + CALM_MS;
    const ended = (): number => {
      const node = this.nodes.get(AUDITOR);
      return node instanceof AuditorNode ? node.reports : 0;
    };
    const from = ended();
    while (ended() < from + 2) {
      if (scheduler.nowMs > untilMs) return 'the audit does not come to an end';
      await scheduler.stepCalmly();
    }
    return undefined;
  }

  private verdict(): Promise<readonly string[]> {
    const { volume, index, indexedTexts, sent } = this;
    return violations({
      volume, index, collection: this.settings.current.index.collection, indexedTexts, sent,
      deletion: this.deleter.deleted, damaged: this.trouble.damaged,
      gapLines: this.invariants.gapLines,
    });
  }
}

/** Deletes the lines of a source, or those with a word, once, in some schedules. */
class Deleter {
  deleted: Deleted | undefined;

  constructor(private readonly choices: Choices, private readonly start: () => OperatorNode) {}

  mayDelete(): void {
    if (this.deleted !== undefined || this.choices.weighted([500, 1]) === 0) return;
    const operator = this.start();
    const throughMs = operator.options.clock.now();
    // By what a file's state says, or by what only the index knows.
    const bySource = this.choices.among(2) === 0;
    this.deleted = bySource ? { means: ({ source }) => source === 'a', throughMs }
      : { means: ({ text }) => text.includes(RED), throughMs };
    void operator.delete(bySource ? { text: '*', source: 'a' } : { text: RED.trim() });
  }
}

/** Notes what text was indexed last under an id. */
class RecordingIndex extends MemoryIndex {
  onSent: ((fileId: string, line: number) => void) | undefined;

  constructor(
    private readonly texts: Map<string, string>, private readonly trouble: Trouble,
    private readonly invariants: Invariants,
  ) {
    super({ refuse: ({ text }) => (trouble.refuses(text) ? 'the schema has no room for it' : undefined) });
  }

  override add(
    collection: string, documents: readonly IndexDocument[], searchableWithinMs?: number,
  ): ReturnType<MemoryIndex['add']> {
    for (const { id, fileId, line, text } of documents) {
      this.onSent?.(fileId, line);
      this.texts.set(id, text);
      if (!this.trouble.refuses(text)) this.invariants.accepted(fileId, line);
    }
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
