import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { post } from '../end-to-end/support/client';
import { bodyOf } from '../end-to-end/support/samples';
import { Seeded } from '../support/seeded';
import type { Lines } from './lines';
import type { ObligationRecord } from './obligations';

const LINES_MAX = 400;
const RETRY_MS = 200;
const ANSWER_MS = 15_000;

export interface ClientOptions {
  readonly number: number;
  readonly seed: number;
  /** One of each producer. */
  readonly urls: readonly string[];
  readonly lines: Lines;
  readonly record: ObligationRecord;
  /** Lines a second that this client sends at most. */
  readonly rate: number;
  /** Ends sending; what has no answer then is given up. */
  readonly signal: AbortSignal;
}

/** Sends requests of its own lines, each again until it is acknowledged, and records what it is owed. */
export class Client {
  acknowledged = 0;
  /** Answers 200. */
  taken = 0;
  /** Answers 503, and those of them that do not say when to come again. */
  refused = 0;
  refusedWithoutTime = 0;
  /** Longest time between two acknowledgements. */
  longestGapMs = 0;
  /** Answers that no fault explains. */
  readonly unexpected: string[] = [];
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  private readonly random: Seeded;
  private turn: number;

  constructor(private readonly options: ClientOptions) {
    this.random = new Seeded(options.seed + options.number);
    this.turn = options.number;
  }

  async run(): Promise<void> {
    const { signal, rate } = this.options;
    let last = performance.now();
    for (let request = 0; !signal.aborted; request += 1) {
      const count = this.random.between(1, LINES_MAX);
      const keyed = this.random.fraction() < 0.5;
      const started = performance.now();
      if (await this.send(request, count, keyed)) {
        this.acknowledged += count;
        this.longestGapMs = Math.max(this.longestGapMs, performance.now() - last);
        last = performance.now();
      }
      const restMs = started + count / rate * 1_000 - performance.now();
      await sleep(Math.max(0, restMs), undefined, { signal }).catch(() => undefined);
    }
    this.agent.destroy();
  }

  /** True when the request was acknowledged, false when it was given up. */
  private async send(request: number, count: number, keyed: boolean): Promise<boolean> {
    const { number: client, lines, record, urls, signal } = this.options;
    const body = bodyOf(Array.from({ length: count }, (_, line) => lines.text({ client, request, line })));
    const headers: Record<string, string> = keyed ? { 'Idempotency-Key': randomUUID() } : {};
    while (!signal.aborted) {
      // Before it goes out: what is stored without an answer was sent by somebody.
      await record.write('sent', client, request, count, keyed);
      const { status, headers: answered, body: answer } = await post(urls[this.turn % urls.length] ?? '', body, {
        agent: this.agent, timeoutMs: ANSWER_MS, headers,
      });
      if (status === 200) {
        this.taken += 1;
        await record.write('acknowledged', client, request, count, keyed);
        return true;
      }
      if (status === 503) {
        this.refused += 1;
        if (answered['retry-after'] === undefined) this.refusedWithoutTime += 1;
      }
      if (status !== 0 && status !== 503) this.unexpected.push(`${status}: ${answer.trim().slice(0, 200)}`);
      this.turn += 1;
      await sleep(RETRY_MS);
    }
    return false;
  }
}
