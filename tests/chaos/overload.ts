import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandsOf } from '../end-to-end/support/commands';
import { post } from '../end-to-end/support/client';
import type { ChaosCluster } from './chaos-cluster';
import type { Client } from './clients';

/** So many files may wait to be indexed: few, so that a short run meets the bound. */
export const BACKLOG_FILES = 30;
const RSS_MIB_MOST = 450;
/** So many times as much as is taken has to be sent, or it is no overload. */
const TIMES_TAKEN_LEAST = 3;
const NORMAL_MS = 1_000;
const RECOVERY_LIMIT_MS = 30_000;
const MiB = 1024 * 1024;

export interface OverloadReport {
  /** Answers 503. */
  readonly refused: number;
  /** How many times as many requests came as were taken. */
  readonly timesTaken: number;
  readonly rssMiBMost: number;
  readonly recoverySeconds: number;
}

/** Watches producers while clients send without a pause; `end` tells what was seen, and what was wrong. */
export class Overload {
  private rssMost = 0;
  private readonly pids = new Map<string, number>();
  private readonly problems: string[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly cluster: ChaosCluster, private readonly clients: readonly Client[],
    private readonly urls: readonly string[],
  ) {}

  async begin(): Promise<void> {
    await commandsOf(this.cluster.first).run(
      'config', 'set', `backPressure.maxUnqueuedFiles=${BACKLOG_FILES}`, 'files.maxAgeMs=1000');
    for (const member of this.cluster.of('producer')) this.pids.set(member.label, await member.cluster.pid(member.name));
    this.timer = setInterval(() => { this.look(); }, 200);
  }

  /** To be called when the clients have stopped. */
  async end(): Promise<{ readonly report: OverloadReport; readonly problems: readonly string[] }> {
    clearInterval(this.timer);
    const recoveryMs = await this.recovery();
    const refused = this.clients.reduce((sum, client) => sum + client.refused, 0);
    const taken = this.clients.reduce((sum, client) => sum + client.taken, 0);
    const timesTaken = (taken + refused) / Math.max(1, taken);
    const silent = this.clients.reduce((sum, client) => sum + client.refusedWithoutTime, 0);
    if (silent > 0) this.problems.push(`OVERLOAD: ${silent} answers 503 without Retry-After`);
    if (timesTaken < TIMES_TAKEN_LEAST) {
      this.problems.push(`OVERLOAD: only ${timesTaken.toFixed(1)} times what was taken was sent`);
    }
    if (this.rssMost > RSS_MIB_MOST * MiB) this.problems.push(`OVERLOAD: a producer took ${Math.round(this.rssMost / MiB)} MiB`);
    if (recoveryMs > RECOVERY_LIMIT_MS) this.problems.push(`OVERLOAD: normal again only after ${Math.round(recoveryMs / 1_000)} s`);
    for (const member of this.cluster.of('producer')) {
      const pid = await member.cluster.pid(member.name);
      if (pid !== this.pids.get(member.label)) this.problems.push(`OVERLOAD: ${member.label} crashed`);
    }
    const report = {
      refused, timesTaken: Math.round(timesTaken * 10) / 10, rssMiBMost: Math.round(this.rssMost / MiB),
      recoverySeconds: Math.round(recoveryMs / 100) / 10,
    };
    return { report, problems: this.problems };
  }

  private look(): void {
    for (const pid of this.pids.values()) {
      try {
        const kibibytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        this.rssMost = Math.max(this.rssMost, Number(kibibytes ?? 0) * 1024);
      } catch {
        // It has ended; that is told at the end.
      }
    }
  }

  /** Until requests with nothing in them are answered by every producer in a normal time, three times in a row. */
  private async recovery(): Promise<number> {
    const begin = performance.now();
    let inARow = 0;
    while (inARow < 3 && performance.now() - begin < 4 * RECOVERY_LIMIT_MS) {
      const answers = await Promise.all(this.urls.map((url) => post(url, Buffer.from('\n'))));
      inARow = answers.every(({ status, durationMs }) => status === 200 && durationMs < NORMAL_MS) ? inARow + 1 : 0;
      await sleep(200);
    }
    return performance.now() - begin;
  }
}
