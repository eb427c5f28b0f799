import type { Clock } from '../../src/clock';
import type { Choices } from './choices';

/** What stands between a process and the effect that it wants, or between an effect and its answer. */
interface Gate {
  readonly owner: Actor;
  readonly what: string;
  readonly open: () => void;
}

interface Timer {
  readonly atMs: number;
  readonly owner: Actor;
  readonly callback: () => void;
}

/** Whoever waits: a process, or a server, which never dies. */
export class Actor {
  isDead = false;
  /** As by SIGSTOP: nothing of it goes on until then. */
  pausedUntilMs = 0;
  /** How far its clock is from the true time. */
  clockOffsetMs = 0;

  constructor(readonly name: string) {}
}

const START_MS = Date.parse('2026-01-01T00:00:00Z');

/**
 * Time, and the order of all that waits. Every await of the program that matters ends at a gate or at a timer; which
 * one goes on is a decision. Between two decisions everything runs that does not wait for one.
 */
export class Scheduler {
  readonly trace: string[] = [];
  nowMs = 0;
  /** Whose turn it is: what happens until the next step is its doing. */
  current: Actor | undefined;
  steps = 0;
  private gates: Gate[] = [];
  private timers: Timer[] = [];

  /** `traced`: what goes on is written down, which takes a tenth of the time. */
  constructor(
    private readonly choices: Choices, private readonly traced = true,
    /** Whether it has to be known at each moment whose turn it is, also when all go on together. */
    private readonly separately = false,
  ) {}

  /** Writes down what happened. */
  note(what: string): void {
    if (this.traced) this.trace.push(`${this.nowMs} ${what}`);
  }

  /** Resolves when it is this one's turn; never for the dead. */
  gate(owner: Actor, what: string): Promise<void> {
    return new Promise((resolve) => { if (!owner.isDead) this.gates.push({ owner, what, open: resolve }); });
  }

  clockOf(owner: Actor): Clock {
    const timer = (delayMs: number, callback: () => void): (() => void) => {
      const entry = { atMs: this.nowMs + Math.max(0, Math.ceil(delayMs)), owner, callback };
      if (!owner.isDead) this.timers.push(entry);
      return () => { this.timers = this.timers.filter((candidate) => candidate !== entry); };
    };
    return {
      now: () => START_MS + this.nowMs + owner.clockOffsetMs,
      monotonic: () => this.nowMs,
      timer,
      sleep: (delayMs, signal) => new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const done = (): void => {
          cancel();
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const cancel = timer(delayMs, done);
        signal?.addEventListener('abort', done);
      }),
    };
  }

  /** One decision and all that follows from it. */
  async step(): Promise<void> {
    this.steps += 1;
    const mode = this.choices.weighted([6, 3, 1]);
    const ready = this.readyGates();
    if (ready.length === 0 || mode === 2) this.pass();
    else this.open(ready[mode === 0 ? 0 : this.choices.among(ready.length)] as Gate);
    await drained();
  }

  /** Without a decision: all that wait go on, in their order, and time passes when nobody does. */
  async stepCalmly(): Promise<void> {
    const ready = [...this.readyGates()];
    this.steps += Math.max(1, ready.length);
    if (ready.length === 0) this.pass();
    for (const gate of ready) {
      if (gate.owner.isDead) continue;
      this.open(gate);
      if (this.separately) await drained();
    }
    await drained();
  }

  /** Nothing of the dead goes on. */
  bury(owner: Actor): void {
    owner.isDead = true;
    this.gates = this.gates.filter((gate) => gate.owner !== owner);
    this.timers = this.timers.filter((timer) => timer.owner !== owner);
  }

  private readyGates(): readonly Gate[] {
    const isAsleep = ({ owner }: Gate): boolean => owner.pausedUntilMs > this.nowMs;
    return this.gates.some(isAsleep) ? this.gates.filter((gate) => !isAsleep(gate)) : this.gates;
  }

  private open(gate: Gate): void {
    this.gates.splice(this.gates.indexOf(gate), 1);
    this.current = gate.owner;
    if (this.traced) this.note(`${gate.owner.name} ${gate.what}`);
    gate.open();
  }

  /** Time goes on to what is due next. */
  private pass(): void {
    let next: Timer | undefined;
    let dueMs = Infinity;
    for (const timer of this.timers) {
      const atMs = Math.max(timer.atMs, timer.owner.pausedUntilMs);
      if (atMs < dueMs) [next, dueMs] = [timer, atMs];
    }
    for (const { owner: { pausedUntilMs } } of this.gates) {
      if (pausedUntilMs > this.nowMs && pausedUntilMs < dueMs) [next, dueMs] = [undefined, pausedUntilMs];
    }
    if (dueMs === Infinity) return;
    this.nowMs = Math.max(this.nowMs, dueMs);
    if (next === undefined) return;
    this.timers.splice(this.timers.indexOf(next), 1);
    this.current = next.owner;
    next.callback();
  }
}

/**
 * Everything has run that needs no decision. It consists of microtasks alone, and a tick comes behind all of them: that
 * spares a turn of the event loop at each step.
 */
function drained(): Promise<void> {
  return new Promise((resolve) => { process.nextTick(resolve); });
}
