import type { MemoryIndex } from '../../src/index/memory-index';
import type { Choices } from './choices';
import type { Node } from './node';
import type { Actor, Scheduler } from './scheduler';

export interface EventsOptions {
  readonly scheduler: Scheduler;
  readonly choices: Choices;
  readonly server: Actor;
  readonly nodes: ReadonlyMap<string, Node>;
  /** Starts a process anew under its name. */
  readonly start: (name: string) => void;
  readonly index: MemoryIndex;
  readonly sessionTimeoutMs: number;
  readonly mayStepClocks: () => boolean;
  /** What else may happen; undefined: nothing. */
  readonly trouble: Readonly<Record<'block damaged' | 'replayed', () => void>> | undefined;
}

const kinds = [
  'killed', 'paused', 'cut off', 'expired', 'clock stepped', 'index without power', 'stopped', 'block damaged', 'replayed',
] as const;
/** The last two only where they may happen. */
const WEIGHTS = [3, 2, 2, 2, 1, 1, 1] as const;
const HOSTILE_WEIGHTS = [...WEIGHTS, 1, 1] as const;
/** One step in so many brings one. */
const RARITY = 40;
const HOUR_MS = 3_600_000;

/** What happens to processes and servers: deaths, pauses, lost connections, lost sessions, clocks, power. */
export class Events {
  clocksStepped = false;

  constructor(private readonly options: EventsOptions) {}

  mayHappen(): void {
    const { choices, nodes, scheduler } = this.options;
    if (choices.weighted([RARITY - 1, 1]) === 0) return;
    const alive = [...nodes.values()].filter(({ actor }) => !actor.isDead);
    const node = alive[choices.among(alive.length)];
    const kind = kinds[choices.weighted(this.options.trouble === undefined ? WEIGHTS : HOSTILE_WEIGHTS)];
    if (node === undefined) return;
    scheduler.note(`${`${node.name} ${kind ?? ''}`}`);
    switch (kind) {
      case 'killed': this.kill(node); return;
      case 'paused': this.pause(node); return;
      case 'cut off': this.cutOff(node); return;
      case 'expired': node.coordination.expireSession(); return;
      case 'clock stepped':
        if (!this.options.mayStepClocks()) return;
        node.actor.clockOffsetMs += choices.among(2) === 0 ? HOUR_MS : -HOUR_MS;
        this.clocksStepped = true;
        return;
      case 'index without power': this.options.index.losePower(); return;
      case 'stopped': this.stop(node); return;
      case 'block damaged':
      case 'replayed':
        this.options.trouble?.[kind]();
        return;
      case undefined:
    }
  }

  /** Ends what would go on by itself only after long: all run, and reach one another. */
  heal(): void {
    for (const node of [...this.options.nodes.values()]) {
      if (node.actor.isDead) this.options.start(node.name);
      else node.coordination.reconnect();
    }
  }

  /** Ends a process at this very moment. Its session ends after `goneMs`, and it starts again after `awayMs`. */
  die(node: Node, goneMs: number, awayMs: number): void {
    const { scheduler, start, nodes } = this.options;
    scheduler.bury(node.actor);
    this.later(goneMs, () => { node.coordination.expireUnnoticed(); });
    this.later(awayMs, () => { if (nodes.get(node.name) === node) start(node.name); });
  }

  private kill(node: Node): void {
    const { choices, sessionTimeoutMs } = this.options;
    // The server ends the session of a client that is gone only after a while.
    this.die(node, choices.among(2) === 0 ? 0 : sessionTimeoutMs, choices.among(12) * 1_000);
  }

  private stop(node: Node): void {
    if (node.isStopping) return;
    node.isStopping = true;
    const awayMs = this.options.choices.among(4) * 1_000;
    void node.stop().then(() => { if (!node.actor.isDead) this.die(node, 0, awayMs); });
  }

  private pause(node: Node): void {
    const { choices, scheduler } = this.options;
    const pauseMs = [1_500, 12_000, 60_000][choices.among(3)] ?? 1_500;
    node.actor.pausedUntilMs = scheduler.nowMs + pauseMs;
    if (pauseMs < this.options.sessionTimeoutMs) return;
    this.later(this.options.sessionTimeoutMs, () => { node.coordination.expireUnnoticed(); });
    // It learns of it some time after it goes on.
    this.later(pauseMs + choices.among(3) * 400, () => { node.coordination.expireSession(); });
  }

  private cutOff(node: Node): void {
    node.coordination.loseConnection();
    this.later([500, 5_000, 12_000][this.options.choices.among(3)] ?? 500, () => { node.coordination.reconnect(); });
  }

  private later(delayMs: number, what: () => void): void {
    const { scheduler, server } = this.options;
    scheduler.clockOf(server).timer(delayMs, what);
  }
}
