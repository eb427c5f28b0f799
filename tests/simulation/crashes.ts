import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { FAULT_POINT_CHANNEL } from '../../src/fault-points';
import type { Node } from './node';
import type { Scheduler } from './scheduler';

/** A process is to die when one comes by this fault point for the so-manieth time over all, from 1. */
export interface Crash {
  readonly point: string;
  readonly occurrence: number;
}

export interface CrashesOptions {
  readonly scheduler: Scheduler;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly crashes: readonly Crash[];
  readonly die: (node: Node) => void;
}

/** Watches the fault points of the program's processes, and ends the one that comes by the wrong one. */
export class Crashes {
  /** How often each point was reached. */
  readonly reached = new Map<string, number>();
  /** Crashes that came about. */
  readonly done: Crash[] = [];

  constructor(private readonly options: CrashesOptions) {
    subscribe(FAULT_POINT_CHANNEL, this.onPoint);
  }

  close(): void {
    unsubscribe(FAULT_POINT_CHANNEL, this.onPoint);
  }

  private readonly onPoint = (name: unknown): void => {
    const { scheduler, nodes, crashes, die } = this.options;
    const point = String(name);
    const node = [...nodes.values()].find(({ actor }) => actor === scheduler.current);
    // What a server's doing leads to at once in a process is not that one's turn; it comes by at other times.
    if (node === undefined || node.actor.isDead) return;
    const occurrence = (this.reached.get(point) ?? 0) + 1;
    this.reached.set(point, occurrence);
    const crash = crashes.find((one) => one.point === point && one.occurrence === occurrence);
    if (crash === undefined) return;
    this.done.push(crash);
    scheduler.note(`${node.name} dies at ${point}`);
    die(node);
  };
}
